/** The user center as a relying site of Kora itself: an ordinary confidential client, made at the first start. */
import { ensureOwnClient, type OwnClient } from '../../oidc/own-client.ts'
import type { UserCenterDeps } from './deps.ts'

export const userCentreClientId = 'kora-user-centre'
export const userCentreName = '用户中心'

export const callbackOf = (issuer: string): string => `${issuer}/me/callback`

const clientOf = (issuer: string): OwnClient => ({
  clientId: userCentreClientId,
  secretName: 'user-centre client',
  callback: callbackOf(issuer),
  policy: {
    ownService: true,
    names: { 'zh-CN': userCentreName, bo: 'སྤྱོད་མཁན་ལྟེ་གནས།', en: 'User centre' },
    trusted: true,
    subjectKinds: ['person', 'organization'],
    roles: ['self', 'legal_representative', 'agent'],
    homeUri: `${issuer}/me`
  }
})

/** @returns the secret */
export const ensureUserCentreClient = async (
  deps: Pick<UserCenterDeps, 'db' | 'crypto'> & { config: Pick<UserCenterDeps['config'], 'issuer'> }
): Promise<string> => await ensureOwnClient(deps, clientOf(deps.config.issuer))

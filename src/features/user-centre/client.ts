/** The user centre as a relying site of Kora itself: an ordinary confidential client, made at the first start. */
import { createHash, randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { ClientPolicy } from '../../domain/client-policy.ts'
import { bumpEpoch } from '../../oidc/cache-epoch.ts'
import type { Services } from '../../services.ts'

export const userCentreClientId = 'kora-user-centre'
export const userCentreName = '用户中心'

const secretName = 'user-centre client'
const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url')

export const callbackOf = (issuer: string): string => `${issuer}/me/callback`

const metadataOf = (issuer: string): Record<string, unknown> => ({
  client_name: userCentreName,
  application_type: 'web',
  grant_types: ['authorization_code'],
  response_types: ['code'],
  token_endpoint_auth_method: 'client_secret_basic',
  redirect_uris: [callbackOf(issuer)],
  scope: 'openid'
})

const policyOf = (issuer: string): Partial<ClientPolicy> => ({
  ownService: true,
  names: { 'zh-CN': userCentreName, bo: 'སྤྱོད་མཁན་ལྟེ་གནས།', en: 'User centre' },
  trusted: true,
  subjectKinds: ['person', 'organization'],
  roles: ['self', 'legal_representative', 'agent'],
  homeUri: `${issuer}/me`
})

/**
 * Makes the client and its secret when they are missing, and corrects the client when the issuer's address has
 * changed. Processes that start together end up with one secret: the first insert wins, the others read it.
 * @returns the secret
 */
export async function ensureUserCentreClient ({ db, crypto, config }: Pick<Services, 'db' | 'crypto' | 'config'>): Promise<string> {
  return await db.transaction().execute(async (trx) => {
    const drafted = randomBytes(32).toString('base64url')
    await trx.insertInto('serverSecret').values({ name: secretName, valueEnc: crypto.encrypt('server_secret', 'value_enc', secretName, drafted) })
      .onConflict((conflict) => conflict.column('name').doNothing()).execute()
    const { valueEnc } = await trx.selectFrom('serverSecret').select('valueEnc').where('name', '=', secretName).executeTakeFirstOrThrow()
    const secret = crypto.decrypt('server_secret', 'value_enc', secretName, valueEnc)
    await ensureClient(trx, config.issuer)
    await trx.insertInto('clientSecret').values({ id: `sec_${userCentreClientId}`, clientId: userCentreClientId, secretHash: hashOf(secret), hint: secret.slice(-4) })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ secretHash: hashOf(secret), hint: secret.slice(-4) })).execute()
    return secret
  })
}

async function ensureClient (trx: Transaction<Database>, issuer: string): Promise<void> {
  const [metadata, policy] = [metadataOf(issuer), policyOf(issuer)]
  const stored = await trx.selectFrom('client').select(['metadata', 'policy']).where('clientId', '=', userCentreClientId).executeTakeFirst()
  if (stored !== undefined && isDeepStrictEqual(stored.metadata, metadata) && isDeepStrictEqual(stored.policy, policy)) return
  const values = { metadata: JSON.stringify(metadata), policy: JSON.stringify(policy) }
  await trx.insertInto('client').values({ clientId: userCentreClientId, status: 'live', ...values })
    .onConflict((conflict) => conflict.column('clientId').doUpdateSet(values)).execute()
  await bumpEpoch(trx, 'clients')
}

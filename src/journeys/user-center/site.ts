/**
 * The user center as a site of Kora itself: an ordinary confidential client, made at the first start, and sessions that
 * have no life of their own. A session is good while the provider's record of it stands, so logout, revocation of the
 * context and disabling the person end it at the next request.
 */
import type { Kysely } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { FieldCrypto } from '../../database/index.ts'
import { contextId, readContextId, type RepresentationRef } from '../../domain/representation/representation.ts'
import type { OwnClient } from '../../oidc/own-client.ts'
import { findDelegationOrganization } from '../../records/organizations/index.ts'
import { findPersonIdBySub, personById, type StoredPerson } from '../../records/persons/index.ts'
import type { SessionLifetime } from '../../records/own-sites/index.ts'
import { findClientSession } from '../../tokens/client-sessions.ts'
import type { OwnSite } from '../own-site/index.ts'

export const userCentreClientId = 'kora-user-centre'
export const userCentreName = '用户中心'

export const describeClient = (issuer: string): OwnClient => ({
  clientId: userCentreClientId,
  secretName: 'user-centre client',
  callback: `${issuer}/me/callback`,
  policy: {
    ownService: true,
    names: { 'zh-CN': userCentreName, bo: 'སྤྱོད་མཁན་ལྟེ་གནས།', en: 'User centre' },
    trusted: true,
    subjectKinds: ['person', 'organization'],
    roles: ['self', 'legal_representative', 'agent'],
    homeUri: `${issuer}/me`
  }
})

export const sessionLifetime: SessionLifetime = { idleSeconds: 1800, absoluteSeconds: null, keptDays: 0 }

/** Who is here, in the context that the provider's record names at this moment. */
export interface SessionOwner {
  idHash: string
  browserHash: string
  person: StoredPerson
  /** Null: the delegation does not exist. */
  ref: RepresentationRef | null
  /** Of the provider's session. */
  sessionUid: string | null
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

export function describeSite ({
  db,
  crypto,
  config: { issuer }
}: {
  db: Kysely<Database>
  crypto: FieldCrypto
  config: { issuer: string }
}): OwnSite<SessionOwner> {
  return {
    name: 'user-center',
    client: describeClient(issuer),
    homePath: '/me',
    deniedPath: '/',
    cookie: { name: 'kora_me', path: '/' },
    lifetime: sessionLifetime,
    readReturnPath: (value) =>
      typeof value === 'string' && value.length < 200 && /^\/me(\/[\w-]+)*$/.test(value) ? value : '/me',
    listParameters: ({ locale }) => ({
      // the provider's session that ours stands and falls with
      claims: JSON.stringify({ id_token: { sid: null } }),
      ui_locales: locale
    }),

    /** Whether it still stands is looked up at every request. */
    async readContextId (claims) {
      const { role, organization, delegation } = (claims['representation'] ?? {}) as {
        role?: string
        organization?: { uscc?: string }
        delegation?: { id?: string }
      }
      if (role === 'agent') return text(delegation?.id)
      if (role !== 'legal_representative') return 'self'
      const row = await db
        .selectFrom('organization')
        .select('id')
        .where('uscc', '=', text(organization?.uscc))
        .executeTakeFirst()
      return contextId({ role: 'legal_representative', organizationId: row?.id ?? '' })
    },

    async admit (trx, { clientSession }) {
      const { accountId, id } = clientSession
      const personId = await findPersonIdBySub(trx, accountId)
      return personId === null
        ? null
        : { subject: { personId, clientSessionId: id }, event: { type: 'session.started', personId } }
    },

    async findSubject ({ idHash, browserHash, personId, clientSessionId }) {
      const [record, person] = await Promise.all([
        findClientSession(db, clientSessionId ?? ''),
        personById(db, crypto, personId ?? '')
      ])
      if (record === null || person === null) return null
      if (person.status !== 'active' || person.sub !== record.accountId) return null
      const { sessionUid } = record
      const ref =
        readContextId(record.contextId, null) ??
        readContextId(record.contextId, await findDelegationOrganization(db, record.contextId))
      return { idHash, browserHash, person, ref, sessionUid }
    }
  }
}

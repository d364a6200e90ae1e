/**
 * Rows of the user center's own login: requests under way, and sessions. A session depends on the provider's record of
 * this site's session, so logout, revocation of the context and disabling the person end it at the next request.
 */
import { createHash } from 'node:crypto'
import { sql, type Kysely, type Transaction } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import { statement } from '../../database/statement.ts'
import type { Database } from '../../database/schema.ts'
import type { UserCenterDeps } from './deps.ts'

type Db = Kysely<Database> | Transaction<Database>

/** Seconds without a request after which a session ends. */
const idleSeconds = 1800
/** As long as the provider keeps an interaction, and a minute for the way back. */
const loginSeconds = 960

export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url')
const random = (): string => newIdentifier(32)

export interface StartedLogin {
  state: string
  nonce: string
  verifier: string
}

export async function startLogin (
  { db, crypto }: Pick<UserCenterDeps, 'db' | 'crypto'>,
  { browserHash, returnTo }: { browserHash: string; returnTo: string }
): Promise<StartedLogin> {
  const [state, nonce, verifier] = [random(), random(), random()]
  const stateHash = hashOf(state)
  await db
    .insertInto('userCentreLogin')
    .values({
      stateHash,
      browserHash,
      nonce,
      verifierEnc: crypto.encrypt('user_centre_login', 'verifier_enc', stateHash, verifier),
      returnTo,
      expiresAt: sql<Date>`now() + make_interval(secs => ${loginSeconds})`
    })
    .execute()
  return { state, nonce, verifier }
}

/** Once, and by the browser that started it (RFC 6749 §10.12). Null = unknown, used, too old, or another browser's. */
export async function takeLogin (
  { db, crypto }: Pick<UserCenterDeps, 'db' | 'crypto'>,
  state: string,
  browserHash: string
): Promise<{ nonce: string; verifier: string; returnTo: string } | null> {
  const stateHash = hashOf(state)
  const row = await db
    .deleteFrom('userCentreLogin')
    .where('stateHash', '=', stateHash)
    .where('browserHash', '=', browserHash)
    .where('expiresAt', '>', sql<Date>`now()`)
    .returning(['nonce', 'verifierEnc', 'returnTo'])
    .executeTakeFirst()
  return row === undefined
    ? null
    : {
        nonce: row.nonce,
        returnTo: row.returnTo,
        verifier: crypto.decrypt('user_centre_login', 'verifier_enc', stateHash, row.verifierEnc)
      }
}

/** The provider's record that a `sid` was handed to this site for this context; null = it has ended already. */
const recordStatement = statement<
  [sub: string, clientId: string, sid: string, context: string],
  { id: string; personId: string }
>(
  'user centre client session',
  `
  select a.id, p.id as person_id from oidc_artifact a join person p on p.sub = a.account_id
   where a.model = 'ClientSession' and a.account_id = $1 and a.client_id = $2 and a.payload->>'sid' = $3
     and coalesce(a.context_id, 'self') = $4 and a.expires_at > now()`
)

export interface SiteSession {
  sub: string
  clientId: string
  sid: string
  contextId: string
}

export async function openSession (
  trx: Db,
  { sub, clientId, sid, contextId }: SiteSession,
  browserHash: string
): Promise<{ secret: string; personId: string } | null> {
  const [record] = await recordStatement(trx, sub, clientId, sid, contextId)
  if (record === undefined) return null
  const secret = random()
  await trx
    .insertInto('userCentreSession')
    .values({
      idHash: hashOf(secret),
      browserHash,
      personId: record.personId,
      clientSessionId: record.id,
      expiresAt: sql<Date>`now() + make_interval(secs => ${idleSeconds})`
    })
    .execute()
  return { secret, personId: record.personId }
}

export interface FoundSession {
  idHash: string
  personId: string
  contextId: string
  sessionUid: string | null
  organizationId: string | null
  secondsLeft: number
}

/** One query: the session, the provider's record of it, the person, and for an agent the organization. */
const findStatement = statement<[idHash: string, browserHash: string], FoundSession>(
  'user centre session find',
  `
  select s.id_hash, s.person_id, coalesce(a.context_id, 'self') as context_id, a.session_uid,
         (select d.organization_id from delegation d where d.id = a.context_id limit 1) as organization_id,
         extract(epoch from s.expires_at - now())::float8 as seconds_left
    from user_centre_session s
    join oidc_artifact a on a.model = 'ClientSession' and a.id = s.client_session_id and a.expires_at > now()
    join person p on p.id = s.person_id and p.sub = a.account_id and p.status = 'active'
   where s.id_hash = $1 and s.browser_hash = $2 and s.expires_at > now()`
)

const touchStatement = statement<[idHash: string, seconds: number], { idHash: string }>(
  'user centre session touch',
  `
  update user_centre_session set expires_at = now() + make_interval(secs => $2::float8)
   where id_hash = $1 and expires_at > now() returning id_hash`
)

export async function findSession (db: Db, secret: string, browserHash: string): Promise<FoundSession | null> {
  if (!/^[\w-]{43}$/.test(secret)) return null
  const [found] = await findStatement(db, hashOf(secret), browserHash)
  if (found === undefined) return null
  // a write for every tenth of the time, not for every request
  if (found.secondsLeft < idleSeconds * 0.9) await touchStatement(db, found.idHash, idleSeconds)
  return found
}

export async function closeSession (db: Db, idHash: string): Promise<void> {
  await db.deleteFrom('userCentreSession').where('idHash', '=', idHash).execute()
}

/** Deletes at most `limit` of what has expired. Returns how many. */
export async function sweepUserCentre (db: Db, limit = 500): Promise<number> {
  let deleted = 0
  for (const [table, key] of [
    ['user_centre_login', 'state_hash'],
    ['organization_password_draft', 'session_hash'],
    ['user_centre_session', 'id_hash']
  ] as const) {
    const { rows } = await sql`
      delete from ${sql.table(table)} where ${sql.ref(key)} in (
        select ${sql.ref(key)} from ${sql.table(table)} where expires_at < now() order by expires_at limit ${limit}
          for update skip locked)
      returning 1`.execute(db)
    deleted += rows.length
  }
  return deleted
}

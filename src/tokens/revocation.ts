/**
 * Revocation by session, account, representation context, client or grant, each by an index of `oidc_artifact`. Every
 * function deletes in the transaction it is given and returns the relying sites that must be notified (OIDC
 * Back-Channel Logout); the caller adds state, audit and outbox.
 *
 * Deletes are repeated until nothing is found: a token inserted meanwhile is under a row that the first pass waited for
 * (artifact-repository), so the next pass sees it.
 */
import { statement } from '../database/statement.ts'
import type { Connection } from './artifact-repository.ts'

/** A relying site's session that ended. Without `sid`, the site knows only the account. */
export interface EndedClientSession {
  sessionUid: string | null
  accountId: string
  clientId: string
  sid: string | null
  contextId: string | null
}

interface Deleted {
  sessionUid: string | null
  accountId: string | null
  clientId: string | null
  sid: string | null
  contextId: string | null
}

/** Rows are locked in one order, because two revocations of the same rows would otherwise deadlock. */
const deleteWhere = (condition: string): string => `
  with locked as (select model, id from oidc_artifact where ${condition} order by model, id for update),
  gone as (
    delete from oidc_artifact a using locked where a.model = locked.model and a.id = locked.id
    returning a.session_uid, a.account_id, a.client_id, a.payload->>'sid' as sid, a.context_id)
  select distinct session_uid, account_id, client_id, sid, context_id from gone`

const deleteOfSession = statement<[string], Deleted>('oidc revoke session', deleteWhere('session_uid = $1'))
const deleteSessionRow = statement<[string], Deleted>(
  'oidc revoke session row',
  deleteWhere("model = 'Session' and uid = $1")
)
const deleteOfSessionClients = statement<[string, string[]], Deleted>(
  'oidc revoke session clients',
  deleteWhere('session_uid = $1 and client_id = any($2::text[])')
)
const deleteOfAccount = statement<[string, string | null], Deleted>(
  'oidc revoke account',
  deleteWhere(
    'account_id = $1 and ($2::text is null or (session_uid is distinct from $2 and uid is distinct from $2))'
  )
)
const deleteOfContext = statement<[string], Deleted>('oidc revoke context', deleteWhere('context_id = $1'))
const deleteOfClient = statement<[string], Deleted>('oidc revoke client', deleteWhere('client_id = $1'))
const deleteOfAll = statement<[], Deleted>(
  'oidc revoke all',
  deleteWhere('(model, id) in (select model, id from oidc_artifact order by model, id limit 5000)')
)
const deleteOfGrant = statement<[string], Deleted>('oidc revoke grant', deleteWhere('grant_hash = $1'))

// the entry stays, without its sid: what has ended is not silently replaced by another representation
const endClients = statement<[string], { uid: string }>(
  'oidc revoke end clients',
  `
  update oidc_artifact a set payload = jsonb_set(a.payload, '{authorizations}', (
    select coalesce(jsonb_object_agg(entry.key, case when entry.key = any(ended.clients)
      then (entry.value - 'sid') || '{"ended": true}' else entry.value end), '{}')
    from jsonb_each(a.payload->'authorizations') entry))
  from (select session_uid, array_agg(client_id) as clients
        from jsonb_to_recordset($1::jsonb) as e (session_uid text, client_id text) group by session_uid) ended
  where a.model = 'Session' and a.uid = ended.session_uid and jsonb_typeof(a.payload->'authorizations') = 'object'
  returning a.uid`
)

const forgetClients = statement<[string], { uid: string }>(
  'oidc revoke forget clients',
  `
  update oidc_artifact a set payload = jsonb_set(a.payload, '{authorizations}',
    (a.payload->'authorizations') - ended.clients)
  from (select session_uid, array_agg(client_id) as clients
        from jsonb_to_recordset($1::jsonb) as e (session_uid text, client_id text) group by session_uid) ended
  where a.model = 'Session' and a.uid = ended.session_uid and jsonb_typeof(a.payload->'authorizations') = 'object'
  returning a.uid`
)

/** Logout: the session and everything issued in it. */
export async function revokeSession (trx: Connection, sessionUid: string): Promise<EndedClientSession[]> {
  // the session first: what is issued under it waits for this row
  await deleteSessionRow(trx, sessionUid)
  return removeDuplicates(await repeatUntilNone(() => deleteOfSession(trx, sessionUid)))
}

/** Logout at single clients; the session continues. */
export async function revokeClientsOfSession (
  trx: Connection,
  sessionUid: string,
  clientIds: string[]
): Promise<EndedClientSession[]> {
  return removeDuplicates(await repeatUntilNone(() => deleteOfSessionClients(trx, sessionUid, clientIds)))
}

/**
 * Every session and token of an account (`sub`): disabled, password reset, deleted.
 *
 * @param exceptSessionUid the session to keep ("sign out my other devices", ASVS 7.4.3)
 */
export async function revokeAccount (
  trx: Connection,
  accountSub: string,
  exceptSessionUid: string | null = null
): Promise<EndedClientSession[]> {
  return removeDuplicates(await repeatUntilNone(() => deleteOfAccount(trx, accountSub, exceptSessionUid)))
}

/**
 * One representation context (`GrantContext.id`), in every session that uses it. The person's session continues and
 * keeps, for these clients, that the representation ended: the next authorization there asks the person, and gets a new
 * `sid`.
 */
export async function revokeContext (trx: Connection, contextId: string): Promise<EndedClientSession[]> {
  const ended = removeDuplicates(await repeatUntilNone(() => deleteOfContext(trx, contextId)))
  return await changeSessions(trx, ended, endClients)
}

/** Everything there is: sessions, codes, tokens, logins under way. */
export async function revokeEverything (trx: Connection): Promise<EndedClientSession[]> {
  return removeDuplicates(await repeatUntilNone(() => deleteOfAll(trx)))
}

/** Everything issued to a client. The client itself is the caller's (status, cache epoch). */
export async function revokeClient (trx: Connection, clientId: string): Promise<EndedClientSession[]> {
  const ended = removeDuplicates(await repeatUntilNone(() => deleteOfClient(trx, clientId)))
  return await changeSessions(trx, ended, forgetClients)
}

/**
 * Everything issued under one grant, the code or refresh token included (RFC 6749 §4.1.2, RFC 7009 §2.1).
 * @param grantHash hash of the grant's identifier, as stored
 */
export async function revokeGrantHash (trx: Connection, grantHash: string): Promise<EndedClientSession[]> {
  return removeDuplicates(await repeatUntilNone(() => deleteOfGrant(trx, grantHash)))
}

async function repeatUntilNone (pass: () => Promise<Deleted[]>): Promise<Deleted[]> {
  const all: Deleted[] = []
  for (;;) {
    const deleted = await pass()
    if (deleted.length === 0) return all
    all.push(...deleted)
  }
}

async function changeSessions (
  trx: Connection,
  ended: EndedClientSession[],
  change: typeof forgetClients
): Promise<EndedClientSession[]> {
  const known = ended.filter(({ sessionUid }) => sessionUid !== null)
  if (known.length > 0) {
    await change(
      trx,
      JSON.stringify(known.map(({ sessionUid, clientId }) => ({ session_uid: sessionUid, client_id: clientId })))
    )
  }
  return ended
}

/** One entry for each relying site's session: without those that only repeat another one less exactly. */
function removeDuplicates (deleted: Deleted[]): EndedClientSession[] {
  const ended = new Map<string, EndedClientSession>()
  const exact = new Set<string>()
  for (const { sessionUid, accountId, clientId, sid, contextId } of deleted) {
    if (accountId === null || clientId === null) continue
    if (sid !== null) exact.add(`${sessionUid} ${clientId}`)
    ended.set(`${sessionUid} ${clientId} ${accountId} ${sid}`, { sessionUid, accountId, clientId, sid, contextId })
  }
  return [...ended.values()].filter(
    ({ sessionUid, clientId, sid }) => sid !== null || !exact.has(`${sessionUid} ${clientId}`)
  )
}

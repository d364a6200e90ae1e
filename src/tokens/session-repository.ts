/**
 * Sessions in `oidc_artifact`: one row for each `uid`, independent of its current identifier. Beside it is a
 * `ClientSession` row for each `sid` given to a relying site. It lives until the absolute end of the session and not
 * only while the session is used, because the site's own session continues after ours is idle, and back-channel logout
 * is sent for this row.
 */
import { statement } from '../database/statement.ts'
import { lookup } from '../database/together.ts'
import { artifactId, toJson, type Connection } from './artifact-repository.ts'
import type { ClientAuthorization, SessionChange, SessionPayload, StoredSession } from './session-change.ts'

interface Row {
  id: string
  uid: string
  payload: SessionPayload & { startedAt: number }
  expiresAt: number
}

const row = 'id, uid, payload, extract(epoch from expires_at)::float8 as expires_at'

const findById = lookup<Row>(
  'oidc session find',
  `
  select ${row} from oidc_artifact where model = 'Session' and id = any($1::text[]) and expires_at > now()`,
  ({ id }) => id
)

const findByUidStatement = statement<[string], Row>(
  'oidc session find by uid',
  `
  select ${row} from oidc_artifact where model = 'Session' and uid = $1 and expires_at > now()`
)

const ofAccountStatement = statement<[accountId: string, limit: number | null], Row>(
  'oidc sessions of account',
  `
  select ${row} from oidc_artifact where model = 'Session' and account_id = $1 and expires_at > now()
   order by expires_at desc limit $2::int`
)

const countStatement = statement<[], { n: number }>(
  'oidc sessions count',
  `
  select count(*)::int as n from oidc_artifact where model = 'Session' and account_id is not null
    and expires_at > now()`
)

const sessionStart = "to_timestamp((a.payload->>'startedAt')::float8)"

/** `stored` gives uid and ends_at; $N is the JSON list of client sessions, $A the account. */
const noteClientSessions = (list: string, account: string): string => `
  noted as (
    insert into oidc_artifact (model, id, payload, session_uid, account_id, client_id, context_id, expires_at)
    select 'ClientSession', n.id, jsonb_build_object('sid', n.sid), stored.uid, ${account}::text, n.client_id, n.context_id, stored.ends_at
    from stored, jsonb_to_recordset(${list}::jsonb) as n (id text, sid text, client_id text, context_id text)
    on conflict (model, id) do nothing
    returning id)`

const insertStatement = statement<
  [
    uid: string,
    id: string,
    payload: string,
    account: string | null,
    keep: number,
    absolute: number,
    clientSessions: string
  ],
  { uid: string }
>(
  'oidc session insert',
  `
  with stored as (
    insert into oidc_artifact as a (model, id, payload, account_id, uid, expires_at)
    values ('Session', $2::text, $3::jsonb || jsonb_build_object('startedAt', floor(extract(epoch
      from now()))), $4::text, $1::text,
      now() + make_interval(secs => least($5::float8, $6::float8)))
    on conflict (uid) where model = 'Session' do update set
      id = excluded.id,
      account_id = excluded.account_id,
      payload = excluded.payload || jsonb_build_object('startedAt', a.payload->'startedAt') ||
        case when a.account_id is not distinct from excluded.account_id
          then jsonb_build_object('authorizations', coalesce(a.payload->'authorizations',
            '{}') || coalesce(excluded.payload->'authorizations', '{}'))
          else '{}' end,
      expires_at = least(excluded.expires_at, ${sessionStart} + make_interval(secs => $6::float8))
    returning a.uid, ${sessionStart} + make_interval(secs => $6::float8) as ends_at),
  ${noteClientSessions('$7', '$4')}
  select uid from stored`
)

const updateStatement = statement<
  [
    uid: string,
    id: string | null,
    set: string,
    unset: string[],
    clients: string,
    clientsGone: string[],
    account: string | null,
    accountFound: string | null,
    keep: number,
    absolute: number,
    clientSessions: string
  ],
  { uid: string }
>(
  'oidc session update',
  `
  with stored as (
    update oidc_artifact a set
      id = coalesce($2::text, a.id),
      account_id = $7::text,
      payload = ((a.payload - $4::text[]) || $3::jsonb) || jsonb_build_object('authorizations',
        (coalesce(a.payload->'authorizations', '{}') - $6::text[]) || $5::jsonb),
      expires_at = least(now() + make_interval(secs => $9::float8), ${sessionStart} + make_interval(secs => $10::float8))
    where a.model = 'Session' and a.uid = $1::text and a.expires_at > now()
      and (a.account_id is not distinct from $8::text or a.account_id is not distinct from $7::text)
    returning a.uid, ${sessionStart} + make_interval(secs => $10::float8) as ends_at),
  ${noteClientSessions('$11', '$7')}
  select uid from stored`
)

/** By the stored identifier, or by uid. The payload's `exp` is never later than the row's end. */
export async function findSession (
  db: Connection,
  by: { id: string } | { uid: string }
): Promise<StoredSession | undefined> {
  const [found] = 'id' in by ? await findById(db, by.id) : await findByUidStatement(db, by.uid)
  return found && toSession(found)
}

/** Live sessions of an account; the one that ends last comes first. */
export const listSessions = async (
  db: Connection,
  accountId: string,
  limit: number | null = null
): Promise<StoredSession[]> => (await ofAccountStatement(db, accountId, limit)).map(toSession)

/** Live sessions in which somebody is signed in. */
export const countSessions = async (db: Connection): Promise<number> => (await countStatement(db))[0]?.n ?? 0

function toSession (found: Row): StoredSession {
  const { startedAt, ...payload } = found.payload
  return {
    id: found.id,
    uid: found.uid,
    startedAt,
    expiresAt: found.expiresAt,
    payload: {
      ...payload,
      ...(payload.exp === undefined ? {} : { exp: Math.min(payload.exp, Math.floor(found.expiresAt)) })
    }
  }
}

export interface SessionTimes {
  keepSeconds: number
  absoluteSeconds: number
}

/** A session that was not stored before. A second save merges the clients of the same account. */
export async function insertSession (
  db: Connection,
  session: { id: string; uid: string; payload: SessionPayload },
  times: SessionTimes
): Promise<void> {
  const { id, uid, payload } = session
  await insertStatement(
    db,
    uid,
    id,
    toJson(payload),
    payload.accountId ?? null,
    times.keepSeconds,
    times.absoluteSeconds,
    clientSessions(payload.authorizations ?? {})
  )
}

interface UpdateSessionInput {
  found: StoredSession
  change: SessionChange
  id: string | null
  accountId: string | null
  times: SessionTimes
}

/**
 * Writes a difference into a stored session. `id` only when this request renewed the identifier.
 * False: the session has ended or became another account's meanwhile; it is not brought back.
 */
export async function updateSession (
  db: Connection,
  { found, change, id, accountId, times }: UpdateSessionInput
): Promise<boolean> {
  const rows = await updateStatement(
    db,
    found.uid,
    id,
    toJson(change.set),
    change.unset,
    JSON.stringify(change.clients),
    change.clientsGone,
    accountId,
    found.payload.accountId ?? null,
    times.keepSeconds,
    times.absoluteSeconds,
    clientSessions(change.clients)
  )
  return rows.length === 1
}

function clientSessions (clients: Record<string, ClientAuthorization>): string {
  return JSON.stringify(
    Object.entries(clients).flatMap(([clientId, { sid, contextId }]) =>
      sid === undefined
        ? []
        : [
            {
              id: artifactId('ClientSession', `${sid} ${contextId ?? ''}`),
              sid,
              client_id: clientId,
              context_id: contextId ?? null
            }
          ]
    )
  )
}

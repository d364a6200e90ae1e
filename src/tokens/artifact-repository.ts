/**
 * Statements over `oidc_artifact`, the one table behind the provider's models. Identifiers that a browser or client
 * holds are stored as SHA-256. Expiry is decided by the clock of the database.
 *
 * A token is inserted "under" the row it comes from (code, refresh token, session): one statement locks the source row,
 * and inserts nothing when that row is gone. A transaction that deletes the source therefore waits for such an insert
 * and then deletes again (revocation.ts), so nothing that was issued escapes a revocation.
 *
 * Inserts of many requests in one turn of the event loop are one statement and one commit (database/together). A batch
 * skips every source row that is locked by another transaction, used or gone. Those requests run by themselves, and
 * only there are they refused.
 */
import { hash } from 'node:crypto'
import type { Kysely, Transaction } from 'kysely'
import type { FieldCrypto } from '../database/field-crypto.ts'
import { statement, type Queryable } from '../database/statement.ts'
import { lookup, batchStatements } from '../database/together.ts'
import type { Database } from '../database/schema.ts'

export type Connection = Kysely<Database> | Transaction<Database>

/** The row that tokens are issued from: a code or a refresh token. */
export interface Source {
  model: string
  id: string
  grantHash: string
}

export interface ArtifactRow {
  model: string
  /** As stored, see `artifactId`. */
  id: string
  payload: Record<string, unknown>
  grantHash: string | null
  sessionUid: string | null
  accountId: string | null
  clientId: string | null
  contextId: string | null
  userCode: string | null
  /** Seconds from now to the deletion; null = never. */
  keepSeconds: number | null
}

/** JSON without NUL, which neither text nor jsonb of PostgreSQL can hold; requests may bring it anywhere. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'string' && member.includes('\0') ? member.replaceAll('\0', '') : member
  )

/** What is stored instead of an identifier. The model is no part of it: look-ups in several models share it. */
export function artifactId (_model: string, value: string): string {
  return hash('sha256', value, 'base64url')
}

/** A part of a payload that is stored encrypted; `id` is that of the row. */
export const encryptPart = (crypto: FieldCrypto, id: string, value: string): string =>
  crypto.encrypt('oidc_artifact', 'payload', id, value)

/** @throws FieldCryptoError */
export const decryptPart = (crypto: FieldCrypto, id: string, value: string): string =>
  crypto.decrypt('oidc_artifact', 'payload', id, value)

export const hashGrantId = (grantId: string): string => hash('sha256', grantId, 'base64url')

/** What `artifactValues` takes. */
export type ArtifactParameters = [
  model: string,
  id: string,
  payload: string,
  grantHash: string | null,
  sessionUid: string | null,
  accountId: string | null,
  clientId: string | null,
  contextId: string | null,
  userCode: string | null,
  keepSeconds: number | null
]

export const toParameters = (row: ArtifactRow): ArtifactParameters => [
  row.model,
  row.id,
  toJson(row.payload),
  row.grantHash,
  row.sessionUid,
  row.accountId,
  row.clientId,
  row.contextId,
  row.userCode,
  row.keepSeconds
]

export const artifactColumns =
  'model, id, payload, grant_hash, session_uid, account_id, client_id, context_id, user_code, expires_at'
export const artifactValues = `$1::text, $2::text, $3::jsonb, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text,
  now() + make_interval(secs => $10::float8)`

type Id = { id: string }

const insertStatement = statement<ArtifactParameters, Id>(
  'oidc_artifact insert',
  `
  insert into oidc_artifact (${artifactColumns}) values (${artifactValues}) returning id`
)

const upsertStatement = statement<ArtifactParameters, Id>(
  'oidc_artifact upsert',
  `
  insert into oidc_artifact (${artifactColumns}) values (${artifactValues})
  on conflict (model, id) do update set payload = excluded.payload, grant_hash = excluded.grant_hash,
    session_uid = excluded.session_uid, account_id = excluded.account_id, client_id = excluded.client_id,
    context_id = excluded.context_id, user_code = excluded.user_code, expires_at = excluded.expires_at
  returning id`
)

const insertUnderStatement = statement<[...ArtifactParameters, string, string], Id>(
  'oidc_artifact insert under',
  `
  with source as (select id from oidc_artifact where model = $11::text and id = $12::text for key share)
  insert into oidc_artifact (${artifactColumns}) select ${artifactValues} from source returning id`
)

const insertUnderSessionStatement = statement<[...ArtifactParameters, string], Id>(
  'oidc_artifact insert under session',
  `
  with source as (select uid from oidc_artifact where model = 'Session' and uid = $11::text
    and (account_id is null or account_id = $6::text) for key share)
  insert into oidc_artifact (${artifactColumns}) select ${artifactValues} from source returning id`
)

const consumption = `update oidc_artifact set consumed_at = now()
  where model = $MODEL::text and id = $ID::text and consumed_at is null and (expires_at is null or expires_at > now())
    returning id`

const consumeStatement = statement<[string, string], Id>(
  'oidc_artifact consume',
  consumption.replace('$MODEL', '$1').replace('$ID', '$2')
)

const consumeAndInsertStatement = statement<[...ArtifactParameters, string, string], Id>(
  'oidc_artifact consume and insert',
  `
  with source as (${consumption.replace('$MODEL', '$11').replace('$ID', '$12')})
  insert into oidc_artifact (${artifactColumns}) select ${artifactValues} from source returning id`
)

/** One insert of a batch: the row, and the source row it is inserted under. */
interface Insertion {
  row: ArtifactRow
  source?: Pick<Source, 'model' | 'id'>
}

const given = `given as materialized (
    select ${artifactColumns.replace('expires_at', 'keep_seconds')}, source_model, source_id from jsonb_to_recordset($1::jsonb) as g (model text, id text, payload jsonb,
      grant_hash text, session_uid text, account_id text, client_id text, context_id text, user_code text, keep_seconds float8, source_model text, source_id text))`
const insertGiven = `insert into oidc_artifact (${artifactColumns})
  select ${artifactColumns
    .split(', ')
    .slice(0, -1)
    .map((name) => `g.${name}`)
    .join(', ')}, now() + make_interval(secs => g.keep_seconds) from given g`

/** The statement of a batch; says which were inserted. */
function createBatch (
  name: string,
  text: string
): (db: Queryable, insertions: Insertion[]) => Promise<(true | undefined)[]> {
  const insert = statement<[string], Id>(name, text)
  return async (db, insertions) => {
    const inserted = new Set(
      (
        await insert(
          db,
          toJson(
            insertions.map(({ row, source }) => ({
              model: row.model,
              id: row.id,
              payload: row.payload,
              grant_hash: row.grantHash,
              session_uid: row.sessionUid,
              account_id: row.accountId,
              client_id: row.clientId,
              context_id: row.contextId,
              user_code: row.userCode,
              keep_seconds: row.keepSeconds,
              source_model: source?.model,
              source_id: source?.id
            }))
          )
        )
      ).map(({ id }) => id)
    )
    return insertions.map(({ row }) => (inserted.has(row.id) ? true : undefined))
  }
}

const bySource = ({ source }: Insertion): string => `${source?.model} ${source?.id}`

const insertBatched = batchStatements<Insertion, true>(
  {
    keyOf: ({ row }) => row.id,
    batch: createBatch('oidc_artifact insert together', `with ${given} ${insertGiven} returning id`),
    single: async (db, { row }) => {
      await insertStatement(db, ...toParameters(row))
      return true
    }
  }
)

const insertUnderBatched = batchStatements<Insertion, boolean>(
  {
    keyOf: bySource,
    batch: createBatch(
      'oidc_artifact insert under together',
    `with ${given} ${insertGiven} cross join lateral (
    select a.id from oidc_artifact a where a.model = g.source_model and a.id = g.source_id for key share skip locked) s
      returning id`
    ),
    single: async (db, { row, source }) =>
      (await insertUnderStatement(db, ...toParameters(row), source?.model ?? '', source?.id ?? '')).length === 1
  }
)

const insertUnderSessionBatched = batchStatements<Insertion, boolean>(
  {
    keyOf: bySource,
    batch: createBatch(
      'oidc_artifact insert under session together',
    `with ${given} ${insertGiven} cross join lateral (
    select a.uid from oidc_artifact a where a.model = 'Session' and a.uid = g.source_id
      and (a.account_id is null or a.account_id = g.account_id) for key share skip locked) s returning id`
    ),
    single: async (db, { row, source }) =>
      (await insertUnderSessionStatement(db, ...toParameters(row), source?.id ?? '')).length === 1
  }
)

// by place: the rows are locked already, and no plan can look for them in any other way
const consumeAndInsertBatched = batchStatements<Insertion, boolean>(
  {
    keyOf: bySource,
    batch: createBatch(
      'oidc_artifact consume and insert together',
    `with ${given},
  source as materialized (select s.ctid as place from given g cross join lateral (
    select a.ctid from oidc_artifact a where a.model = g.source_model and a.id = g.source_id and a.consumed_at is null
      and (a.expires_at is null or a.expires_at > now()) for update skip locked) s),
  used as (update oidc_artifact a set consumed_at = now() where a.ctid = any(array(select place from source))
    returning a.model, a.id)
  ${insertGiven} join used u on u.model = g.source_model and u.id = g.source_id returning id`
    ),
    single: async (db, { row, source }) =>
      (await consumeAndInsertStatement(db, ...toParameters(row), source?.model ?? '', source?.id ?? '')).length === 1
  }
)

/** @throws a unique violation when the identifier exists */
export async function insertArtifact (db: Connection, row: ArtifactRow): Promise<void> {
  await insertBatched(db, { row })
}

/** Inserts or replaces; for models that are saved more than once and decide nothing. */
export async function upsertArtifact (db: Connection, row: ArtifactRow): Promise<void> {
  await upsertStatement(db, ...toParameters(row))
}

/** Inserts while the source row exists. False: it was deleted, nothing was inserted. */
export async function insertUnder (db: Connection, source: Source, row: ArtifactRow): Promise<boolean> {
  return await insertUnderBatched(db, { row, source })
}

/** Inserts while the session exists and is not another account's. False: nothing was inserted. */
export async function insertUnderSession (db: Connection, sessionUid: string, row: ArtifactRow): Promise<boolean> {
  return await insertUnderSessionBatched(db, { row, source: { model: 'Session', id: sessionUid } })
}

/** The one transition of a single-use artifact. False: it was used, deleted or has expired. */
export async function consumeArtifact (db: Connection, source: Pick<Source, 'model' | 'id'>): Promise<boolean> {
  return (await consumeStatement(db, source.model, source.id)).length === 1
}

/** `consumeArtifact` and `insertArtifact` in one statement: both happen or neither. */
export async function consumeAndInsert (db: Connection, source: Source, row: ArtifactRow): Promise<boolean> {
  return await consumeAndInsertBatched(db, { row, source })
}

/** A stored payload as the library expects it, without its identifier. */
interface Found {
  id: string
  model: string
  payload: Record<string, unknown>
  consumed: number | null
}

const found = 'id, model, payload, extract(epoch from consumed_at)::int as consumed'
const live = '(expires_at is null or expires_at > now())'

const findStatement = statement<[string, string], Found>(
  'oidc_artifact find',
  `
  select ${found} from oidc_artifact where model = $1 and id = $2 and ${live}`
)

const getId = ({ id }: Found): string => id

/** What is asked for all the time, of many requests together; of each model by itself, by its primary key. */
const findBatched = new Map(
  ['AccessToken', 'AuthorizationCode', 'RefreshToken'].map((model) => [
    model,
    lookup<Found>(
      `oidc_artifact find ${model}`,
      `
  select ${found} from oidc_artifact where model = '${model}' and id = any($1::text[]) and ${live}`,
      getId
    )
  ])
)

const findTokens = lookup<Found>(
  'oidc_artifact find token',
  `
  select ${found} from oidc_artifact where model in ('AccessToken', 'ClientCredentials', 'RefreshToken')
    and id = any($1::text[]) and ${live}`,
  getId
)

const findByUserCodeStatement = statement<[string], Found>(
  'oidc_artifact find by user code',
  `
  select ${found} from oidc_artifact where user_code = $1 and ${live}`
)

const toPayload = ({ payload, consumed }: Found): Record<string, unknown> =>
  consumed === null ? payload : { ...payload, consumed }

/**
 * By the stored identifier; undefined when there is none or it has expired. `consumed` (epoch seconds) is set once
 * used.
 */
export async function findArtifact (
  db: Connection,
  model: string,
  id: string
): Promise<Record<string, unknown> | undefined> {
  const batched = findBatched.get(model)
  const [row] = batched === undefined ? await findStatement(db, model, id) : await batched(db, id)
  return row && toPayload(row)
}

/** The models that a token presented for introspection or revocation may be of (RFC 7662 §2.1), in one statement. */
export const tokenModels: ReadonlySet<string> = new Set(['AccessToken', 'ClientCredentials', 'RefreshToken'])

export async function findToken (db: Connection, id: string): Promise<Map<string, Record<string, unknown>>> {
  const rows = await findTokens(db, id)
  return new Map(rows.map((row) => [row.model, toPayload(row)]))
}

export async function findByUserCode (db: Connection, userCode: string): Promise<Record<string, unknown> | undefined> {
  const [row] = await findByUserCodeStatement(db, userCode)
  return row && toPayload(row)
}

const deleteStatement = statement<[string, string], Id>(
  'oidc_artifact delete',
  `
  delete from oidc_artifact where model = $1 and id = $2 returning id`
)

/** False: there was nothing to delete. */
export async function deleteArtifact (db: Connection, model: string, id: string): Promise<boolean> {
  return (await deleteStatement(db, model, id)).length === 1
}

const ofAccountStatement = statement<[string], Id>(
  'oidc_artifact of account',
  `
  select id from oidc_artifact where account_id = $1 limit 1`
)

/** Whether anything is stored for an account: a session, a token, a code. */
export const hasArtifacts = async (db: Connection, accountId: string): Promise<boolean> =>
  (await ofAccountStatement(db, accountId)).length === 1

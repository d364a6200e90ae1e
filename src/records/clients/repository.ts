/** Rows of clients: one, locked for a change, or a page of the list with its filters — one query each. */
import { sql, type Kysely, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { ApiGrants } from '../../domain/client/api-grants.ts'
import { clientPolicy, type ClientPolicy } from '../../domain/client/policy.ts'
import {
  readKind,
  type ClientContent,
  type ClientKind,
  type ClientMetadata,
  type ClientRecord,
  type ClientStatus
} from '../../domain/client/record.ts'

export type Db = Kysely<Database> | Transaction<Database>

interface ClientRow {
  clientId: string
  kind: ClientKind | null
  status: ClientStatus
  metadata: Record<string, unknown>
  policy: Record<string, unknown>
  version: number
  createdAt: Date
  updatedAt: Date
  resources: ApiGrants
}

const columns = ['clientId', 'kind', 'status', 'metadata', 'policy', 'version', 'createdAt', 'updatedAt'] as const

/** What is granted at APIs is a part of the policy that has rows of its own. */
const resources = sql<ApiGrants>`(
  select coalesce(jsonb_object_agg(g.resource, jsonb_build_object('scopes', g.scopes, 'machineScopes',
    g.machine_scopes)), '{}') from client_resource g where g.client_id = client.client_id)`.as('resources')

function toClientRecord ({ resources: granted, ...row }: ClientRow): ClientRecord {
  return {
    ...row,
    kind: row.kind ?? readKind(row.metadata),
    metadata: row.metadata as ClientMetadata,
    policy: clientPolicy({ ...row.policy, resources: granted })
  }
}

const policyColumn = ({ resources: _rows, ...policy }: ClientPolicy): string => JSON.stringify(policy)

async function insertGrants (trx: Transaction<Database>, clientId: string, grants: ApiGrants): Promise<void> {
  const rows = Object.entries(grants).map(([resource, grant]) => ({ clientId, resource, ...grant }))
  if (rows.length > 0) await trx.insertInto('clientResource').values(rows).execute()
}

/** A client by its identifier, in every status; null = there is none. */
export async function findClient (db: Db, clientId: string): Promise<ClientRecord | null> {
  const row = await db
    .selectFrom('client')
    .select([...columns, resources])
    .where('clientId', '=', clientId)
    .executeTakeFirst()
  return row === undefined ? null : toClientRecord(row)
}

/**
 * The same, locked until the transaction ends: changes of one client run one after another. Rows that refer to the
 * client (scan tickets, consents) can be written meanwhile.
 */
export async function holdClient (trx: Transaction<Database>, clientId: string): Promise<ClientRecord | null> {
  await trx.selectFrom('client').select('clientId').where('clientId', '=', clientId).forNoKeyUpdate().execute()
  // a statement of its own: the one that waited still sees the grants of before
  return await findClient(trx, clientId)
}

/** Clients by identifier, in one query, for an import; Kora's own services too. */
export async function findClients (db: Db, clientIds: readonly string[] | null): Promise<ClientRecord[]> {
  const rows = await db
    .selectFrom('client')
    .select([...columns, resources])
    .$if(clientIds !== null, (query) => query.where('clientId', 'in', [...(clientIds ?? []), '']))
    .orderBy('clientId')
    .execute()
  return rows.map(toClientRecord)
}

/** Scopes of resource servers that exist; held, when asked for, so that none is deleted or loses a scope meanwhile. */
export async function findOfferedScopes (
  db: Db,
  identifiers: readonly string[],
  { hold = false } = {}
): Promise<Map<string, string[]>> {
  if (identifiers.length === 0) return new Map()
  const rows = await db
    .selectFrom('resourceServer')
    .select(['identifier', 'scopes'])
    .where('identifier', 'in', [...identifiers])
    .$if(hold, (query) => query.forKeyShare())
    .execute()
  return new Map(rows.map(({ identifier, scopes }) => [identifier, scopes.split(' ')]))
}

/** @returns false: the identifier is taken */
export async function insertClient (
  trx: Transaction<Database>,
  {
    clientId,
    status,
    clientContent: { kind, metadata, policy }
  }: { clientId: string; status: ClientStatus; clientContent: ClientContent }
): Promise<boolean> {
  const made = await trx
    .insertInto('client')
    .values({ clientId, kind, status, metadata: JSON.stringify(metadata), policy: policyColumn(policy) })
    .onConflict((conflict) => conflict.column('clientId').doNothing())
    .returning('clientId')
    .executeTakeFirst()
  if (made === undefined) return false
  await insertGrants(trx, clientId, policy.resources)
  return true
}

/** Increments the version; null = somebody was faster. */
export async function updateClient (
  trx: Transaction<Database>,
  {
    clientId,
    version,
    change
  }: { clientId: string; version: number; change: Partial<ClientContent> & { status?: ClientStatus } }
): Promise<ClientRecord | null> {
  const { kind, metadata, policy, status } = change
  const row = await trx
    .updateTable('client')
    .set({
      version: version + 1,
      updatedAt: sql`now()`,
      ...(kind === undefined ? {} : { kind }),
      ...(status === undefined ? {} : { status }),
      ...(metadata === undefined ? {} : { metadata: JSON.stringify(metadata) }),
      ...(policy === undefined ? {} : { policy: policyColumn(policy) })
    })
    .where('clientId', '=', clientId)
    .where('version', '=', version)
    .returning('clientId')
    .executeTakeFirst()
  if (row === undefined) return null
  if (policy !== undefined) {
    await trx.deleteFrom('clientResource').where('clientId', '=', clientId).execute()
    await insertGrants(trx, clientId, policy.resources)
  }
  return await findClient(trx, clientId)
}

export interface ClientFilters {
  /** Part of the identifier or of a name. */
  text?: string
  status?: string
  kind?: string
  /** public | confidential. */
  type?: string
  grant?: string
  scope?: string
  /** Host of a redirect URI. */
  host?: string
  /** Part of the unit's or owner's name. */
  unit?: string
  /** Not used for this many days. */
  unusedDays?: string
}

export interface ClientLine {
  clientId: string
  name: string
  unit: string | null
  owner: string | null
  kind: ClientKind
  status: ClientStatus
  confidential: boolean
  hosts: string[]
  version: number
  updatedAt: Date
  lastUsedAt: Date | null
  /** Of today and yesterday (UTC days). */
  errors: number
}

interface LineRow {
  clientId: string
  kind: ClientKind | null
  status: ClientStatus
  metadata: Record<string, unknown>
  policy: Record<string, unknown>
  version: number
  updatedAt: Date
  lastUsedAt: Date | null
  errors: number
}

const like = (text: string): string => `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`

/**
 * A page of clients ordered by identifier, after `after`, with last use and recent errors. Empty filters filter
 * nothing; values that are not ones of the column match nothing.
 */
export async function listClients (
  db: Db,
  { filters, after, limit }: { filters: ClientFilters; after: string | null; limit: number }
): Promise<ClientLine[]> {
  const {
    text = '',
    status = '',
    kind = '',
    type = '',
    grant = '',
    scope = '',
    host = '',
    unit = '',
    unusedDays = ''
  } = filters
  const conditions = [sql`true`]
  if (after !== null) conditions.push(sql`c.client_id > ${after}`)
  if (text !== '') {
    conditions.push(
      sql`(c.client_id ilike ${like(text)} or c.policy->'names'->>'zh-CN' ilike ${like(text)}
        or c.policy->'names'->>'bo' ilike ${like(text)} or c.policy->'names'->>'en' ilike ${like(text)})`
    )
  }
  if (status !== '') conditions.push(sql`c.status = ${status}`)
  // as `kindOf`, for clients stored without one
  if (kind !== '') {
    conditions.push(sql`coalesce(c.kind, case
      when c.metadata->'grant_types' @> '["urn:ietf:params:oauth:grant-type:device_code"]' then 'device'
      when c.metadata->'grant_types' = '[]' then 'resource'
      when c.metadata->'grant_types' = '["client_credentials"]' then 'machine'
      when c.metadata->>'application_type' = 'native' then 'native'
      when c.metadata->>'token_endpoint_auth_method' = 'none' then 'spa' else 'server' end) = ${kind}`)
  }
  if (type === 'public') conditions.push(sql`c.metadata->>'token_endpoint_auth_method' = 'none'`)
  if (type === 'confidential') conditions.push(sql`c.metadata->>'token_endpoint_auth_method' is distinct from 'none'`)
  if (grant !== '') {
    conditions.push(
      sql`coalesce(c.metadata->'grant_types', '["authorization_code"]') @> to_jsonb(array[${grant}::text])`
    )
  }
  if (scope !== '') conditions.push(sql`${scope}::text = any(string_to_array(c.metadata->>'scope', ' '))`)
  if (host !== '') {
    conditions.push(
      sql`exists (select 1 from jsonb_array_elements_text(c.metadata->'redirect_uris') as u (uri)
        where split_part(split_part(split_part(u.uri, '://', 2), '/', 1), '?', 1) in (${host.toLowerCase()},
          ${`www.${host.toLowerCase()}`}) or split_part(split_part(split_part(u.uri, '://', 2), '/', 1), ':',
            1) = ${host.toLowerCase()})`
    )
  }
  if (unit !== '') {
    conditions.push(sql`(c.policy->>'unit' ilike ${like(unit)} or c.policy->>'owner' ilike ${like(unit)})`)
  }
  if (/^\d{1,4}$/.test(unusedDays)) {
    conditions.push(
      sql`(u.last_used_at is null or u.last_used_at < now() - make_interval(days => ${Number(unusedDays)}::int))`
    )
  }
  const { rows } = await sql<LineRow>`
    select c.client_id, c.kind, c.status, c.metadata, c.policy, c.version, c.updated_at, u.last_used_at,
      coalesce(u.errors, 0)::int as errors
    from client c left join lateral (
      select max(last_used_at) as last_used_at, sum(errors) filter (where day >= (now() at time zone 'UTC')::date - 1)
        as errors
      from client_use where client_id = c.client_id) u on true
    where ${sql.join(conditions, sql` and `)} order by c.client_id limit ${limit}`.execute(db)
  return rows.map(({ metadata, policy: stored, kind: known, ...row }) => {
    const policy = clientPolicy(stored)
    const uris = Array.isArray(metadata['redirect_uris']) ? (metadata['redirect_uris'] as string[]) : []
    return {
      ...row,
      name: policy.names['zh-CN'],
      unit: policy.unit ?? null,
      owner: policy.owner ?? null,
      kind: known ?? readKind(metadata),
      confidential: metadata['token_endpoint_auth_method'] !== 'none',
      hosts: [...new Set(uris.map((uri) => URL.parse(uri)?.host || uri))]
    }
  })
}

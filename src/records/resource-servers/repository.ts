/** Rows of resource servers, and who uses each. */
import { sql, type Kysely, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { ClientDifference } from '../../domain/client/diff.ts'
import type {
  ResourceServerAct,
  ResourceServerContent,
  ResourceServerRecord,
  ResourceServerStatus
} from '../../domain/resource-server/record.ts'
import { toContent, type ContentColumns } from './access.ts'

export type Db = Kysely<Database> | Transaction<Database>

interface Row extends ContentColumns {
  id: string
  identifier: string
  status: ResourceServerStatus
  version: number
  createdAt: Date
  updatedAt: Date
}

const columns = [
  'id',
  'identifier',
  'name',
  'nameBo',
  'nameEn',
  'scopes',
  'scopeTexts',
  'tokenFormat',
  'signingAlg',
  'ttlSeconds',
  'minimumLevel',
  'status',
  'version',
  'createdAt',
  'updatedAt'
] as const

function toRecord (row: Row): ResourceServerRecord {
  const { id, identifier, status, version, createdAt, updatedAt } = row
  return { id, identifier, ...toContent(row), status, version, createdAt, updatedAt }
}

export const pickContent = ({
  names,
  scopes,
  tokenFormat,
  signingAlg,
  ttlSeconds,
  minimumLevel
}: ResourceServerContent): ResourceServerContent => ({
  names,
  scopes,
  tokenFormat,
  signingAlg,
  ttlSeconds,
  minimumLevel
})

const toColumns = (content: ResourceServerContent) => ({
  name: content.names['zh-CN'],
  nameBo: content.names.bo ?? null,
  nameEn: content.names.en ?? null,
  scopes: Object.keys(content.scopes).join(' '),
  scopeTexts: JSON.stringify(content.scopes),
  tokenFormat: content.tokenFormat,
  signingAlg: content.signingAlg,
  ttlSeconds: content.ttlSeconds,
  minimumLevel: content.minimumLevel
})

export async function findResourceServer (db: Db, identifier: string): Promise<ResourceServerRecord | null> {
  if (identifier.includes('\0')) return null
  const row = await db
    .selectFrom('resourceServer')
    .select(columns)
    .where('identifier', '=', identifier)
    .executeTakeFirst()
  return row === undefined ? null : toRecord(row)
}

export async function findResourceServerById (db: Db, id: string): Promise<ResourceServerRecord | null> {
  if (!/^api_[\da-f]{20}$/.test(id)) return null
  const row = await db.selectFrom('resourceServer').select(columns).where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : toRecord(row)
}

/** The same, held until the transaction ends: meanwhile nobody is granted anything of it. */
export async function holdResourceServer (
  trx: Transaction<Database>,
  identifier: string
): Promise<ResourceServerRecord | null> {
  const row = await trx
    .selectFrom('resourceServer')
    .select(columns)
    .where('identifier', '=', identifier)
    .forUpdate()
    .executeTakeFirst()
  return row === undefined ? null : toRecord(row)
}

export interface ResourceServerLine extends ResourceServerRecord {
  /** How many clients may ask for its tokens. */
  clients: number
}

/** A page of resource servers by identifier, after `after`. */
export async function listResourceServers (
  db: Db,
  { text = '', status = '', after = null, limit }: {
    text?: string
    status?: string
    after?: string | null
    limit: number
  }
): Promise<ResourceServerLine[]> {
  const like = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`
  const rows = await db
    .selectFrom('resourceServer')
    .select(columns)
    .select(
      sql<number>`(select count(*) from client_resource g where g.resource = resource_server.identifier)::int`.as(
        'clients'
      )
    )
    .$if(text !== '', (query) =>
      query.where(sql<boolean>`(identifier ilike ${like} or name ilike ${like} or name_bo ilike ${like} or name_en
        ilike ${like} or scopes ilike ${like})`)
    )
    .$if(status !== '', (query) => query.where(sql<boolean>`status = ${status}`))
    .$if(after !== null, (query) => query.where('identifier', '>', after ?? ''))
    .orderBy('identifier')
    .limit(limit)
    .execute()
  return rows.map(({ clients, ...row }) => ({ ...toRecord(row), clients }))
}

export interface GrantedClient {
  clientId: string
  name: string
  scopes: string[]
  machineScopes: string[]
}

/** Clients that may ask for tokens of an API, and how far. */
export async function listGrantedClients (db: Db, identifier: string): Promise<GrantedClient[]> {
  return await db
    .selectFrom('clientResource as g')
    .innerJoin('client as c', 'c.clientId', 'g.clientId')
    .select(['g.clientId', 'g.scopes', 'g.machineScopes'])
    .select(sql<string>`coalesce(c.policy->'names'->>'zh-CN', '')`.as('name'))
    .where('g.resource', '=', identifier)
    .orderBy('g.clientId')
    .execute()
}

/** Clients that may introspect tokens for it by name; one with `*` may introspect those of every API. */
export async function listIntrospectors (db: Db, identifier: string): Promise<string[]> {
  const rows = await db
    .selectFrom('client')
    .select('clientId')
    .where(sql<boolean>`policy->'introspects' @> to_jsonb(array[${identifier}::text])`)
    .orderBy('clientId')
    .execute()
  return rows.map(({ clientId }) => clientId)
}

/** @returns false: the identifier is taken */
export async function insertResourceServer (
  trx: Transaction<Database>,
  { identifier, content }: { identifier: string; content: ResourceServerContent }
): Promise<boolean> {
  const made = await trx
    .insertInto('resourceServer')
    .values({ identifier, ...toColumns(content) })
    .onConflict((conflict) => conflict.column('identifier').doNothing())
    .returning('identifier')
    .executeTakeFirst()
  return made !== undefined
}

export async function updateResourceServer (
  trx: Transaction<Database>,
  { identifier, version }: { identifier: string; version: number },
  change: { content?: ResourceServerContent; status?: ResourceServerStatus }
): Promise<ResourceServerRecord | null> {
  const row = await trx
    .updateTable('resourceServer')
    .set({
      version: version + 1,
      updatedAt: sql<Date>`now()`,
      ...(change.content === undefined ? {} : toColumns(change.content)),
      ...(change.status === undefined ? {} : { status: change.status })
    })
    .where('identifier', '=', identifier)
    .where('version', '=', version)
    .returning(columns)
    .executeTakeFirst()
  return row === undefined ? null : toRecord(row)
}

export interface ResourceServerChange {
  id: number
  version: number
  act: ResourceServerAct
  actor: string
  reason: string
  diff: ClientDifference[]
  traceId: string | null
  at: Date
}

/** The history of a resource server, newest first, after the row `after`. */
export async function listResourceServerChanges (
  db: Db,
  identifier: string,
  { after, limit }: { after: number | null; limit: number }
): Promise<ResourceServerChange[]> {
  const rows = await db
    .selectFrom('resourceServerChange')
    .select(['id', 'version', 'act', 'actor', 'reason', 'diff', 'traceId', 'at'])
    .where('identifier', '=', identifier)
    .$if(after !== null, (query) => query.where('id', '<', after))
    .orderBy(sql`id desc`)
    .limit(limit)
    .execute()
  return rows.map((row) => ({ ...row, id: Number(row.id) }))
}

/**
 * What a client may do at an API at this moment: read from the database whenever a token is requested, issued or
 * introspected, so a removed grant ends everywhere with the commit.
 */
import { lookup } from '../../database/together.ts'
import type { Queryable } from '../../database/statement.ts'
import { apiConsent } from '../../domain/client/api-grants.ts'
import type { Level } from '../../domain/identity/assurance.ts'
import { tokenSeconds, type LocalTexts, type ResourceServerContent } from '../../domain/resource-server/record.ts'

export interface ApiAccess extends ResourceServerContent {
  identifier: string
  /** Granted and still offered: in the name of a person. */
  personScopes: string[]
  /** Granted and still offered: in the client's own name. */
  machineScopes: string[]
}

/** Columns of the content of an API. */
export interface ContentColumns {
  name: string
  nameBo: string | null
  nameEn: string | null
  scopes: string
  scopeTexts: Record<string, LocalTexts>
  tokenFormat: ResourceServerContent['tokenFormat']
  signingAlg: ResourceServerContent['signingAlg']
  ttlSeconds: number
  minimumLevel: number | null
}

interface Row extends ContentColumns {
  key: string
  identifier: string
  granted: string[]
  machineGranted: string[]
}

// a client identifier has no line end, so the first one separates
const findAccess = lookup<Row>(
  'api access',
  `
  select asked.key, r.identifier, r.name, r.name_bo, r.name_en, r.scopes, r.scope_texts, r.token_format, r.signing_alg,
    r.ttl_seconds, r.minimum_level, g.scopes as granted, g.machine_scopes as machine_granted
    from unnest($1::text[]) as asked (key)
    join client_resource g on g.client_id = split_part(asked.key, E'\\n', 1)
      and g.resource = substr(asked.key, strpos(asked.key, E'\\n') + 1)
    join resource_server r on r.identifier = g.resource
   where r.status = 'active'`,
  ({ key }) => key
)

/** Null: there is no such API, it is disabled, or nothing of it is granted. */
export async function findApiAccess (db: Queryable, clientId: string, identifier: string): Promise<ApiAccess | null> {
  // no identifier has one, and PostgreSQL takes none
  if (identifier.includes('\0') || clientId.includes('\n')) return null
  const [row] = await findAccess(db, `${clientId}\n${identifier}`)
  if (row === undefined) return null
  const content = toContent(row)
  const offered = Object.keys(content.scopes)
  return {
    identifier,
    ...content,
    // what was stored before lifetimes were bounded
    ttlSeconds: Math.min(content.ttlSeconds, tokenSeconds[content.tokenFormat]),
    personScopes: offered.filter((scope) => row.granted.includes(scope)),
    machineScopes: offered.filter((scope) => row.machineGranted.includes(scope))
  }
}

/** What a row says of its API. */
export const toContent = (row: ContentColumns): ResourceServerContent => ({
  names: {
    'zh-CN': row.name,
    ...(row.nameBo === null ? {} : { bo: row.nameBo }),
    ...(row.nameEn === null ? {} : { en: row.nameEn })
  },
  scopes: Object.fromEntries(row.scopes.split(' ').map((scope) => [scope, row.scopeTexts[scope] ?? {}])),
  tokenFormat: row.tokenFormat,
  signingAlg: row.signingAlg,
  ttlSeconds: row.ttlSeconds,
  minimumLevel: row.minimumLevel as Level | null
})

/** Identifiers of the parameter `resource` (RFC 8707 §2): none, one or several, each once. */
const requestedResources = (resource: unknown): string[] => [
  ...new Set((Array.isArray(resource) ? resource : [resource]).filter((one): one is string => typeof one === 'string'))
]

export interface RequestedApi extends Pick<ApiAccess, 'identifier' | 'names' | 'minimumLevel'> {
  /** Asked for and granted in the name of a person, with their texts. */
  scopes: Array<{ name: string; texts: LocalTexts }>
}

const words = (scope: unknown): string[] => (typeof scope === 'string' ? scope.split(' ') : [])

export const requestedApi = (access: ApiAccess, scope: unknown): RequestedApi => ({
  identifier: access.identifier,
  names: access.names,
  minimumLevel: access.minimumLevel,
  scopes: access.personScopes
    .filter((name) => words(scope).includes(name))
    .map((name) => ({ name, texts: access.scopes[name] ?? {} }))
})

/** The APIs of an authorization request that the client may ask for; none is read where none is named. */
export async function findRequestedApis (
  db: Queryable,
  clientId: string,
  { resource, scope }: { resource?: unknown; scope?: unknown }
): Promise<RequestedApi[]> {
  const found = await Promise.all(
    requestedResources(resource).map(async (identifier) => await findApiAccess(db, clientId, identifier))
  )
  return found.flatMap((access) => (access === null ? [] : [requestedApi(access, scope)]))
}

/** As what they are agreed to (domain/client/api-grants.ts). */
export const listApiConsents = (apis: readonly RequestedApi[]): string[] =>
  apis.flatMap(({ identifier, scopes }) => scopes.map(({ name }) => apiConsent(identifier, name)))

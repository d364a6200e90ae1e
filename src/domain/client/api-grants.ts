/**
 * The APIs for which a client may request tokens, and the scopes: by identifier of the resource server. What it does in
 * the name of a signed-in person and in its own name (client credentials) is granted separately, because a token of its
 * own has no person, no consent and no level of login behind it.
 */
import { isObject, step, type ClientFault, type Readers, type Report } from './faults.ts'

export interface ApiGrant {
  /** In the name of a person. */
  scopes: string[]
  /** In the client's own name. */
  machineScopes: string[]
}
export type ApiGrants = Record<string, ApiGrant>

const maximumGrantedApis = 50

/** Grants that are not allowed with this metadata, or malformed. Part of `validateClient`. */
export function readApiGrants (
  value: unknown,
  { people, grantTypes }: { people: boolean; grantTypes: unknown },
  { report, read }: { report: Report; read: Readers }
): void {
  if (value === undefined) return
  if (!isObject(value)) {
    report('/policy/resources', 'not_an_object', value, '{"https://api…": {"scopes": ["area:read"]}}')
    return
  }
  const entries = Object.entries(value)
  if (entries.length > maximumGrantedApis) {
    report('/policy/resources', 'too_many', entries.length, `≤ ${maximumGrantedApis}`)
  }
  const own = Array.isArray(grantTypes) && grantTypes.includes('client_credentials')
  for (const [identifier, grant] of entries) {
    const field = '/policy/resources' + step(identifier)
    if (identifier.length > 200 || !/^[a-z][a-z0-9+.-]*:[!-~]+$/.test(identifier)) {
      report(field, 'not_a_uri', identifier, 'https://… | urn:…')
      continue
    }
    if (!isObject(grant)) {
      report(field, 'not_an_object', grant, '{"scopes": […], "machineScopes": […]}')
      continue
    }
    read.known(field, grant, ['scopes', 'machineScopes'])
    const counts = (['scopes', 'machineScopes'] as const).map((name) => {
      const list = read.list(`${field}/${name}`, grant[name], 50)
      for (const [index, scope] of list.entries()) {
        if (typeof scope !== 'string') report(`${field}/${name}${step(index)}`, 'not_text', scope, 'area:read')
      }
      return list.length
    })
    if (counts.every((count) => count === 0)) report(field, 'missing', '', 'scopes | machineScopes')
    if (!people && (counts[0] ?? 0) > 0) report(`${field}/scopes`, 'not_for_this_kind', grant['scopes'], '[]')
    if (!own && (counts[1] ?? 0) > 0) {
      report(`${field}/machineScopes`, 'needs', grant['machineScopes'], 'grant_types=client_credentials')
    }
  }
}

/** With every list there. */
export const apiGrants = (value: unknown): ApiGrants =>
  Object.fromEntries(
    Object.entries(isObject(value) ? value : {}).map(([identifier, grant]) => {
      const { scopes = [], machineScopes = [] } = grant as Partial<ApiGrant>
      return [identifier, { scopes: [...scopes].sort(), machineScopes: [...machineScopes].sort() }]
    })
  )

/** Each (identifier, scope, in whose name) as one text. */
const listGranted = (grants: ApiGrants | undefined): string[] =>
  Object.entries(grants ?? {}).flatMap(([identifier, { scopes = [], machineScopes = [] }]) => [
    ...scopes.map((scope) => `person ${identifier} ${scope}`),
    ...machineScopes.map((scope) => `machine ${identifier} ${scope}`)
  ])

/** Grants at APIs that there are not, or of scopes that they do not have. `offered`: identifier → scopes. */
export const findGrantFaults = (grants: ApiGrants, offered: ReadonlyMap<string, readonly string[]>): ClientFault[] =>
  Object.entries(grants).flatMap(([identifier, grant]) => {
    const field = '/policy/resources' + step(identifier)
    const scopes = offered.get(identifier)
    if (scopes === undefined) {
      return [{ field, code: 'unknown_resource', received: identifier.slice(0, 200), expected: '' }]
    }
    return (['scopes', 'machineScopes'] as const).flatMap((name) =>
      grant[name].flatMap((scope, index) =>
        scopes.includes(scope)
          ? []
          : [
              {
                field: `${field}/${name}${step(index)}`,
                code: 'not_one_of',
                received: scope.slice(0, 200),
                expected: scopes.join(' | ')
              }
            ]
      )
    )
  })

/** Whether something is granted that was not granted before. */
export function addsApiScopes (before: ApiGrants | undefined, after: ApiGrants | undefined): boolean {
  const had = new Set(listGranted(before))
  return listGranted(after).some((grant) => !had.has(grant))
}

export const hasApiScopes = (grants: ApiGrants | undefined): boolean => listGranted(grants).length > 0

/** The name of an agreement to a scope of an API; scopes of Kora itself have their plain names. */
export const apiConsent = (identifier: string, scope: string): string => `${identifier} ${scope}`

/** What Kora knows about a relying site beyond OAuth metadata. */
import { apiGrants, type ApiGrants } from './api-grants.ts'
import type { Level } from '../identity/assurance.ts'

export interface ClientPolicy {
  /** Name shown to people, by locale; zh-CN is mandatory. */
  names: { 'zh-CN': string; bo?: string; en?: string }
  /** The unit responsible, for the consent page. */
  unit?: string
  /** The contact for the client at the unit. */
  owner?: string
  /** high = FAPI 2.0: pushed requests, keys instead of secrets, sender-constrained tokens. Absent = standard. */
  profile?: 'standard' | 'high'
  minimumLevel: Level
  /** May skip the consent page (a government site acting on a statutory basis; every release is logged). */
  trusted: boolean
  subjectKinds: ('person' | 'organization')[]
  /** Capacities accepted here. */
  roles: ('self' | 'legal_representative' | 'agent')[]
  /** A service of Kora itself (the user center): no relying site, so delegations need not name it. */
  ownService?: boolean
  /**
   * False: may not request an organization and function (RFC 9396). Absent: every client that accepts organizations
   * may.
   */
  representationRequests?: boolean
  /** What an organization may let an agent do at this site; a delegation names some of these codes. */
  functions: { code: string; name: string }[]
  /** Flat names for sites that cannot read nested claims: our path → their name (docs/claims.md). */
  aliases: Record<string, string>
  /** Scopes that a person may refuse and still continue. */
  optionalScopes: string[]
  /** Why each scope is needed, shown on the consent page. */
  purposes: Record<string, string>
  /** Resource servers (identifiers) this client may introspect tokens of. */
  introspects: string[]
  /** APIs that it may ask tokens for (client-api-grants); stored beside the policy, in client_resource. */
  resources: ApiGrants
  /** Scopes of the admin API (domain/admin-scopes); machines that sign only. */
  adminScopes?: string[]
  /** Where people can start again after an expired login. */
  homeUri?: string
  /** Identifier of the uploaded picture. */
  logo?: string
}

export const defaultPolicy: ClientPolicy = {
  names: { 'zh-CN': '' },
  minimumLevel: 1,
  trusted: false,
  subjectKinds: ['person'],
  roles: ['self', 'legal_representative', 'agent'],
  functions: [],
  aliases: {},
  optionalScopes: [],
  purposes: {},
  introspects: [],
  resources: {}
}

/** Stored policy + defaults; unknown members are dropped. */
export function clientPolicy (stored: unknown): ClientPolicy {
  const given = (typeof stored === 'object' && stored !== null ? stored : {}) as Partial<ClientPolicy>
  const policy = { ...defaultPolicy, ...given }
  return { ...policy, names: { ...defaultPolicy.names, ...given.names }, resources: apiGrants(given.resources) }
}

/** The name in the language asked for, and the language it really is in. */
export function clientName (
  policy: ClientPolicy,
  locale: 'zh-CN' | 'bo' | 'en'
): { text: string; lang: 'zh-CN' | 'bo' | 'en' } {
  const text = policy.names[locale]
  return text !== undefined ? { text, lang: locale } : { text: policy.names['zh-CN'], lang: 'zh-CN' }
}

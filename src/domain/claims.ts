/**
 * What tokens and userinfo say: pure functions from facts to claims (docs/claims.md).
 * `sub` is always the person; whom the person represents is said by `representation`.
 */
import type { Person } from './person.ts'
import type { DelegationFacts, Representation } from './representation.ts'

export { self, type Representation } from './representation.ts'

/** Claims by scope; the ID token carries those of `openid` only, everything else goes through userinfo. */
export const claimsByScope = {
  openid: ['sub', 'acr', 'amr', 'auth_time', 'assurance_level', 'representation'],
  profile: ['name', 'name#bo', 'gender', 'locale', 'updated_at'],
  phone: ['phone_number', 'phone_number_verified'],
  email: ['email', 'email_verified'],
  identity: ['cert_type', 'cert_no', 'cert_valid_from', 'cert_valid_to', 'birthdate'],
  organization: ['organization']
} as const

export const scopes = Object.keys(claimsByScope)

/** Claims that are personal data of the highest kind: never in an ID token, only by the `identity` scope. */
export const restrictedClaims: readonly string[] = claimsByScope.identity

/**
 * The functions of a delegation that concern one relying site: those of the site's published catalogue. Undefined: the
 * delegation is not limited and the site publishes none, so there is nothing to list. An empty list is no function.
 */
export function functionsHere ({ functions }: Pick<DelegationFacts, 'functions'>, catalogue: readonly string[]): string[] | undefined {
  if (functions === null) return catalogue.length === 0 ? undefined : [...catalogue]
  return catalogue.filter((code) => functions.includes(code))
}

/** What is public of an organization (PROTOCOL: uscc, name, type, status). */
export function organizationClaim (representation: Representation): Record<string, unknown> | undefined {
  if (representation.role === 'self') return undefined
  const { uscc, name, type, status } = representation.organization
  return { uscc, name, type, status }
}

/**
 * In whose name the person acts. `functions`: those that the asking site knows (its catalogue); of a delegation only
 * these are told, so that one site does not learn what an agent does at another. Nobody else's name is in it.
 */
export function representationClaim (representation: Representation, functions?: readonly string[]): Record<string, unknown> {
  if (representation.role === 'self') return { role: 'self' }
  const organization = organizationClaim(representation)
  if (representation.role === 'legal_representative') return { role: representation.role, organization }
  const { delegation } = representation
  const concerned = functionsHere(delegation, functions ?? delegation.functions ?? [])
  return {
    role: 'agent',
    organization,
    delegation: {
      id: delegation.id,
      version: delegation.version,
      ...(concerned === undefined ? {} : { functions: concerned }),
      valid_from: delegation.validFrom,
      valid_to: delegation.validTo
    }
  }
}

export interface ClaimFacts {
  person: Person
  representation: Representation
  /** Function codes of the asking site's catalogue; absent = tell all. */
  functions?: readonly string[]
  /** Derived from the document number by the caller (domain/resident-id). */
  gender: 'male' | 'female' | null
  birthdate: string | null
  /** Outward document type code (GA/T 517). */
  certTypeCode: string
}

/**
 * The claims of a person. The caller (the provider) filters by granted scope and request;
 * `use` id_token never contains a restricted claim, whatever was asked. Each value is made only when `wanted` names
 * it (absent = all): most are personal data that would be decrypted for nothing.
 */
export function personClaims (facts: ClaimFacts, use: 'id_token' | 'userinfo', wanted?: ReadonlySet<string>): Record<string, unknown> {
  const { person } = facts
  const claims: Record<string, () => unknown> = {
    assurance_level: () => person.assuranceLevel,
    representation: () => representationClaim(facts.representation, facts.functions),
    organization: () => organizationClaim(facts.representation),
    name: () => person.name,
    'name#bo': () => person.nameBo ?? undefined,
    gender: () => facts.gender ?? undefined,
    locale: () => person.locale ?? undefined,
    updated_at: () => Math.floor(person.updatedAt.getTime() / 1000),
    phone_number: () => person.phone ?? undefined,
    phone_number_verified: () => person.phone === null ? undefined : true,
    email: () => person.email ?? undefined,
    email_verified: () => person.email === null ? undefined : true,
    cert_type: () => facts.certTypeCode,
    cert_no: () => person.certNo,
    cert_valid_from: () => person.certValidFrom ?? undefined,
    cert_valid_to: () => person.certValidTo ?? undefined,
    birthdate: () => facts.birthdate ?? undefined
  }
  const given: Record<string, unknown> = {}
  for (const [name, make] of Object.entries(claims)) {
    if ((wanted !== undefined && !wanted.has(name)) || (use === 'id_token' && restrictedClaims.includes(name))) continue
    const value = make()
    if (value !== undefined) given[name] = value
  }
  return given
}

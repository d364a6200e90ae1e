/**
 * The claims of tokens and userinfo: pure functions from facts to claims (docs/claims.md). `sub` is always the person;
 * `representation` says whom the person represents.
 */
import type { Person } from '../identity/person.ts'
import type { DelegationFacts, OrganizationFacts, Representation } from '../representation/representation.ts'

/** Claims by scope; the ID token carries those of `openid` only, everything else goes through userinfo. */
export const claimsByScope = {
  openid: ['sub', 'acr', 'amr', 'auth_time', 'assurance_level', 'representation'],
  profile: ['name', 'name#bo', 'gender', 'locale', 'updated_at'],
  phone: ['phone_number', 'phone_number_verified'],
  email: ['email', 'email_verified'],
  identity: ['cert_type', 'cert_no', 'cert_valid_from', 'cert_valid_to', 'cert_validity_verified', 'birthdate'],
  organization: ['organization', 'verified_claims']
} as const

export const scopes = Object.keys(claimsByScope)

/**
 * Claims about the person beyond the name. A login that is confined to an organization releases none of them: only the
 * organization's password was given.
 */
export const claimsOfPerson: ReadonlySet<string> = new Set([
  ...claimsByScope.profile.filter((name) => !name.startsWith('name')),
  ...claimsByScope.phone,
  ...claimsByScope.email,
  ...claimsByScope.identity,
  'assurance_level'
])

/** Claims that are the most sensitive personal data: never in an ID token, only with the scope `identity`. */
export const restrictedClaims: readonly string[] = claimsByScope.identity

/**
 * The functions of a delegation that concern one relying site: those of the site's published catalogue. Undefined: the
 * delegation is not limited and the site publishes none, so there is nothing to list. An empty list is no function.
 */
export function functionsHere (
  delegation: Pick<DelegationFacts, 'functions'>,
  catalogue: readonly string[]
): string[] | undefined {
  const { functions } = delegation
  if (functions === null) return catalogue.length === 0 ? undefined : [...catalogue]
  return catalogue.filter((code) => functions.includes(code))
}

/** An organization as relying sites see it. Its legal representative is not in it. */
const organizationClaim = ({ uscc, name, type, status }: OrganizationFacts): Record<string, unknown> => ({
  uscc,
  name,
  type,
  status
})

/** In whose name the person acts. `catalogue`: codes of the functions that the relying site publishes. */
export function representationClaim (
  representation: Representation,
  catalogue: readonly string[] = []
): Record<string, unknown> {
  const { role } = representation
  if (role === 'self') return { role }
  const organization = organizationClaim(representation.organization)
  if (role === 'legal_representative') return { role, organization }
  const { id, version, validFrom, validTo } = representation.delegation
  const functions = functionsHere(representation.delegation, catalogue)
  return {
    role,
    organization,
    delegation: {
      id,
      version,
      ...(functions === undefined ? {} : { functions }),
      valid_from: validFrom,
      valid_to: validTo
    }
  }
}

export interface ClaimFacts {
  person: Person
  representation: Representation
  /** Codes of the functions that the relying site publishes; absent = none. */
  catalogue?: readonly string[]
  /** Derived from the document number by the caller (domain/resident-id). */
  gender: 'male' | 'female' | null
  birthdate: string | null
  /** Outward document type code (GA/T 517). */
  certTypeCode: string
}

/**
 * The claims of a person. The caller (the provider) filters by granted scope and request; with `use` id_token there is
 * never a restricted claim, also when it was requested. Each value is made only when `wanted` names it (absent = all),
 * because most are personal data whose decryption would be wasted.
 */
export function personClaims (
  facts: ClaimFacts,
  use: 'id_token' | 'userinfo',
  wanted?: ReadonlySet<string>
): Record<string, unknown> {
  const { person } = facts
  const claims: Record<string, () => unknown> = {
    assurance_level: () => person.assuranceLevel,
    representation: () => representationClaim(facts.representation, facts.catalogue),
    organization: () =>
      facts.representation.role === 'self' ? undefined : organizationClaim(facts.representation.organization),
    name: () => person.name,
    'name#bo': () => person.nameBo ?? undefined,
    gender: () => facts.gender ?? undefined,
    locale: () => person.locale ?? undefined,
    updated_at: () => Math.floor(person.updatedAt.getTime() / 1000),
    phone_number: () => person.phone ?? undefined,
    phone_number_verified: () => (person.phone === null ? undefined : person.phoneVerifiedAt !== null),
    email: () => person.email ?? undefined,
    email_verified: () => (person.email === null ? undefined : true),
    cert_type: () => facts.certTypeCode,
    cert_no: () => person.certNo,
    cert_valid_from: () => person.certValidFrom ?? undefined,
    cert_valid_to: () => person.certValidTo ?? undefined,
    // as the person wrote it: neither the provider's contract nor the register's compares the days of the card
    cert_validity_verified: () =>
      person.certValidFrom === null && person.certValidTo === null ? undefined : false,
    birthdate: () => facts.birthdate ?? undefined
  }
  const given: Record<string, unknown> = {}
  for (const [name, make] of Object.entries(claims)) {
    if ((wanted !== undefined && !wanted.has(name)) || (use === 'id_token' && restrictedClaims.includes(name))) {
      continue
    }
    const value = make()
    if (value !== undefined) given[name] = value
  }
  return given
}

/** Names that an alias may never take, because a site must be able to trust their meaning. */
const reserved = new Set([
  'iss',
  'sub',
  'aud',
  'exp',
  'iat',
  'nbf',
  'jti',
  'azp',
  'nonce',
  'sid',
  'acr',
  'amr',
  'auth_time',
  '__proto__',
  'constructor',
  ...Object.values(claimsByScope).flat()
])

/**
 * Flat names for sites that cannot read nested claims: our path (`representation.organization.uscc`) → their name.
 * Repeats only what is released in any case; no claim is replaced.
 */
export function withAliases (
  claims: Record<string, unknown>,
  aliases: Readonly<Record<string, string>>
): Record<string, unknown> {
  const added: Array<[string, unknown]> = []
  for (const [path, name] of Object.entries(aliases)) {
    const value = valueAt(claims, path)
    if (
      value !== undefined &&
      typeof name === 'string' &&
      name !== '' &&
      !reserved.has(name) &&
      !Object.hasOwn(claims, name)
    ) {
      added.push([name, value])
    }
  }
  return { ...claims, ...Object.fromEntries(added) }
}

function valueAt (claims: Record<string, unknown>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  let value: unknown = claims
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) {
      return undefined
    }
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

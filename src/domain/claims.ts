/**
 * What tokens and userinfo say: pure functions from facts to claims (docs/claims.md).
 * `sub` is always the person; whom the person represents is said by `representation`.
 */
import type { Person } from './person.ts'

/** The context of one login. Organizations are added to this union, never to `sub`. */
export type Representation = { role: 'self' }

export const self: Representation = { role: 'self' }

/** Claims by scope; the ID token carries those of `openid` only, everything else goes through userinfo. */
export const claimsByScope = {
  openid: ['sub', 'acr', 'amr', 'auth_time', 'assurance_level', 'representation'],
  profile: ['name', 'name#bo', 'gender', 'locale', 'updated_at'],
  phone: ['phone_number', 'phone_number_verified'],
  email: ['email', 'email_verified'],
  identity: ['cert_type', 'cert_no', 'cert_valid_from', 'cert_valid_to', 'birthdate']
} as const

export const scopes = Object.keys(claimsByScope)

/** Claims that are personal data of the highest kind: never in an ID token, only by the `identity` scope. */
export const restrictedClaims: readonly string[] = claimsByScope.identity

export function representationClaim (representation: Representation): Record<string, unknown> {
  return { role: representation.role }
}

export interface ClaimFacts {
  person: Person
  representation: Representation
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
    representation: () => representationClaim(facts.representation),
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

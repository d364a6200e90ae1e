/**
 * Requests for `verified_claims` (OpenID Connect for Identity Assurance 1.0 §6): reading them out of the `claims`
 * parameter, and selecting the elements for such a request. Nothing is given that was not requested. One request or
 * several (an array): inside Kora always `{ requests: […] }`, because the library drops arrays.
 */
import type { VerifiedClaims } from './verified-claims.ts'

type Json = Record<string, unknown>

export interface VerifiedClaimsRequest {
  verification: Json
  claims: Json
}

/** The content of the normalized `claims` parameter. */
export interface NormalisedRequest {
  requests: VerifiedClaimsRequest[]
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** More than any site needs; each further one costs time. */
const maximumRequests = 10
const maximumDepth = 8

export type NormalisedParameter = { ok: true; claims: Json } | { ok: false; reason: string }

/**
 * A parsed `claims` parameter with every `verified_claims` in the inner form. Idempotent. Refused: elements without
 * `verification` and `claims`, members of the wrong type, a `purpose` of fewer than 3 or more than 300 characters.
 */
export function normaliseClaimsParameter (parameter: Json): NormalisedParameter {
  const claims: Json = { ...parameter }
  for (const target of ['userinfo', 'id_token']) {
    const wanted = claims[target]
    if (!isObject(wanted) || !Object.hasOwn(wanted, 'verified_claims')) continue
    const given = wanted['verified_claims']
    // null requests nothing in particular: the scope decides
    if (given === null) continue
    const list = isNormalised(given) ? (given.requests as unknown[]) : Array.isArray(given) ? given : [given]
    if (list.length === 0 || list.length > maximumRequests) {
      return { ok: false, reason: `verified_claims: 1 to ${maximumRequests} elements` }
    }
    for (const request of list) {
      const reason = findFault(request)
      if (reason !== null) return { ok: false, reason }
    }
    claims[target] = { ...wanted, verified_claims: { requests: list } satisfies { requests: unknown[] } }
  }
  return { ok: true, claims }
}

const isNormalised = (value: unknown): value is { requests: unknown } =>
  isObject(value) && Object.keys(value).length === 1 && Array.isArray(value['requests'])

function findFault (request: unknown): string | null {
  if (!isObject(request)) return 'verified_claims must be an object or an array of objects'
  const { verification, claims } = request
  if (!isObject(verification)) return 'verified_claims.verification must be an object'
  if (!isObject(claims)) return 'verified_claims.claims must be an object'
  const { evidence } = verification
  // §6.2: each entry is a filter for one type of evidence, which it must name
  if (
    evidence != null &&
    !(
      Array.isArray(evidence) &&
      evidence.length > 0 &&
      evidence.every((item) => isObject(item) && Object.hasOwn(item, 'type'))
    )
  ) {
    return 'verified_claims.verification.evidence must be an array of objects with type'
  }
  return nodeFault(verification, 0) ?? nodeFault(claims, 0)
}

/** A constraint of the wrong type would be ignored silently. */
const typeOfConstraint: Readonly<Record<string, { ok: (value: unknown) => boolean; must: string }>> = {
  value: { ok: () => true, must: '' },
  values: { ok: Array.isArray, must: 'be an array' },
  essential: { ok: (value) => typeof value === 'boolean', must: 'be a boolean' },
  max_age: { ok: (value) => typeof value === 'number' && value >= 0, must: 'be a number of seconds' },
  purpose: {
    ok: (value) => typeof value === 'string' && value.length >= 3 && value.length <= 300,
    must: 'have 3 to 300 characters'
  }
}

function nodeFault (node: unknown, depth: number): string | null {
  if (depth > maximumDepth) return 'verified_claims: nested too deeply'
  if (node === null) return null
  if (Array.isArray(node)) return firstFault(node, depth)
  if (!isObject(node)) return 'verified_claims: members must be null, objects or arrays'
  const inner: unknown[] = []
  for (const [name, value] of Object.entries(node)) {
    const type = Object.hasOwn(typeOfConstraint, name) ? typeOfConstraint[name] : undefined
    if (type === undefined) inner.push(value)
    else if (!type.ok(value)) return `verified_claims: ${name} must ${type.must}`
  }
  return firstFault(inner, depth)
}

const firstFault = (nodes: unknown[], depth: number): string | null =>
  nodes.map((node) => nodeFault(node, depth + 1)).find((fault) => fault !== null) ?? null

/** Names of the claims that a normalized `claims` parameter asks for inside of `verified_claims`. */
export function verifiedClaimNames (parameter: Json): Set<string> {
  const targets = [parameter['userinfo'], parameter['id_token']].filter(isObject)
  return new Set(
    targets.flatMap((wanted) =>
      isNormalised(wanted['verified_claims'])
        ? (wanted['verified_claims'] as unknown as NormalisedRequest).requests.flatMap(({ claims }) =>
            Object.keys(claims)
          )
        : []
    )
  )
}

export const isNormalisedRequest = (value: unknown): value is NormalisedRequest => isNormalised(value)

/** A member that is left out, or removes its parent. */
const missing = Symbol('missing')
const unmet = Symbol('unmet')
type Picked = unknown

/**
 * Each request element is answered by every available element that meets it, reduced to what was requested. In
 * `verification` an unmet constraint (`value`, `values`, `max_age`) omits the whole element, in `claims` that claim
 * (OIDC4IDA §6.5.2); an `essential` member that is missing or unmet omits the whole element. Other missing members are
 * left out. `now` in milliseconds.
 */
export function filterVerifiedClaims (
  available: readonly VerifiedClaims[],
  { requests }: NormalisedRequest,
  now: number
): VerifiedClaims[] {
  return requests.flatMap((request) =>
    available.flatMap((element) => {
      // the framework is always given: without it the rest has no meaning
      const verification = pick({ trust_framework: null, ...request.verification }, element.verification, now)
      const claims = pickClaims(request.claims, element.claims, now)
      if (verification === unmet || verification === missing || claims === null) return []
      return [{ verification, claims } as VerifiedClaims]
    })
  )
}

/** Null: something essential is not met, or nothing is left. */
function pickClaims (wanted: Json, there: Json, now: number): Json | null {
  const picked: Json = {}
  for (const [name, inner] of Object.entries(wanted)) {
    const value = pick(inner, Object.hasOwn(there, name) ? there[name] : undefined, now)
    if (value !== unmet && value !== missing) picked[name] = value
    else if (essentialIn(inner)) return null
  }
  return Object.keys(picked).length === 0 ? null : picked
}

function essentialIn (wanted: unknown): boolean {
  if (Array.isArray(wanted)) return wanted.some(essentialIn)
  return isObject(wanted) && (wanted['essential'] === true || Object.values(wanted).some(essentialIn))
}

const isConstraint = (name: string): boolean => Object.hasOwn(typeOfConstraint, name)

function pick (wanted: unknown, there: unknown, now: number): Picked {
  if (there === undefined) return isObject(wanted) && required(wanted) ? unmet : missing
  if (wanted === null) return there
  if (Array.isArray(wanted)) return pickList(wanted, there, now)
  if (!isObject(wanted)) return missing
  if (!meets(wanted, there, now)) return unmet
  const members = Object.entries(wanted).filter(([name]) => !isConstraint(name))
  // a leaf with constraints only, or a whole member
  if (members.length === 0) return there
  if (Array.isArray(there)) return pickList([wanted], there, now)
  if (!isObject(there)) return unmet
  const picked: Json = {}
  for (const [name, inner] of members) {
    const value = pick(inner, Object.hasOwn(there, name) ? there[name] : undefined, now)
    if (value === unmet) return unmet
    if (value !== missing) picked[name] = value
  }
  return picked
}

/**
 * Entries of the request are alternatives: filters and templates at once. Without a match for any of them the list is
 * unmet.
 */
function pickList (wanted: unknown[], there: unknown, now: number): Picked {
  if (!Array.isArray(there)) return unmet
  const found = there.flatMap((item) => {
    const match = wanted
      .map((filter) => pick(filter, item, now))
      .find((picked) => picked !== unmet && picked !== missing)
    return match === undefined ? [] : [match]
  })
  return found.length > 0 ? found : unmet
}

/** A constrained or essential member must be there; so must everything that contains it. */
function required (wanted: Json): boolean {
  if (
    wanted['essential'] === true ||
    Object.hasOwn(wanted, 'value') ||
    Object.hasOwn(wanted, 'values') ||
    Object.hasOwn(wanted, 'max_age')
  ) {
    return true
  }
  return Object.values(wanted).some(
    (inner) =>
      (isObject(inner) && required(inner)) ||
      (Array.isArray(inner) && inner.some((item) => isObject(item) && required(item)))
  )
}

function meets (wanted: Json, there: unknown, now: number): boolean {
  if (Object.hasOwn(wanted, 'value') && !same(there, wanted['value'])) return false
  if (Object.hasOwn(wanted, 'values') && !(wanted['values'] as unknown[]).some((value) => same(there, value))) {
    return false
  }
  return !Object.hasOwn(wanted, 'max_age') || age(there, now) <= (wanted['max_age'] as number)
}

function same (a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, at) => same(item, b[at]))
  if (!isObject(a) || !isObject(b)) return false
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]))
  )
}

/** Seconds since a point in time; of a plain date, since its last second in Shanghai. Not a date: infinitely long. */
function age (there: unknown, now: number): number {
  if (typeof there !== 'string') return Infinity
  const at = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(there) ? `${there}T23:59:59+08:00` : there)
  return Number.isNaN(at) ? Infinity : (now - at) / 1000
}

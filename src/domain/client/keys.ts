/** Public keys that a client registers by value (RFC 7517): public, strong enough, with different `kid`. */
import { createPublicKey } from 'node:crypto'
import { isObject, step, type Readers, type Report } from './faults.ts'

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const maximumKeys = 10
const minimumRsaBits = 2048
const curves = ['P-256', 'P-384', 'P-521', 'Ed25519']

interface CheckJwksInput {
  field: string
  jwks: unknown
  report: Report
  readers: Readers
}

/** Checks a JWK set. A private key in it is reported and not repeated, because it counts as known to everybody. */
export function checkJwks ({ field, jwks, report, readers: { list, known } }: CheckJwksInput): void {
  if (jwks === undefined) return
  if (!isObject(jwks) || !Array.isArray(jwks['keys'])) {
    report(field, 'not_a_key_set', typeof jwks, '{"keys": […]}')
    return
  }
  known(field, jwks, ['keys'])
  const keys = jwks['keys'] as unknown[]
  if (keys.length === 0) report(`${field}/keys`, 'missing', '[]', `1–${maximumKeys}`)
  if (keys.length > maximumKeys) report(`${field}/keys`, 'too_many', String(keys.length), `≤ ${maximumKeys}`)
  const identifiers = keys
    .slice(0, maximumKeys)
    .flatMap((key, index) => checkKey(`${field}/keys${step(index)}`, key, report) ?? [])
  list(`${field}/keys`, identifiers, maximumKeys)
}

/** @returns the key's `kid` */
function checkKey (field: string, key: unknown, report: Report): string | undefined {
  if (!isObject(key)) {
    report(field, 'not_a_key', typeof key, '{"kty": "EC", …}')
    return undefined
  }
  const secret = privateMembers.find((name) => key[name] !== undefined)
  if (secret !== undefined) {
    report(field + step(secret), 'private_key', '…', 'kty, crv, x, y | kty, n, e')
    return undefined
  }
  const { kty, crv, use, kid } = key
  if (kty !== 'EC' && kty !== 'RSA' && kty !== 'OKP') {
    report(`${field}/kty`, 'not_one_of', kty, 'EC | RSA | OKP')
    return undefined
  }
  if (kty !== 'RSA' && !curves.includes(String(crv))) {
    report(`${field}/crv`, 'not_one_of', crv, curves.join(' | '))
    return undefined
  }
  if (use !== undefined && use !== 'sig') report(`${field}/use`, 'not_one_of', use, 'sig')
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > 200)) {
    report(`${field}/kid`, 'not_text', kid, 'text')
  }
  try {
    const bits = createPublicKey({ key, format: 'jwk' }).asymmetricKeyDetails?.modulusLength
    if (bits !== undefined && bits < minimumRsaBits) {
      report(`${field}/n`, 'too_weak', `${bits} bit`, `≥ ${minimumRsaBits} bit`)
    }
  } catch {
    // a point that is not on the curve, a member that is missing
    report(field, 'not_a_key', key, kty === 'RSA' ? 'n, e' : 'x, y')
  }
  return typeof kid === 'string' ? kid : undefined
}

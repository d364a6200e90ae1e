/**
 * Proofs of possession (RFC 9449 §4): with every request the app shows that it holds the private key of its
 * device, for this method, this address, this body and this moment. No session, no bearer secret.
 */
import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, decodeProtectedHeader, errors, importJWK, jwtVerify, type JWTPayload } from 'jose'

/** Why a proof is not accepted. Stable: the app acts on them. */
export type ProofFault =
  | 'proof_missing'
  | 'proof_malformed'
  | 'proof_key_invalid'
  | 'proof_signature_invalid'
  | 'proof_target_mismatch'
  | 'proof_outdated'
  | 'proof_body_mismatch'
  | 'proof_replayed'

/** Difference between the clock of a phone and ours, in seconds; also how old a proof may be. */
export const proofSkewSeconds = 60

export interface PublicEcKey {
  kty: 'EC'
  crv: 'P-256'
  x: string
  y: string
}

export interface Proof {
  /** RFC 7638 thumbprint of the key: the name of a device. */
  thumbprint: string
  publicJwk: PublicEcKey
  jti: string
  /** Claim `bdh`; null when absent. */
  bodyHash: string | null
}

export type ProofVerdict = { ok: true; proof: Proof } | { ok: false; code: ProofFault }

interface Expected {
  method: string
  /** Our own origin; values from a proxy or a Host header are not used. */
  issuer: string
  /** As it came, without query. */
  path: string
  /** Milliseconds since the epoch. */
  now: number
}

const refused = (code: ProofFault): ProofVerdict => ({ ok: false, code })
const coordinate = /^[\w-]{43}$/
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
// 96 bits are 16 characters of base64url; a UUID has 122 bits in 36
const unguessable = /^[\w.~-]{16,128}$/

/** SHA-256, base64url, of a body as it was sent; of nothing when there is none. */
export const hashOfBody = (body: Buffer | null): string =>
  createHash('sha256')
    .update(body ?? '')
    .digest('base64url')

/** The public key of a header, if it is supported (ES256 only); null for private, other and malformed ones. */
function readPublicKey (jwk: unknown): PublicEcKey | null {
  if (jwk === null || typeof jwk !== 'object') return null
  const { kty, crv, x, y } = jwk as Record<string, unknown>
  // a private key that was sent is no secret any more (RFC 9449 §4.3 item 7)
  if (privateMembers.some((name) => name in jwk)) return null
  if (kty !== 'EC' || crv !== 'P-256' || typeof x !== 'string' || typeof y !== 'string') return null
  return coordinate.test(x) && coordinate.test(y) ? { kty, crv, x, y } : null
}

/**
 * Checks everything about a proof that follows from the head of the request (RFC 9449 §4.3). The caller still checks
 * the hash of the body, single use, and whose key it is. Never throws.
 */
export async function verifyProof (header: string | string[] | undefined, expected: Expected): Promise<ProofVerdict> {
  if (header === undefined || header === '') return refused('proof_missing')
  if (typeof header !== 'string' || header.length > 4096) return refused('proof_malformed')
  let publicJwk: PublicEcKey | null
  try {
    const protectedHeader = decodeProtectedHeader(header)
    if (protectedHeader.typ !== 'dpop+jwt' || protectedHeader.alg !== 'ES256') return refused('proof_malformed')
    publicJwk = readPublicKey(protectedHeader.jwk)
  } catch {
    return refused('proof_malformed')
  }
  if (publicJwk === null) return refused('proof_key_invalid')
  let key: Awaited<ReturnType<typeof importJWK>>
  try {
    key = await importJWK({ ...publicJwk }, 'ES256')
  } catch {
    // not a point of the curve
    return refused('proof_key_invalid')
  }
  let claims: JWTPayload
  try {
    claims = (
      await jwtVerify(header, key, { algorithms: ['ES256'], typ: 'dpop+jwt', currentDate: new Date(expected.now) })
    ).payload
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return refused('proof_signature_invalid')
    if (error instanceof errors.JWTExpired) return refused('proof_outdated')
    return refused('proof_malformed')
  }
  const { htm, htu, iat, jti, bdh } = claims as Record<string, unknown>
  if (typeof jti !== 'string' || !unguessable.test(jti)) return refused('proof_malformed')
  if (bdh !== undefined && typeof bdh !== 'string') return refused('proof_malformed')
  if (typeof iat !== 'number' || !Number.isFinite(iat)) return refused('proof_malformed')
  if (htm !== expected.method || !isTarget(htu, expected)) return refused('proof_target_mismatch')
  if (Math.abs(expected.now / 1000 - iat) > proofSkewSeconds) return refused('proof_outdated')
  return {
    ok: true,
    proof: { thumbprint: await calculateJwkThumbprint(publicJwk), publicJwk, jti, bodyHash: bdh ?? null }
  }
}

function isTarget (htu: unknown, { issuer, path }: Expected): boolean {
  if (typeof htu !== 'string' || !URL.canParse(htu)) return false
  const url = new URL(htu)
  return (
    url.origin === new URL(issuer).origin &&
    url.pathname === path &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    url.password === ''
  )
}

/** Proofs for tokens that are bound to a key (RFC 9449 §4.3, §7.1). */
import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify, type JWK } from 'jose'
import { artifactId } from '../../tokens/artifact-repository.ts'
import { noteUse } from '../../tokens/replay.ts'
import type { AdminApiDeps } from './deps.ts'

/** Difference between the clock of the caller and ours, in seconds; also how old a proof may be. */
const skewSeconds = 60

const proofAlgorithms = ['ES256', 'EdDSA']

export interface ProofTarget {
  method: string
  /** Without query. */ address: string
  accessToken: string
  /** RFC 7638 thumbprint that the token names. */ thumbprint: string
}

/** Whether the header `DPoP` proves the key of the token, for this method and address, now and for the first time. */
export async function proofFits (
  { db, clock }: Pick<AdminApiDeps, 'db' | 'clock'>,
  header: unknown,
  target: ProofTarget
): Promise<boolean> {
  if (typeof header !== 'string' || header.length > 4096) return false
  let verified
  try {
    // refuses private keys in the header, and anything but the two algorithms
    verified = await jwtVerify(header, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: proofAlgorithms,
      currentDate: new Date(clock.now()),
      clockTolerance: skewSeconds
    })
  } catch {
    return false
  }
  const { htm, htu, iat, jti, ath } = verified.payload as Record<string, unknown>
  const thumbprint = await calculateJwkThumbprint(verified.protectedHeader.jwk as JWK)
  if (thumbprint !== target.thumbprint || htm !== target.method || typeof htu !== 'string') return false
  const url = URL.parse(htu)
  if (url === null || url.origin + url.pathname !== target.address) return false
  if (ath !== createHash('sha256').update(target.accessToken).digest('base64url')) return false
  if (typeof iat !== 'number' || Math.abs(clock.now() / 1000 - iat) > skewSeconds) return false
  if (typeof jti !== 'string' || jti.length < 8 || jti.length > 128) return false
  return await noteUse(db, artifactId('ReplayDetection', `admin api proof\n${thumbprint}\n${jti}`), 3 * skewSeconds)
}

/** Time-based codes (RFC 6238): six digits of 30 seconds, one step of slack either way, each step good once. */
import { Secret, TOTP } from 'otpauth'

const issuer = 'Kora'
const period = 30

/** Twenty random bytes in base32. */
export const newTotpSecret = (): string => new Secret({ size: 20 }).base32

const createTotp = (secret: string, label: string): TOTP =>
  new TOTP({ issuer, label, algorithm: 'SHA1', digits: 6, period, secret: Secret.fromBase32(secret) })

/** For the QR code of authenticator apps. */
export const totpUri = (secret: string, label: string): string => createTotp(secret, label).toString()

/**
 * The step that the code belongs to, or null. The caller that accepts it must check that the step is later than the
 * last one used.
 */
export function totpStep (secret: string, typed: string, nowMilliseconds: number): number | null {
  const token = typed.normalize('NFKC').replace(/[\s-]/g, '')
  if (!/^\d{6}$/.test(token)) return null
  const delta = createTotp(secret, '').validate({ token, timestamp: nowMilliseconds, window: 1 })
  return delta === null ? null : Math.floor(nowMilliseconds / 1000 / period) + delta
}

/** Groups of four, for typing. */
export const readableSecret = (secret: string): string => secret.replace(/(.{4})(?=.)/g, '$1 ')

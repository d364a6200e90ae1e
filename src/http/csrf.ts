/**
 * Protection against cross-site request forgery: a token bound to the browser cookie and to a scope (a login attempt, a
 * page of the user center), and the headers by which browsers say where a form came from. Nothing is stored.
 */
import { createHmac, randomBytes, timingSafeEqual, type BinaryLike, type KeyObject } from 'node:crypto'

export type CsrfVerdict = 'ok' | 'no_cookie' | 'bad_origin' | 'bad_token'

export interface Csrf {
  /**
   * A new token for one form, masked with a random value, because compressed pages could otherwise leak it byte by byte
   * (BREACH).
   */
  token(browserHash: string, scope: string): string
  /** Compares in constant time; any garbage is false. */
  matches(token: unknown, browserHash: string, scope: string): boolean
}

const size = 16

/** @param keys the first one makes tokens, each accepts them */
export function makeCsrf (...keys: Array<BinaryLike | KeyObject>): Csrf {
  const mac = (key: BinaryLike | KeyObject, browserHash: string, scope: string): Buffer =>
    createHmac('sha256', key).update(`${browserHash.length}:${browserHash}:${scope}`).digest().subarray(0, size)
  const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, at) => byte ^ (b[at] ?? 0)))
  return {
    token (browserHash, scope) {
      const mask = randomBytes(size)
      return Buffer.concat([mask, xor(mac(keys[0]!, browserHash, scope), mask)]).toString('base64url')
    },
    matches (token, browserHash, scope) {
      if (typeof token !== 'string' || token.length !== 43) return false
      const bytes = Buffer.from(token, 'base64url')
      if (bytes.length !== size * 2) return false
      const given = xor(bytes.subarray(size), bytes.subarray(0, size))
      return keys.map((key) => timingSafeEqual(given, mac(key, browserHash, scope))).includes(true)
    }
  }
}

/**
 * Whether a post may come from one of our own pages. Sec-Fetch-Site decides where it is sent; older browsers
 * send Origin; a browser that sends neither is judged by the token alone.
 */
export function originAllowed (
  headers: { 'sec-fetch-site'?: string | string[] | undefined; origin?: string | undefined },
  issuer: string
): boolean {
  const site = headers['sec-fetch-site']
  if (typeof site === 'string') return site === 'same-origin' || site === 'none'
  if (headers.origin !== undefined) return headers.origin === new URL(issuer).origin
  return true
}

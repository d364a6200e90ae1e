/**
 * Proof of work: a little computing in place of a puzzle for people (WCAG 2.2 §3.3.8). Friction for machines that send
 * thousands, a second for a cheap phone; it proves nothing about anybody.
 */
import { createHash } from 'node:crypto'

/** Leading zero bits of SHA-256(seed ':' nonce): 2^15 tries on average. */
export const workBits = 15

/** Longest nonce that views/assets/work.js sends: decimal digits. */
const noncePattern = /^\d{1,10}$/

/** Was the work done for this seed? Any garbage is false. */
export function isWorkDone (seed: string, nonce: string, bits: number = workBits): boolean {
  if (!noncePattern.test(nonce)) return false
  return createHash('sha256').update(`${seed}:${nonce}`).digest().readUInt32BE(0) >>> (32 - bits) === 0
}

import type { FaceCapabilities, FaceReason, FaceResult } from '../../ports/face-provider.ts'

/**
 * Tries: for each attempt, and for each person on one day in Asia/Shanghai. `startsPerDay` limits what a provider is
 * paid for.
 */
export const faceLimits = { perAttempt: 3, perDay: 5, startsPerDay: 20 } as const

/** Seconds: to do a check and have its verdict pulled; then again as long to use the verdict. */
export const faceSeconds = { check: 300, verdict: 300 } as const

/**
 * Least score (0–100) that counts as the same person, by purpose; acts that end a right or change a phone need more.
 * Audited with its version.
 */
export const faceThresholds = {
  version: '2026-01',
  otherwise: 70,
  purposes: { 'approve-delegation': 80, 'organization-password': 80, recover: 80, 'change-phone': 80 } as Readonly<
    Record<string, number>
  >
} as const

export const thresholdFor = (purpose: string): number => faceThresholds.purposes[purpose] ?? faceThresholds.otherwise

export type Judgement =
  | { status: 'pending' }
  | { status: 'passed'; score: number | null }
  | {
    status: 'failed'
    reason: FaceReason
    counted: boolean
    offerAlternative: boolean
    score: number | null
    suspicious: boolean
  }
  /** `final`: asking again will not help. Never a try of the person. */
  | { status: 'error'; reason: FaceReason; final: boolean }

/** Not the person's doing, so not a try. */
const uncounted: readonly FaceReason[] = ['DEVICE_UNSUPPORTED', 'CONFIG', 'UPSTREAM']

/**
 * Judges the answer of a provider. A pass needs a score that is a number, in range and high enough where the provider
 * gives scores, and must be about exactly the document number that was sent.
 */
export function judge (
  result: FaceResult,
  requested: { purpose: string; boundDocNoHash: string; capabilities: Pick<FaceCapabilities, 'hasScore'> }
): Judgement {
  if (result.status === 'pending') return { status: 'pending' }
  if (result.status === 'error') {
    return { status: 'error', reason: result.reason ?? 'UPSTREAM', final: !result.retryable }
  }
  const given: unknown = result.score
  const valid = typeof given === 'number' && given >= 0 && given <= 100
  const score = valid ? given : null
  if (result.status === 'failed') {
    const reason = result.reason ?? 'NOT_SAME_PERSON'
    return {
      status: 'failed',
      reason,
      counted: !uncounted.includes(reason),
      offerAlternative: result.offerAlternative,
      score,
      suspicious: false
    }
  }
  if (result.status !== 'passed') return { status: 'error', reason: 'UPSTREAM', final: false }
  const refused = { status: 'failed', counted: true, offerAlternative: true, score } as const
  if (result.boundDocNoHash !== undefined && result.boundDocNoHash !== requested.boundDocNoHash) {
    return { ...refused, reason: 'NAME_ID_MISMATCH', suspicious: true }
  }
  if (given === undefined ? requested.capabilities.hasScore : !valid) {
    return { status: 'error', reason: 'UPSTREAM', final: false }
  }
  if (score !== null && score < thresholdFor(requested.purpose)) {
    return { ...refused, reason: 'NOT_SAME_PERSON', suspicious: false }
  }
  return { status: 'passed', score }
}

export interface FaceTries {
  attempt: number
  day: number
}

/** Tries left, the one under way included. */
export const triesLeft = (used: FaceTries): FaceTries => ({
  attempt: Math.max(0, faceLimits.perAttempt - used.attempt),
  day: Math.max(0, faceLimits.perDay - used.day)
})

export const fewest = ({ attempt, day }: FaceTries): number => Math.min(attempt, day)

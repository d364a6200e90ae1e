import type { Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import { isCertType } from '../../domain/identity/cert-type.ts'
import { boundDocNoHash } from '../../ports/face-provider.ts'
import type { FaceChecksDeps } from './deps.ts'
import { personById } from '../persons/index.ts'
import type { FaceVerdict } from '../scan-tickets/index.ts'
import type { FaceCircumstances } from './begin.ts'
import { faceThresholds, fewest, judge, thresholdFor, type FaceTries, type Judgement } from './rules.ts'
import { decide, faceTriesLeft, findCheck, type FaceBinding, type FaceCheckRow } from './repository.ts'

/** Seconds after which asking again makes sense. */
const retryAfterSeconds = 5

export interface VerdictHooks {
  /** Runs in the transaction that decides. The verdict stays valid independent of the thing it was for. */
  passed: (trx: Transaction<Database>, checkId: string) => Promise<void>
  failed: (trx: Transaction<Database>, checkId: string, left: FaceTries) => Promise<void>
}

export type Verdict = FaceVerdict | { ok: false; code: 'not_found' }

/**
 * The verdict of a check, pulled server to server while it is open and read from its row afterwards. What a phone says
 * about the outcome is deliberately not an argument.
 */
export async function faceVerdict (
  deps: FaceChecksDeps,
  checkId: string,
  about: FaceBinding,
  circumstances: FaceCircumstances,
  hooks: VerdictHooks
): Promise<Verdict> {
  const check = await findCheck(deps.db, checkId, about)
  if (check === undefined) return { ok: false, code: 'not_found' }
  if (check.state !== 'pending') return await recorded(deps, check, about)
  if (check.late) return await settle(deps, { check, about, circumstances, hooks, judgement: lateJudgement(check) })
  if (check.providerTxn === null) return { ok: true, status: 'pending' }
  const result = await deps.face.result(check.providerTxn, check.id)
  const person = await personById(deps.db, deps.crypto, about.personId)
  if (person === null || !isCertType(person.certType)) return { ok: false, code: 'not_found' }
  const judgement = judge(result, {
    purpose: about.purpose,
    boundDocNoHash: boundDocNoHash(check.id, { certType: person.certType, certNo: person.certNo }),
    capabilities: deps.face.capabilities
  })
  return await settle(deps, { check, about, circumstances, hooks, judgement })
}

const lateJudgement = (check: FaceCheckRow): Judgement => ({
  status: 'failed',
  reason: 'EXPIRED',
  counted: check.reason !== 'UPSTREAM',
  offerAlternative: true,
  score: null,
  suspicious: false
})

interface SettleInput {
  check: FaceCheckRow
  about: FaceBinding
  circumstances: FaceCircumstances
  hooks: VerdictHooks
  judgement: Judgement
}

async function settle (
  deps: FaceChecksDeps,
  { check, about, circumstances, hooks, judgement }: SettleInput
): Promise<Verdict> {
  if (judgement.status === 'pending') return await reachable(deps, check)
  if (judgement.status === 'error' && !judgement.final) return await unreachable(deps, check)
  const settled = await inTransaction(deps.db, async (trx) => {
    if (!(await decide(trx, check.id, toDecision(judgement)))) return false
    const left = await faceTriesLeft(trx, about)
    if (judgement.status === 'passed') await hooks.passed(trx, check.id)
    if (judgement.status === 'failed') await hooks.failed(trx, check.id, left)
    await deps.audit.record(trx, {
      type:
        judgement.status === 'passed'
          ? 'face-check.passed'
          : judgement.status === 'failed'
            ? 'face-check.failed'
            : 'face-check.unavailable',
      personId: about.personId,
      ...circumstances,
      ...(judgement.status === 'passed' ? {} : { reason: judgement.reason }),
      details: {
        checkId: check.id,
        purpose: about.purpose,
        provider: check.provider,
        // a bucket: a score is close to biometric data
        ...('score' in judgement && judgement.score !== null
          ? { scoreBucket: Math.floor(judgement.score / 10) * 10 }
          : {}),
        threshold: thresholdFor(about.purpose),
        thresholdVersion: faceThresholds.version,
        ...(judgement.status === 'failed'
          ? { counted: judgement.counted, suspicious: judgement.suspicious, triesLeft: fewest(left) }
          : {})
      }
    })
    return true
  })
  if (settled) {
    deps.metrics.faceChecks.inc({ outcome: judgement.status === 'error' ? 'unavailable' : judgement.status })
    forget(deps, check)
  }
  // the loser of two pulls reads what the winner wrote
  const now = await findCheck(deps.db, check.id, about)
  if (now === undefined) return { ok: false, code: 'not_found' }
  // a pass that came in the last moment: the next call finds it late
  return now.state === 'pending' ? { ok: true, status: 'pending' } : await recorded(deps, now, about)
}

function toDecision (judgement: Exclude<Judgement, { status: 'pending' }>): Parameters<typeof decide>[2] {
  switch (judgement.status) {
    case 'passed':
      return { state: 'passed', counted: false, reason: null, score: judgement.score }
    case 'failed':
      return {
        state: judgement.reason === 'EXPIRED' ? 'expired' : 'failed',
        counted: judgement.counted,
        reason: judgement.reason,
        score: judgement.score
      }
    case 'error':
      return { state: 'error', counted: false, reason: judgement.reason, score: null }
  }
}

/** The provider cannot be reached: the check stays open, and is not a try if it expires like this. */
async function unreachable (deps: FaceChecksDeps, check: FaceCheckRow): Promise<FaceVerdict> {
  await deps.db
    .updateTable('faceCheck')
    .set({ reason: 'UPSTREAM' })
    .where('id', '=', check.id)
    .where('state', '=', 'pending')
    .execute()
  deps.metrics.faceChecks.inc({ outcome: 'unavailable' })
  deps.log.warn({ checkId: check.id, provider: check.provider }, 'face verdict could not be pulled')
  return { ok: true, status: 'unavailable', retryAfterSeconds }
}

/** The provider answers (again), the person has not finished yet. */
async function reachable (deps: FaceChecksDeps, check: FaceCheckRow): Promise<FaceVerdict> {
  if (check.reason !== null) {
    await deps.db
      .updateTable('faceCheck')
      .set({ reason: null })
      .where('id', '=', check.id)
      .where('state', '=', 'pending')
      .execute()
  }
  return { ok: true, status: 'pending' }
}

/** What is written, as an answer; the same however often it is asked. */
async function recorded (deps: FaceChecksDeps, check: FaceCheckRow, about: FaceBinding): Promise<FaceVerdict> {
  switch (check.state) {
    case 'pending':
      return { ok: true, status: 'pending' }
    case 'passed':
    case 'used':
      return { ok: true, status: 'passed' }
    case 'error':
      return { ok: true, status: 'unavailable', retryAfterSeconds }
    case 'failed':
    case 'expired':
      return {
        ok: true,
        status: 'failed',
        reason: check.reason ?? 'EXPIRED',
        triesLeft: await faceTriesLeft(deps.db, about),
        // always: a face is never the only way
        offerAlternative: true
      }
  }
}

/** The pictures were for this comparison only; if this call fails, the provider's own retention ends them. */
function forget (deps: FaceChecksDeps, check: FaceCheckRow): void {
  if (check.providerTxn === null || deps.face.erase === undefined || !deps.face.capabilities.canErase) return
  deps.face.erase(check.providerTxn).catch((error: unknown) => {
    deps.log.warn({ checkId: check.id, err: error }, 'pictures of a face check could not be erased')
  })
}

/**
 * The provider's memory: transactions, what was decided about each, and outcomes scripted beforehand.
 * Everything is forgotten when the process ends; names and numbers are kept only to answer with their fingerprint.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { newIdentifier } from '../../domain/identifier.ts'
import type { SandboxKey } from './signature.ts'

/** What a person or a test may choose; the first line are verdicts, the second are faults of the result endpoint. */
const verdictOutcomes = ['pass', 'mismatch', 'liveness', 'quality', 'no-photo', 'cancel'] as const
export const faultOutcomes = ['timeout', 'down', 'garbage', 'forged'] as const
export const outcomes = [...verdictOutcomes, ...faultOutcomes] as const
export type Outcome = (typeof outcomes)[number]
export type Fault = (typeof faultOutcomes)[number]

export const isOutcome = (value: unknown): value is Outcome => (outcomes as readonly unknown[]).includes(value)
export const isFault = (value: unknown): value is Fault => (faultOutcomes as readonly unknown[]).includes(value)

/** What the population base says; a provider compares name and number before faces. */
export type Lookup = (certNo: string, name: string) => LookupAnswer | Promise<LookupAnswer>
export type LookupAnswer = 'match' | 'mismatch' | 'no_record' | 'no_photo'

export interface StartBody {
  attemptId: string
  subject: { certType: string; certNo: string; name: string }
  channel: string
  consentId: string
  clientMeta?: string
  returnUrl?: string
  notifyUrl?: string
  ip?: string
  locale?: string
}

export interface Transaction {
  id: string
  attemptId: string
  /** In the address of the capture page; not the transaction's id. */
  captureToken: string
  key: SandboxKey
  locale: string
  returnUrl: string | null
  notifyUrl: string | null
  /** The whole start request: distinguishes a repeated start from another one with the same id. */
  startDigest: string
  boundDocNoHash: string
  maskedCertNo: string
  lookup: LookupAnswer
  outcome: Outcome | null
  decidedAt: number | null
  expiresAt: number
}

export type Decision = 'decided' | 'unknown' | 'already-decided' | 'expired'
export type Started = { kind: 'new' | 'same'; transaction: Transaction } | { kind: 'conflict' }

const lifetimeMs = 10 * 60_000
const maximum = 10_000

export class Transactions {
  readonly #byId = new Map<string, Transaction>()
  readonly #byAttempt = new Map<string, Transaction>()
  readonly #byToken = new Map<string, Transaction>()
  #queue: Outcome[] = []
  #persons: Record<string, Outcome> = {}
  readonly #now: () => number
  readonly #lookup: Lookup

  constructor (lookup: Lookup, now: () => number) {
    this.#lookup = lookup
    this.#now = now
  }

  /** Opens a transaction, or finds the one of the same attempt; a scripted outcome is decided at once. */
  async start (body: StartBody, key: SandboxKey): Promise<Started> {
    const startDigest = createHmac('sha256', key.keyId).update(JSON.stringify(body)).digest('hex')
    const lookup = await this.#lookup(body.subject.certNo, body.subject.name)
    const existing = this.#byAttempt.get(body.attemptId)
    if (existing) {
      return existing.startDigest === startDigest ? { kind: 'same', transaction: existing } : { kind: 'conflict' }
    }
    const { certType, certNo } = body.subject
    const scripted = this.#persons[certNo] ?? this.#queue.shift() ?? null
    const transaction: Transaction = {
      id: randomBytes(16).toString('hex'),
      attemptId: body.attemptId,
      captureToken: newIdentifier(24),
      key,
      locale: body.locale ?? 'zh-CN',
      returnUrl: body.returnUrl ?? null,
      notifyUrl: body.notifyUrl ?? null,
      startDigest,
      boundDocNoHash: createHmac('sha256', body.attemptId).update(`${certType}\n${certNo}`).digest('hex'),
      maskedCertNo: `${certNo.slice(0, 3)}***${certNo.slice(-4)}`,
      lookup,
      outcome: scripted,
      decidedAt: scripted === null ? null : this.#now(),
      expiresAt: this.#now() + lifetimeMs
    }
    const oldest = this.#byId.size >= maximum ? this.#byId.values().next().value : undefined
    if (oldest) this.erase(oldest.id)
    this.#byId.set(transaction.id, transaction)
    this.#byAttempt.set(transaction.attemptId, transaction)
    this.#byToken.set(transaction.captureToken, transaction)
    return { kind: 'new', transaction }
  }

  /** Settles a transaction. A verdict stays; a fault may be decided again, because a provider can recover. */
  decide (id: string, outcome: Outcome): Decision {
    const transaction = this.#byId.get(id)
    if (!transaction) return 'unknown'
    if (transaction.outcome !== null && !isFault(transaction.outcome)) return 'already-decided'
    if (this.isExpired(transaction)) return 'expired'
    transaction.outcome = outcome
    transaction.decidedAt = this.#now()
    return 'decided'
  }

  /**
   * An array is the queue for the next transactions of anybody; an object speaks about persons by certNo, until
   * cleared.
   */
  script (next: Outcome[] | Record<string, Outcome>): void {
    if (Array.isArray(next)) this.#queue = [...next]
    else this.#persons = { ...this.#persons, ...next }
  }

  /** What is scripted and not used up yet. */
  scripted (): { queue: Outcome[]; persons: Record<string, Outcome> } {
    return { queue: [...this.#queue], persons: { ...this.#persons } }
  }

  clearScript (): void {
    this.#queue = []
    this.#persons = {}
  }

  get (id: string): Transaction | undefined {
    return this.#byId.get(id)
  }

  ofToken (token: string): Transaction | undefined {
    return this.#byToken.get(token)
  }

  list (): Transaction[] {
    return [...this.#byId.values()]
  }

  erase (id: string): boolean {
    const transaction = this.#byId.get(id)
    if (!transaction) return false
    this.#byId.delete(id)
    this.#byAttempt.delete(transaction.attemptId)
    this.#byToken.delete(transaction.captureToken)
    return true
  }

  isExpired (transaction: Transaction): boolean {
    return transaction.decidedAt === null && transaction.expiresAt <= this.#now()
  }

  /** Body of the result endpoint. Faults look like a pass here: they are spoiled on the way out. */
  verdict (transaction: Transaction): object {
    const { id, attemptId, boundDocNoHash, outcome, lookup, decidedAt } = transaction
    const common = { transactionId: id, attemptId, boundDocNoHash }
    const fail = (reason: string, code: string, rest: object = {}): object => ({
      ...common,
      status: 'failed',
      reason,
      code,
      ...rest
    })
    if (this.isExpired(transaction)) return fail('EXPIRED', 'SB406')
    if (outcome === null || decidedAt === null) return { ...common, status: 'pending' }
    if (outcome === 'cancel') return fail('USER_CANCELLED', 'SB499')
    if (lookup === 'mismatch') return fail('NAME_ID_MISMATCH', 'SB201')
    if (lookup === 'no_record') return fail('NO_RECORD', 'SB202')
    if (lookup === 'no_photo' || outcome === 'no-photo') return fail('NO_REFERENCE_PHOTO', 'SB203')
    if (outcome === 'mismatch') return fail('NOT_SAME_PERSON', 'SB204', { liveness: true, score: 31.4 })
    if (outcome === 'liveness') return fail('LIVENESS_RISK', 'SB205', { liveness: false })
    if (outcome === 'quality') return fail('BAD_CAPTURE', 'SB206')
    return {
      ...common,
      status: 'passed',
      code: 'SB200',
      liveness: true,
      score: 93.7,
      verifiedAt: new Date(decidedAt).toISOString()
    }
  }
}

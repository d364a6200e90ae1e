import { randomBytes } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import { isCertType } from '../../domain/identity/cert-type.ts'
import { FaceProviderError, type FaceStart, type FaceSubject, type FaceTicket } from '../../ports/face-provider.ts'
import type { FaceChecksDeps } from './deps.ts'
import { matchLocale } from '../../domain/locale.ts'
import { isCurrentVersion, recordConsent } from '../consents/index.ts'
import { personById } from '../persons/index.ts'
import type { FaceBegun } from '../scan-tickets/index.ts'
import { faceLimits, fewest, triesLeft } from './rules.ts'
import { decide, faceUse, insertCheck, expirePending, openCheck, type FaceBinding } from './repository.ts'

/** Circumstances for the audit trail. */
export interface FaceCircumstances {
  clientId?: string | null | undefined
  loginAttemptUid?: string | null | undefined
  deviceId?: string | null | undefined
  address?: string | undefined
  traceId?: string | undefined
}

export interface FaceRequest extends FaceBinding {
  channel: FaceStart['channel']
  locale: string
  consent: { given: boolean; version: string }
  returnUrl?: string | undefined
  clientMeta?: string | undefined
  circumstances: FaceCircumstances
}

export interface BeginHooks {
  /**
   * The thing that the check is for learns of it in the same transaction; false = it no longer wants one, and nothing
   * happened.
   */
  begun: (trx: Transaction<Database>, checkId: string) => Promise<boolean>
  /** No tries left. True when this is news. */
  exhausted: (trx: Transaction<Database>) => Promise<boolean>
}

export type BeginRefusal =
  'consent_required' | 'face_exhausted' | 'face_unavailable' | 'too_many_requests' | 'wrong_state'

type Reserved =
  | { code: BeginRefusal }
  | { code: null; checkId: string; consentId: string; expiresAt: Date; left: number; resumed: boolean }

/**
 * Starts a face check, or continues the unfinished one of the same thing. The row comes first and reserves a try, so
 * parallel starts cannot exceed the limits. Then the provider is asked, outside any transaction. If it cannot be
 * reached or refuses, the try is given back. Never throws for a fault of the provider.
 */
export async function beginFaceCheck (
  deps: FaceChecksDeps,
  request: FaceRequest,
  hooks: BeginHooks
): Promise<{ ok: true; begun: FaceBegun } | { ok: false; code: BeginRefusal }> {
  // the separate consent comes before everything else (个人信息保护法 第二十九条)
  if (!request.consent.given || !isCurrentVersion(deps, request.consent.version)) {
    return { ok: false, code: 'consent_required' }
  }
  const person = await personById(deps.db, deps.crypto, request.personId)
  if (person === null || !isCertType(person.certType) || !deps.face.capabilities.certTypes.includes(person.certType)) {
    return { ok: false, code: 'face_unavailable' }
  }
  const subject: FaceSubject = { certType: person.certType, certNo: person.certNo, name: person.name }
  // twice at most: a provider that no longer accepts the unfinished check gets a new one
  for (let round = 0; round < 2; round++) {
    const reserved = await reserve(deps, request, hooks)
    if (reserved.code !== null) return { ok: false, code: reserved.code }
    const started = await askProvider(deps, { request, subject, reserved })
    if (started === 'stale') continue
    if (typeof started === 'string') return { ok: false, code: started }
    return {
      ok: true,
      begun: describeBegun({
        ticket: started,
        checkId: reserved.checkId,
        expiresAt: reserved.expiresAt,
        left: reserved.left
      })
    }
  }
  return { ok: false, code: 'face_unavailable' }
}

async function reserve (deps: FaceChecksDeps, request: FaceRequest, hooks: BeginHooks): Promise<Reserved> {
  const { circumstances } = request
  return await inTransaction<Reserved>(deps.db, async (trx, rollback) => {
    // the starts of one person run one after another, because counting and inserting belong together
    await trx.selectFrom('person').select('id').where('id', '=', request.personId).forUpdate().executeTakeFirst()
    await expirePending(trx, request.personId)
    const consentId = await recordConsent(trx, deps, {
      personId: request.personId,
      kind: 'face-check',
      version: request.consent.version,
      locale: request.locale,
      source: request.scanTicketId === null ? request.binding : `scan-ticket:${request.scanTicketId}`,
      ...circumstances
    })
    const use = await faceUse(trx, request)
    const left = fewest(triesLeft(use.used))
    const open = await openCheck(trx, request)
    if (open === undefined) {
      if (fewest(triesLeft(use.reserved)) === 0) {
        if (await hooks.exhausted(trx)) {
          await deps.audit.record(trx, {
            type: 'face-check.exhausted',
            personId: request.personId,
            ...circumstances,
            details: { purpose: request.purpose }
          })
          deps.metrics.faceChecks.inc({ outcome: 'exhausted' })
        }
        return { code: 'face_exhausted' }
      }
      if (use.starts >= faceLimits.startsPerDay) return { code: 'too_many_requests' }
    }
    // at most 32 letters and digits: what every provider accepts as an order number
    const checkId = open?.id ?? randomBytes(16).toString('hex')
    const expiresAt =
      open?.expiresAt ?? (await insertCheck(trx, request, { id: checkId, provider: deps.face.name, consentId }))
    if (!(await hooks.begun(trx, checkId))) throw rollback({ code: 'wrong_state' })
    if (open === undefined) {
      await deps.audit.record(trx, {
        type: 'face-check.started',
        personId: request.personId,
        ...circumstances,
        details: { checkId, purpose: request.purpose, provider: deps.face.name }
      })
    }
    return { code: null, checkId, consentId, expiresAt, left, resumed: open !== undefined }
  })
}

async function askProvider (
  deps: FaceChecksDeps,
  {
    request,
    subject,
    reserved
  }: { request: FaceRequest; subject: FaceSubject; reserved: Extract<Reserved, { code: null }> }
): Promise<FaceTicket | 'stale' | BeginRefusal> {
  const { checkId, resumed } = reserved
  const locale = matchLocale(request.locale)
  let ticket: FaceTicket
  try {
    // no address of the person: the provider needs none
    ticket = await deps.face.start({
      attemptId: checkId,
      subject,
      channel: request.channel,
      consentId: reserved.consentId,
      ...(request.returnUrl === undefined ? {} : { returnUrl: request.returnUrl }),
      ...(request.clientMeta === undefined ? {} : { clientMeta: request.clientMeta }),
      ...(locale === undefined ? {} : { locale })
    })
  } catch (error) {
    if (!(error instanceof FaceProviderError)) throw error
    return await startFailed(deps, { request, extract: reserved, error })
  }
  await deps.db
    .updateTable('faceCheck')
    .set({ providerTxn: ticket.providerTxnId })
    .where('id', '=', checkId)
    .where('state', '=', 'pending')
    .execute()
  deps.log.debug({ checkId, provider: deps.face.name, resumed }, 'face check started')
  return ticket
}

async function startFailed (
  deps: FaceChecksDeps,
  {
    request,
    extract: { checkId, resumed },
    error
  }: { request: FaceRequest; extract: Extract<Reserved, { code: null }>; error: FaceProviderError }
): Promise<'stale' | BeginRefusal> {
  deps.log.warn(
    { checkId, provider: deps.face.name, reason: error.reason, fault: error.fault },
    'face check could not be started'
  )
  deps.metrics.faceChecks.inc({ outcome: 'unavailable' })
  const refused = error.fault === undefined
  // an unfinished check may have been done at the provider meanwhile: its try stays counted
  if (resumed && !refused) return 'face_unavailable'
  await inTransaction(deps.db, async (trx) => {
    if (
      !(await decide(trx, checkId, {
        state: resumed ? 'expired' : 'error',
        counted: resumed,
        reason: error.reason,
        score: null
      }))
    ) {
      return
    }
    await deps.audit.record(trx, {
      type: 'face-check.unavailable',
      personId: request.personId,
      ...request.circumstances,
      reason: error.reason,
      details: { checkId, fault: error.fault ?? null }
    })
  })
  if (resumed) return 'stale'
  return error.reason === 'RETRY_EXHAUSTED' ? 'face_exhausted' : 'face_unavailable'
}

interface DescribeBegunInput {
  ticket: FaceTicket
  checkId: string
  expiresAt: Date
  left: number
}

function describeBegun ({ ticket, checkId, expiresAt, left }: DescribeBegunInput): FaceBegun {
  const begun = { checkId, method: ticket.method, expiresAt: expiresAt.toISOString(), triesLeft: left }
  switch (ticket.method) {
    case 'redirect':
      return { ...begun, url: ticket.url }
    case 'sdkToken':
      return { ...begun, token: ticket.token }
    case 'upload':
      return { ...begun, token: ticket.nonce }
  }
}

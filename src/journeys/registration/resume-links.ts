/**
 * Continuing an application elsewhere: a link in a short message to its proved phone. The link has 256 random bits and
 * no personal data; only its hash is stored. It is good for one application, once, for a day. Opening it changes
 * nothing, because programs open links too; the button on its page does. Owns the table registration_resume.
 */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { inTransaction } from '../../database/transaction.ts'
import { newIdentifier } from '../../domain/identifier.ts'
import type { RegistrationDeps } from './deps.ts'
import { enqueue } from '../../records/outbox/index.ts'
import { smsTopic, type SmsOrder } from '../../records/messages/index.ts'
import type { SmsCodes } from '../../records/sms-codes/index.ts'
import { columns, draftHours, opened, sealed, type Registration, type Trx } from './repository.ts'

export const resumePath = '/register/resume'

const hashToken = (token: string): string => createHash('sha256').update(token).digest('base64url')

/** Runs in the transaction of the act; earlier links end with it. `notice`: what has happened, in Chinese. */
export async function sendResumeLink (
  trx: Trx,
  deps: Pick<RegistrationDeps, 'crypto' | 'config'>,
  {
    registrationId,
    phone,
    kind,
    notice
  }: {
    registrationId: string
    /** E.164 */ phone: string
    kind: 'registration-resume' | 'registration-returned'
    notice: string
  }
): Promise<void> {
  const token = newIdentifier(32)
  const tokenHash = hashToken(token)
  await trx
    .updateTable('registrationResume')
    .set({ expiresAt: sql<Date>`now()` })
    .where('registrationId', '=', registrationId)
    .where('usedAt', 'is', null)
    .execute()
  const { expiresAt } = await trx
    .insertInto('registrationResume')
    .values({
      tokenHash,
      registrationId,
      expiresAt: sql<Date>`now() + make_interval(hours => ${draftHours})`
    })
    .returning('expiresAt')
    .executeTakeFirstOrThrow()
  await enqueue(trx, deps, {
    topic: smsTopic,
    dedupeKey: `${smsTopic}:resume:${tokenHash}`,
    payload: {
      to: { phone },
      template: 'notice',
      parameters: { kind, notice, link: `${deps.config.issuer}${resumePath}/${token}` },
      notAfter: expiresAt.toISOString()
    } satisfies SmsOrder
  })
}

interface ResumeRegistrationInput {
  smsCodes: Pick<SmsCodes, 'move'>
  token: string
  browserHash: string
  address: string
  traceId: string
}

/**
 * The application of the link moves to this browser, once; its former browser loses it. A person who was verified there
 * is verified again here. Null: unknown, used, expired, or the application is.
 */
export async function resumeRegistration (
  deps: RegistrationDeps,
  { smsCodes, token, browserHash, address, traceId }: ResumeRegistrationInput
): Promise<string | null> {
  if (!/^[\w-]{43}$/.test(token)) return null
  return await inTransaction(deps.db, async (trx) => {
    const link = await trx
      .updateTable('registrationResume')
      .set({ usedAt: sql<Date>`now()` })
      .where('tokenHash', '=', hashToken(token))
      .where('usedAt', 'is', null)
      .where('expiresAt', '>', sql<Date>`now()`)
      .returning('registrationId')
      .executeTakeFirst()
    if (link === undefined) return null
    const row = await trx
      .selectFrom('registration')
      .select(columns)
      .where('id', '=', link.registrationId)
      .where('state', 'in', ['draft', 'verifying', 'verified'])
      .where('expiresAt', '>', sql<Date>`now()`)
      .forUpdate()
      .executeTakeFirst()
    if (row === undefined) return null
    const registration = opened(deps, row)
    const phone = await movedPhone(trx, { smsCodes, registration, to: browserHash })
    await trx
      .updateTable('registration')
      .set({
        browserHash,
        state: registration.state === 'verified' ? 'verifying' : registration.state,
        dataEnc: sealed(deps, row.id, { ...registration.draft, phone, verification: null }),
        updatedAt: sql<Date>`now()`
      })
      .where('id', '=', row.id)
      .execute()
    await deps.audit.record(trx, {
      type: 'registration.resumed',
      personId: row.personId,
      role: row.applicant,
      address,
      traceId,
      details: { registration: row.id }
    })
    return row.id
  })
}

/** The proof of the phone moves too; a used one must be given again. */
async function movedPhone (
  trx: Trx,
  {
    smsCodes,
    registration: {
      id: transaction,
      draft: { phone },
      browserHash: from
    },
    to
  }: { smsCodes: Pick<SmsCodes, 'move'>; registration: Registration; to: string }
): Promise<Registration['draft']['phone']> {
  if (phone === null || from === to) return phone
  return (await smsCodes.move(trx, phone.codeId, {
    binding: { phone: phone.phone, purpose: 'register', browserHash: from, transaction },
    toBrowserHash: to
  }))
    ? phone
    : null
}

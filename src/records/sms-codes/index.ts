/**
 * Codes by short message: proof that a person has a phone now. Owns the table sms_code.
 *
 * Six digits, five minutes, five tries; bound to phone, purpose, browser and transaction; only a keyed digest is
 * stored. The message goes through the outbox in the same transaction: sent once, and not at all when it would be too
 * late. Answers are the same for phones that are known here and those that are not. Callers require a challenge
 * (records/challenges) before `send`.
 */
import { randomInt } from 'node:crypto'
import { sql, type Kysely, type Transaction } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import { widerNetworks } from '../../domain/network.ts'
import { smsLimits, type SmsPurpose } from '../../domain/login/sms-code.ts'
import type { SmsCodesDeps } from './deps.ts'
import { endUndelivered, enqueue } from '../outbox/index.ts'
import { smsTopic, type SmsOrder } from '../messages/index.ts'
import { phoneIndex, phoneIndexes } from '../persons/index.ts'
import { createThrottle } from '../throttle/index.ts'

/** What a code is for: nothing else takes it, and the message names it (texts are registered in Chinese). */
const smsPurposes = { register: '法人注册', recover: '找回账号', 'change-phone': '变更手机号' } as const satisfies Record<
  SmsPurpose,
  string
>
export type { SmsPurpose } from '../../domain/login/sms-code.ts'

export interface SmsBinding {
  /** E.164 */
  phone: string
  purpose: SmsPurpose
  browserHash: string
  /** The one application or change that the code is for (an id): another one of the same browser does not take it. */
  transaction: string
}

export interface SmsCircumstances {
  /** Address prefix. */ source: string
  address?: string
  traceId?: string
}

export type SmsSent =
  | { ok: true; resendSeconds: number }
  /** `wait`: the last one was a moment ago; it is still good. */
  | { ok: false; code: 'wait' | 'too_many'; retryAfterSeconds: number }

export type SmsVerdict =
  | { ok: true; codeId: string }
  | { ok: false; code: 'wrong'; left: number }
  /** `expired`: over, replaced, or never sent; `exhausted`: five wrong ones. */
  | { ok: false; code: 'expired' | 'exhausted' }

/** `disturbed`: the message waits for a provider that fails, or was not sent at all. */
export type SmsDelivery = 'fine' | 'disturbed'

export interface SmsCodes {
  send(binding: SmsBinding, circumstances: SmsCircumstances): Promise<SmsSent>
  /** How the last message of this transaction does, and those of others at the moment. */
  delivery(binding: SmsBinding): Promise<SmsDelivery>
  verify(binding: SmsBinding, typed: string, circumstances: SmsCircumstances): Promise<SmsVerdict>
  /** Uses a verified code, once, in the transaction of its purpose. False: used already, or never verified. */
  spend(trx: Transaction<Database>, codeId: string, binding: SmsBinding): Promise<boolean>
  /** Moves a verified code to another browser, with its purpose; the person has shown to hold the phone there too. */
  move(
    trx: Transaction<Database>,
    codeId: string,
    change: { binding: SmsBinding; toBrowserHash: string }
  ): Promise<boolean>
}

const bind = ({ browserHash, transaction }: Pick<SmsBinding, 'browserHash' | 'transaction'>): string =>
  `${browserHash}:${transaction}`

/** A process of the former version, serving beside this one, verified codes without their transaction. */
const bindings = (binding: SmsBinding): string[] => [bind(binding), binding.browserHash]

export function createSmsCodes (deps: Pick<SmsCodesDeps, 'db' | 'crypto' | 'audit' | 'config'>): SmsCodes {
  const { db, crypto, config } = deps
  const throttle = createThrottle(deps)
  const digest = (binding: SmsBinding, code: string): string =>
    crypto.mac('sms-code', JSON.stringify([binding.phone, binding.purpose, bind(binding), code]))
  // while the master key changes the code may have been sent under the former one
  const digests = (binding: SmsBinding, code: string): string[] =>
    crypto.macs('sms-code', JSON.stringify([binding.phone, binding.purpose, bind(binding), code]))
  const event = (
    { purpose }: SmsBinding,
    { address, traceId }: SmsCircumstances,
    details: Record<string, string | number> = {}
  ) => ({ address, traceId, details: { purpose, ...details } })

  /** The first limit that is reached, the short one first: a second press within the minute is not counted. */
  async function limited (
    { phone }: SmsBinding,
    { source }: SmsCircumstances
  ): Promise<Extract<SmsSent, { ok: false }> | null> {
    const wider = widerNetworks(source)
    for (const { name, whose, limit, seconds } of [
      { name: 'resend', whose: phone, ...smsLimits.resend },
      { name: 'source', whose: source, ...smsLimits.source },
      ...(wider === null
        ? []
        : [
            { name: 'customer', whose: wider.customer, ...smsLimits.customer },
            { name: 'company', whose: wider.company, ...smsLimits.company }
          ]),
      { name: 'hour', whose: phone, ...smsLimits.hour },
      { name: 'day', whose: phone, ...smsLimits.day },
      // what messages may cost
      { name: 'all', whose: '', ...smsLimits.all }
    ]) {
      const hit = await throttle.hit(`sms-code:${name}:${whose}`, limit, seconds)
      if (!hit.allowed) {
        return { ok: false, code: name === 'resend' ? 'wait' : 'too_many', retryAfterSeconds: hit.retryAfterSeconds }
      }
    }
    return null
  }

  return {
    async send (binding, circumstances) {
      const { phone, purpose } = binding
      const refusal = await limited(binding, circumstances)
      if (refusal !== null) {
        if (refusal.code === 'too_many') {
          await inTransaction(db, async (trx) => {
            await deps.audit.record(trx, { type: 'sms-code.throttled', ...event(binding, circumstances) })
          })
        }
        return refusal
      }
      const id = newIdentifier(16, 'sms_')
      const code = String(randomInt(0, 1_000_000)).padStart(6, '0')
      const index = phoneIndex(crypto, phone)
      await inTransaction(db, async (trx) => {
        const former = await trx
          .updateTable('smsCode')
          .set({ expiresAt: sql<Date>`now()` })
          .where('phoneIndex', 'in', phoneIndexes(crypto, phone))
          .where('purpose', '=', purpose)
          .where('binding', '=', bind(binding))
          .where('verifiedAt', 'is', null)
          .where('expiresAt', '>', sql<Date>`now()`)
          .returning('id')
          .execute()
        // a code that is void is not sent, and not paid for
        await endUndelivered(trx, former.map(({ id }) => `${smsTopic}:${id}`))
        const { expiresAt } = await trx
          .insertInto('smsCode')
          .values({
            id,
            phoneIndex: index,
            purpose,
            binding: bind(binding),
            codeIndex: digest(binding, code),
            expiresAt: sql<Date>`now() + make_interval(secs => ${smsLimits.seconds})`
          })
          .returning('expiresAt')
          .executeTakeFirstOrThrow()
        await enqueue(trx, deps, {
          topic: smsTopic,
          dedupeKey: `${smsTopic}:${id}`,
          payload: {
            to: { phone },
            template: 'verification-code',
            parameters: {
              code,
              minutes: String(smsLimits.seconds / 60),
              purpose: smsPurposes[purpose],
              host: new URL(config.issuer).host
            },
            notAfter: expiresAt.toISOString()
          } satisfies SmsOrder
        })
        await deps.audit.record(trx, { type: 'sms-code.sent', ...event(binding, circumstances, { codeId: id }) })
      })
      return { ok: true, resendSeconds: smsLimits.resend.seconds }
    },

    async delivery (binding) {
      const { rows } = await sql<{ disturbed: boolean }>`
        select exists (select from outbox where dedupe_key = ${`${smsTopic}:`} || (${latest(binding)})
            and (dead_at is not null or last_error = 'expired'))
          or exists (select from outbox where topic = ${smsTopic} and done_at is null and dead_at is null
            and last_error is not null and created_at > now() - interval '10 minutes') as disturbed`.execute(db)
      return rows[0]?.disturbed === true ? 'disturbed' : 'fine'
    },

    async verify (binding, typed, circumstances) {
      const code = typed.normalize('NFKC').replace(/\D/g, '').slice(0, 10)
      return await inTransaction(db, async (trx) => {
        // the try is counted before anything is compared, in the statement that compares
        const { rows } = await sql<{ id: string; tries: number; right: boolean }>`
          update sms_code s
             set tries = s.tries + 1, verified_at = case when s.code_index = any(${digests(binding, code)}::text[]) then now() end
           where s.id = (${latest(binding)}) and s.tries < ${smsLimits.tries} and s.expires_at > now()
             and s.verified_at is null and s.used_at is null
          returning s.id, s.tries, s.verified_at is not null as right`.execute(trx)
        const row = rows[0]
        if (row === undefined) {
          const before = await trx
            .selectFrom('smsCode')
            .select('tries')
            .where('id', '=', latest(binding))
            .where('verifiedAt', 'is', null)
            .executeTakeFirst()
          return { ok: false, code: before !== undefined && before.tries >= smsLimits.tries ? 'exhausted' : 'expired' }
        }
        await deps.audit.record(trx, {
          type: row.right ? 'sms-code.verified' : 'sms-code.failed',
          ...event(binding, circumstances, { codeId: row.id, tries: row.tries })
        })
        if (row.right) return { ok: true, codeId: row.id }
        return row.tries < smsLimits.tries
          ? { ok: false, code: 'wrong', left: smsLimits.tries - row.tries }
          : { ok: false, code: 'exhausted' }
      })
    },

    async spend (trx, codeId, binding) {
      const { phone, purpose } = binding
      const row = await trx
        .updateTable('smsCode')
        .set({ usedAt: sql<Date>`now()` })
        .where('id', '=', codeId)
        .where('phoneIndex', 'in', phoneIndexes(crypto, phone))
        .where('purpose', '=', purpose)
        .where('binding', 'in', bindings(binding))
        .where('verifiedAt', 'is not', null)
        .where('usedAt', 'is', null)
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    },

    async move (trx, codeId, { binding, toBrowserHash }) {
      const { phone, purpose } = binding
      const row = await trx
        .updateTable('smsCode')
        .set({ binding: bind({ ...binding, browserHash: toBrowserHash }) })
        .where('id', '=', codeId)
        .where('phoneIndex', 'in', phoneIndexes(crypto, phone))
        .where('purpose', '=', purpose)
        .where('binding', 'in', bindings(binding))
        .where('verifiedAt', 'is not', null)
        .where('usedAt', 'is', null)
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    }
  }

  function latest (binding: SmsBinding) {
    const { phone, purpose } = binding
    return sql<string>`(select l.id from sms_code l where l.phone_index = any(${phoneIndexes(crypto, phone)}::text[])
      and l.purpose = ${purpose} and l.binding = ${bind(binding)}
      order by l.created_at desc, l.id desc limit 1)`
  }
}

/**
 * Deletes at most `limit` codes of more than two days ago; verified ones stay as long as a draft may. Returns how many.
 */
export async function sweepSmsCodes (db: Kysely<Database>, limit = 500): Promise<number> {
  const { rows } = await sql`
    delete from sms_code where id in (select id from sms_code where created_at < now() - interval '2 days'
      order by created_at limit ${limit} for update skip locked) returning id`.execute(db)
  return rows.length
}

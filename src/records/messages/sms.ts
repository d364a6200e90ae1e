import { sql } from 'kysely'
import type { Metrics } from '../../ports/metrics.ts'
import { SmsRefused, SmsUnavailable, type SmsMessage } from '../../ports/sms.ts'
import type { MessagesDeps } from './deps.ts'
import {
  backoffSeconds,
  OutboxExpired,
  OutboxNotTried,
  OutboxPermanentError,
  OutboxUntrusted,
  type ByAge,
  type OutboxHandler
} from '../outbox/index.ts'
import { personById } from '../persons/index.ts'

export const smsTopic = 'sms'

/** Payload of the topic `sms`. A known person's phone is looked up when the message is sent. */
export interface SmsOrder {
  to: { personId: string } | { /** E.164 */ phone: string }
  template: SmsMessage['template']
  parameters: Record<string, string>
  /** ISO 8601: after this the message is useless (a code that has expired). */
  notAfter?: string
}

/**
 * Delivers short messages from the outbox. Tries again when the provider cannot be reached; gives up when it refuses.
 * An answer that is not the provider's is repeated once, because each may be a message that is paid for.
 */
export function smsHandler ({
  db,
  crypto,
  sms,
  metrics
}: Pick<MessagesDeps, 'db' | 'crypto' | 'sms'> & { metrics?: Pick<Metrics, 'alarms'> }): OutboxHandler {
  const alarms = metrics?.alarms
  return async (payload, { messageId, untrusted = 0 }) => {
    const { to, template, parameters, notAfter } = payload as unknown as SmsOrder
    if (notAfter !== undefined && (await isPast(notAfter))) {
      alarms?.raise('sms_late')
      throw new OutboxExpired('over before it could be sent')
    }
    const phone = 'phone' in to ? to.phone : await findVerifiedPhone(to.personId)
    // nobody to send to: the inbox has the message
    if (phone === null) return
    try {
      await sms.send({ phone, template, parameters, messageId })
    } catch (error) {
      if (error instanceof SmsRefused) throw new OutboxPermanentError(error.message, { cause: error })
      if (!(error instanceof SmsUnavailable) || error.kind === 'outage') throw error
      if (error.kind === 'not_asked') throw new OutboxNotTried(error.message, { cause: error })
      if (untrusted === 0) throw new OutboxUntrusted(error.message, { cause: error })
      alarms?.raise('sms_untrusted')
      throw new OutboxPermanentError(error.message, { cause: error })
    }
    alarms?.end('sms_late')
    alarms?.end('sms_untrusted')
  }

  /** What somebody else typed may be anybody's phone. */
  async function findVerifiedPhone (personId: string): Promise<string | null> {
    const person = await personById(db, crypto, personId)
    return person === null || person.phoneVerifiedAt === null ? null : person.phone
  }

  async function isPast (time: string): Promise<boolean> {
    const { rows } = await sql<{ past: boolean }>`select ${time}::timestamptz < now() as past`.execute(db)
    return rows[0]?.past === true
  }
}

/** Seconds between attempts while a code lives: the person looks at the phone. */
const codeStep = 3

/**
 * A short message ends by its age: a code when it is over, everything else after a day. Notices wait longer the older
 * they are, so that thousands of them do not ask a dead provider all the time.
 */
export const smsByAge: ByAge = {
  pause (payload, { attempts, ageSeconds, tried }) {
    const chance = 0.5 + Math.random() / 2
    if ('notAfter' in payload) return codeStep * chance
    return tried ? backoffSeconds(Math.max(1, attempts)) : Math.min(120, 10 + ageSeconds / 4) * chance
  }
}

import { sql } from 'kysely'
import { SmsRefused, type SmsMessage } from '../../ports/sms.ts'
import type { MessagesDeps } from './deps.ts'
import { OutboxPermanentError, type OutboxHandler } from '../outbox/index.ts'
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
 */
export function smsHandler ({ db, crypto, sms }: Pick<MessagesDeps, 'db' | 'crypto' | 'sms'>): OutboxHandler {
  return async (payload, { messageId }) => {
    const { to, template, parameters, notAfter } = payload as unknown as SmsOrder
    if (notAfter !== undefined && (await isPast(notAfter))) return
    const phone = 'phone' in to ? to.phone : ((await personById(db, crypto, to.personId))?.phone ?? null)
    // nobody to send to: the inbox has the message
    if (phone === null) return
    try {
      await sms.send({ phone, template, parameters, messageId })
    } catch (error) {
      if (error instanceof SmsRefused) throw new OutboxPermanentError(error.message, { cause: error })
      throw error
    }
  }

  async function isPast (time: string): Promise<boolean> {
    const { rows } = await sql<{ past: boolean }>`select ${time}::timestamptz < now() as past`.execute(db)
    return rows[0]?.past === true
  }
}

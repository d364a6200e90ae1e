/**
 * The simulated short message provider: an outbox in memory for sandbox pages, demos and tests. Nothing leaves the
 * machine; the oldest messages are dropped.
 */
import type { SmsMessage, SmsSender } from '../../ports/sms.ts'
import { SmsRefused, SmsUnavailable } from '../../ports/sms.ts'

export interface SandboxMessage extends SmsMessage {
  /** Milliseconds since the epoch. */
  at: number
}

export type SmsFault = 'unavailable' | 'refused'

export interface SmsSandbox extends SmsSender {
  /** Newest first; of one phone (E.164) or of all. */
  messages(phone?: string): SandboxMessage[]
  /** Newest message whose parameters hold a code, for tests. */
  lastCode(phone: string): string | null
  /** How the next messages end, one entry each; null = sent. An empty list clears. */
  script(outcomes: Array<SmsFault | null>): void
  clear(): void
}

/** Makes the outbox. Throws in production. */
export function createSmsSandbox ({
  limit = 200,
  now = Date.now
}: { limit?: number; now?: () => number } = {}): SmsSandbox {
  if (process.env['NODE_ENV'] === 'production') {
    throw new Error('The short message simulator never runs in production.')
  }
  let sent: SandboxMessage[] = []
  let script: Array<SmsFault | null> = []
  let used = 0
  const messages = (phone?: string): SandboxMessage[] =>
    sent.filter((message) => phone === undefined || message.phone === phone)
  return {
    async send ({ phone, template, parameters, messageId }) {
      const fault = script.shift()
      if (fault === 'unavailable') throw new SmsUnavailable('sms sandbox: scripted outage')
      if (fault === 'refused') throw new SmsRefused('SCRIPTED')
      // as a provider must: a repeated message is sent once
      if (sent.some((message) => message.messageId === messageId)) return
      used++
      sent = [{ phone, template, parameters: { ...parameters }, messageId, at: now() }, ...sent].slice(0, limit)
    },
    balance: async () => ({ remaining: Math.max(0, 10_000 - used), alarmBelow: 1000 }),
    messages,
    lastCode: (phone) =>
      messages(phone).find((message) => message.parameters['code'] !== undefined)?.parameters['code'] ?? null,
    script (outcomes) {
      script = [...outcomes]
    },
    clear () {
      sent = []
      script = []
    }
  }
}

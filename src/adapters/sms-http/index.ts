/**
 * The adapter for short messages over docs/sms-provider-contract.md. One call is one attempt: the outbox repeats, and
 * the message id lets the provider recognize a repetition.
 */
import { SmsRefused, SmsUnavailable, type SmsSender } from '../../ports/sms.ts'
import { createHealth } from '../signed-http/health.ts'
import { checkedBaseUrl, createTransport } from '../signed-http/transport.ts'
import { signatureKeys } from '../signed-http/keys.ts'
import {
  createAsk,
  isSuccess,
  members,
  TransportFault,
  type Fault,
  type SignedHttpOptions
} from '../signed-http/index.ts'

const kinds: Partial<Record<Fault, SmsUnavailable['kind']>> = {
  'breaker-open': 'not_asked',
  signature: 'untrusted',
  redirect: 'untrusted',
  oversize: 'untrusted',
  malformed: 'untrusted'
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

/** @throws TypeError when address or keys do not fit */
export function createSmsHttpSender (options: Omit<SignedHttpOptions, 'baseUrl'> & { url: string }): SmsSender {
  const ask = createAsk({ ...options, baseUrl: options.url }, 'sms')
  // past the breaker, like the health check: the balance says nothing about whether messages are sent
  const look = createTransport({
    baseUrl: checkedBaseUrl(options.url, 'sms'),
    keys: signatureKeys(options, 'sms'),
    timeoutMs: options.timeoutMs ?? 3000,
    fetch: options.fetch ?? fetch,
    now: options.now ?? Date.now
  })
  return {
    async balance () {
      try {
        const answer = await look('GET', '/v1/balance')
        const { remaining, alarmBelow } = members(answer) ?? {}
        return isSuccess(answer) && isCount(remaining) && isCount(alarmBelow) ? { remaining, alarmBelow } : null
      } catch (error) {
        if (error instanceof TransportFault) return null
        throw error
      }
    },
    health: createHealth({ ...options, baseUrl: options.url }, 'sms'),
    async send ({ phone, template, parameters, messageId }) {
      let refusal: string | null
      try {
        refusal = await ask<{ code: string | null }>(
          (answer) => {
            const body = members(answer)
            if (isSuccess(answer)) return body?.['messageId'] === messageId ? { code: null } : null
            // 401 is a configuration fault: an outage for everybody, not the fault of this message
            if (answer.status === 401) throw new TransportFault('status', 'HTTP 401')
            // a repetition of a message that the provider has
            if (answer.status === 409) return { code: null }
            return { code: /^[A-Z_]{1,40}$/.test(String(body?.['code'])) ? String(body?.['code']) : 'REFUSED' }
          },
          'POST',
          '/v1/messages',
          { messageId, phone, template, parameters }
        ).then(({ code }) => code)
      } catch (error) {
        if (error instanceof TransportFault) {
          throw new SmsUnavailable(`sms provider: ${error.fault}`, { cause: error, kind: kinds[error.fault] ?? 'outage' })
        }
        throw error
      }
      if (refusal !== null) throw new SmsRefused(refusal)
    }
  }
}

/**
 * Signed HTTP to providers as the contracts in docs/ describe it: signatures both ways (`message-signature.ts`,
 * `keys.ts`), one bounded request (`transport.ts`), a circuit breaker (`breaker.ts`). The adapter of each provider
 * knows what to ask and how to read the answer.
 */
import { createBreaker } from './breaker.ts'
import { signatureKeys, type KeyOptions, type Service } from './keys.ts'
import { checkedBaseUrl, createTransport, TransportFault, type Answer, type Send } from './transport.ts'

export { TransportFault, type Answer, type Fault } from './transport.ts'
export type { KeyOptions, Service } from './keys.ts'

export interface SignedHttpOptions extends KeyOptions {
  /** https, or http for this machine itself. */
  baseUrl: string
  /** Milliseconds for one whole call, the answer's last byte included; default 3000. */
  timeoutMs?: number
  /** Default: opens after 5 faults in a row, probes after 10 s. */
  breaker?: { failures?: number; halfOpenAfterMs?: number }
  fetch?: typeof fetch
  /** Milliseconds since the epoch. */
  now?: () => number
}

/**
 * Asks once and reads the answer; never repeats anything by itself. `read` returns null for an answer that does not
 * follow the contract, which then counts like no answer.
 */
export type Ask = <T>(read: (answer: Answer) => T | null, ...request: Parameters<Send>) => Promise<T>

/** @throws TypeError when address or keys do not fit; the asking throws TransportFault */
export function createAsk (options: SignedHttpOptions, service: Service): Ask {
  const breaker = createBreaker({
    failures: options.breaker?.failures ?? 5,
    halfOpenAfterMs: options.breaker?.halfOpenAfterMs ?? 10_000
  })
  const send = createTransport({
    baseUrl: checkedBaseUrl(options.baseUrl, service),
    keys: signatureKeys(options, service),
    timeoutMs: options.timeoutMs ?? 3000,
    fetch: options.fetch ?? fetch,
    now: options.now ?? Date.now
  })
  return async (read, ...request) =>
    await breaker.run(async () => {
      const result = read(await send(...request))
      if (result === null) throw new TransportFault('malformed', 'answer does not follow the contract')
      return result
    })
}

/** The answer's body as an object with string keys, or null. */
export function members (answer: Answer): Record<string, unknown> | null {
  const { json } = answer
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : null
}

export const isSuccess = (answer: Answer): boolean => answer.status >= 200 && answer.status < 300

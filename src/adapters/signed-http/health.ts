import { signatureKeys, type Service } from './keys.ts'
import type { SignedHttpOptions } from './index.ts'
import { checkedBaseUrl, createTransport, TransportFault, type Fault } from './transport.ts'

/** A sign of life, past every breaker. */
export interface Health {
  reachable: boolean
  fault?: Fault
}

/**
 * Asks `GET /v1/health` as the contracts in docs/ have it. Never throws. @throws TypeError (here) when address or keys
 * do not fit
 */
export function createHealth (options: SignedHttpOptions, service: Service): () => Promise<Health> {
  const send = createTransport({
    baseUrl: checkedBaseUrl(options.baseUrl, service),
    keys: signatureKeys(options, service),
    timeoutMs: options.timeoutMs ?? 3000,
    fetch: options.fetch ?? fetch,
    now: options.now ?? Date.now
  })
  return async () => {
    try {
      const { status } = await send('GET', '/v1/health')
      return status >= 200 && status < 300 ? { reachable: true } : { reachable: false, fault: 'status' }
    } catch (error) {
      if (error instanceof TransportFault) return { reachable: false, fault: error.fault }
      throw error
    }
  }
}

/**
 * Circuit breaker: after some faults in a row nothing is asked for a while, because nobody should wait three seconds
 * for a dead provider; then one call probes. It is local to this process: it saves time and decides nothing.
 */
import { circuitBreaker, CircuitState, ConsecutiveBreaker, handleType, isBrokenCircuitError } from 'cockatiel'
import { TransportFault } from './transport.ts'

export interface BreakerOptions {
  /** Faults in a row that open it. */
  failures: number
  /** Milliseconds until the next probe. */
  halfOpenAfterMs: number
}

export interface Breaker {
  /** Runs the call, or throws TransportFault 'breaker-open' without running it. */
  run<T>(call: () => Promise<T>): Promise<T>
  state(): 'closed' | 'open' | 'half-open'
}

export function createBreaker ({ failures, halfOpenAfterMs }: BreakerOptions): Breaker {
  const policy = circuitBreaker(handleType(TransportFault), {
    breaker: new ConsecutiveBreaker(failures),
    halfOpenAfter: halfOpenAfterMs
  })
  const refused = (): TransportFault =>
    new TransportFault('breaker-open', 'not asked: it failed repeatedly a moment ago')
  return {
    async run (call) {
      // while one call probes, the others would wait for it: they fail at once instead
      if (policy.state === CircuitState.HalfOpen) throw refused()
      try {
        return await policy.execute(call)
      } catch (error) {
        throw isBrokenCircuitError(error) ? refused() : error
      }
    },
    state () {
      if (policy.state === CircuitState.Closed) return 'closed'
      return policy.state === CircuitState.HalfOpen ? 'half-open' : 'open'
    }
  }
}

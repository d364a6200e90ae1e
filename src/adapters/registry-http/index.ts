/**
 * Owns the question to the population register over docs/register-contract.md: does this name belong to
 * this document number? Keeps and logs nothing about persons; everything but a clear answer is
 * RegisterUnavailable, which never counts as a mismatch.
 */
import { RegisterUnavailable, type PopulationRegister, type RegisterAnswer } from '../../ports/registry.ts'
import { createAsk, isSuccess, members, TransportFault, type SignedHttpOptions } from '../signed-http/index.ts'

export interface RegistryHttpOptions extends SignedHttpOptions {
  /** For audit and metrics; default 'population-register'. */
  name?: string
}

const answers: readonly unknown[] = ['match', 'mismatch', 'no_record'] satisfies RegisterAnswer[]

/** @throws TypeError when address or keys do not fit */
export function createPopulationRegister (options: RegistryHttpOptions): PopulationRegister {
  const ask = createAsk(options, 'register')
  return {
    name: options.name ?? 'population-register',
    async verify ({ certType, certNo, name }) {
      try {
        return await ask<RegisterAnswer>((answer) => {
          const result = members(answer)?.['result']
          // a refusal (4xx) is a fault of ours or theirs, not of the person
          return isSuccess(answer) && answers.includes(result) ? result as RegisterAnswer : null
        }, 'POST', '/v1/persons/verify', { certType, certNo, name })
      } catch (error) {
        // the text names neither person nor address
        if (error instanceof TransportFault) throw new RegisterUnavailable(`population register: ${error.fault}`, { cause: error })
        throw error
      }
    }
  }
}

import { RegisterUnavailable } from '../../ports/registry.ts'
import { createAsk, isSuccess, members, TransportFault, type SignedHttpOptions } from '../signed-http/index.ts'

export interface RegistryHttpOptions extends SignedHttpOptions {
  /** For audit and metrics. */
  name?: string
}

/**
 * Posts one question; `read` gets the members of a successful answer and returns null for what does not follow the
 * contract.
 */
export type AskRegister = <T>(
  path: string,
  question: object,
  read: (answer: Record<string, unknown>) => T | null
) => Promise<T>

/** @throws TypeError when address or keys do not fit; the asking throws RegisterUnavailable */
export function createAskRegister (options: RegistryHttpOptions, name: string): AskRegister {
  const ask = createAsk(options, 'register')
  return async (path, question, read) => {
    try {
      return await ask(
        (answer) => {
          const given = members(answer)
          // a refusal (4xx) is a fault of ours or theirs, not of the person
          return isSuccess(answer) && given !== null ? read(given) : null
        },
        'POST',
        path,
        question
      )
    } catch (error) {
      // the text names neither person nor address
      if (error instanceof TransportFault) {
        throw new RegisterUnavailable(`${name.replace('-', ' ')}: ${error.fault}`, { cause: error })
      }
      throw error
    }
  }
}

import type { PopulationRegister, RegisterAnswer } from '../../ports/registry.ts'
import { createHealth } from '../signed-http/health.ts'
import { createAskRegister, type RegistryHttpOptions } from './ask-register.ts'

const answers: readonly unknown[] = ['match', 'mismatch', 'no_record'] satisfies RegisterAnswer[]

/** Does this name belong to this document number? @throws TypeError when address or keys do not fit */
export function createPopulationRegister (options: RegistryHttpOptions): PopulationRegister {
  const name = options.name ?? 'population-register'
  const ask = createAskRegister(options, name)
  return {
    name,
    health: createHealth(options, 'register'),
    verify: async ({ certType, certNo, name }) =>
      await ask('/v1/persons/verify', { certType, certNo, name }, ({ result }) =>
        answers.includes(result) ? (result as RegisterAnswer) : null
      )
  }
}

/**
 * The adapters of the authoritative registers over docs/register-contract.md: the population register (`population.ts`)
 * and the company register (`company.ts`). They store and log nothing about persons. Everything but a clear answer is
 * RegisterUnavailable, which never counts as a mismatch.
 */
export { createPopulationRegister } from './population.ts'
export { createCompanyRegister } from './company.ts'
export type { RegistryHttpOptions } from './ask-register.ts'

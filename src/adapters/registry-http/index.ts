/**
 * Owns the questions to the authoritative registers over docs/register-contract.md: the population register
 * (`population.ts`) and the company register (`company.ts`). Keeps and logs nothing about persons; everything but a
 * clear answer is RegisterUnavailable, which never counts as a mismatch.
 */
export { createPopulationRegister } from './population.ts'
export { createCompanyRegister } from './company.ts'
export type { RegistryHttpOptions } from './ask-register.ts'

/** Authoritative registers that Kora asks, never copies: the population base and the company register. */
import type { CertType } from '../domain/cert-type.ts'

export type RegisterAnswer = 'match' | 'mismatch' | 'no_record'

export interface PopulationRegister {
  readonly name: string
  /** Two-element check: does this name belong to this document number? Throws RegisterUnavailable. */
  verify (query: { certType: CertType, certNo: string, name: string }): Promise<RegisterAnswer>
}

export class RegisterUnavailable extends Error {
  constructor (message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RegisterUnavailable'
  }
}

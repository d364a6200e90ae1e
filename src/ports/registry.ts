/** Authoritative registers that Kora asks: the population base and the company register. */
import type { CertType } from '../domain/identity/cert-type.ts'

export type RegisterAnswer = 'match' | 'mismatch' | 'no_record'

/** A sign of life of this moment. */
export interface RegisterHealth {
  reachable: boolean
  /** A code, for example timeout. */ fault?: string
}

export interface PopulationRegister {
  readonly name: string
  /** Never throws. */
  health?(): Promise<RegisterHealth>
  /** Two-element check: does this name belong to this document number? Throws RegisterUnavailable. */
  verify(query: { certType: CertType; certNo: string; name: string }): Promise<RegisterAnswer>
}

/** 存续 · 吊销, 停业 or under investigation · 注销. */
export const companyStatuses = ['active', 'suspended', 'dissolved'] as const
export type CompanyStatus = (typeof companyStatuses)[number]

export interface RegisteredPerson {
  certType: CertType
  certNo: string
  name: string
}

/** `version` grows with every change of this organization's entry: of two, the greater is the newer. */
export interface CompanyRecord {
  found: true
  name: string
  /** First two characters of the code. */
  type: string
  status: CompanyStatus
  version: number
}

/** The result for each element (法人四要素); `certain: false` = 库无, this register does not know. */
export type CompanyAnswer =
  | { certain: true; nameMatches: boolean; isLegalRepresentative: boolean; status: CompanyStatus; version: number }
  | { certain: false }

/** The whole entry of an organization with this version, so changes in another order do no harm. */
export interface CompanyChange {
  uscc: string
  version: number
  /** Absent: it could not be read. */
  name?: string
  /** Absent: it could not be read. */
  status?: CompanyStatus
  /** Null: the register does not say, or says it so that it cannot be read: `faults` tells. */
  legalRepresentative: RegisteredPerson | null
  /** What could not be read; absent: everything could. */
  faults?: ChangeFault[]
}

/** Codes, never the values: the member, and for a person the part of it. */
export type ChangeFault =
  | 'name'
  | 'name.character'
  | 'status'
  | 'legal_representative.malformed'
  | 'legal_representative.cert_type'
  | 'legal_representative.cert_no'
  | 'legal_representative.name'

/** A piece of the register's journal. */
export interface CompanyChanges {
  changes: CompanyChange[]
  /** How many entries of the piece name no organization or no version, and were left out. */
  unreadable: number
  /** The position for the next request. */
  next: number
  /** There is more already. */
  more: boolean
}

/** All of it throws RegisterUnavailable for everything that is not a clear answer. */
export interface CompanyRegister {
  readonly name: string
  /** Never throws. */
  health?(): Promise<RegisterHealth>
  /** What the public may know of an organization. */
  lookup(uscc: string): Promise<CompanyRecord | { found: false }>
  /** Four-element check: does this name belong to this code, and is this person its legal representative now? */
  verify(query: { uscc: string; name: string; legalRepresentative: RegisteredPerson }): Promise<CompanyAnswer>
  /** The journal after a position, oldest first, in pieces. Null: nothing, only the position where it ends now. */
  changes(since: number | null): Promise<CompanyChanges>
}

export class RegisterUnavailable extends Error {
  constructor (message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RegisterUnavailable'
  }
}

/** The question to the company register (法人四要素), never inside a transaction. */
import type { LegalSection, UnitSection } from '../../domain/representation/registration.ts'
import { RegisterUnavailable } from '../../ports/registry.ts'
import type { Parts } from './held.ts'

export type CompanyOutcome =
  | { outcome: 'match'; version: number }
  /** This register does not know: staff check the application, and nothing is registered before. */
  | { outcome: 'review' }
  | { outcome: 'mismatch' | 'not_active' | 'unavailable' }

export async function askRegister (
  { companies, deps }: Pick<Parts, 'companies' | 'deps'>,
  { unit, legal }: { unit: UnitSection; legal: LegalSection }
): Promise<CompanyOutcome> {
  try {
    const answer = await companies.verify({
      uscc: unit.uscc,
      name: unit.name,
      legalRepresentative: { certType: 'resident_id', certNo: legal.certNo, name: legal.name }
    })
    if (!answer.certain) return { outcome: 'review' }
    if (!answer.nameMatches || !answer.isLegalRepresentative) return { outcome: 'mismatch' }
    return answer.status === 'active' ? { outcome: 'match', version: answer.version } : { outcome: 'not_active' }
  } catch (error) {
    if (!(error instanceof RegisterUnavailable)) throw error
    deps.log.warn({ register: companies.name }, 'company register unavailable')
    return { outcome: 'unavailable' }
  }
}

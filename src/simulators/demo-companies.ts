import type { CompanyRow } from './registers/index.ts'
import { demoOrganizations } from './demo-organizations.ts'
import { demoPeople } from './demo-people.ts'

/** What the simulated company register knows at its start. */
export function demoCompanies (): Array<Omit<CompanyRow, 'version' | 'available'>> {
  return demoOrganizations.map(({ uscc, name, status, legalRepresentative }) => {
    const person = demoPeople.find(({ handle }) => handle === legalRepresentative)
    if (person === undefined) throw new Error(`no demo person is called ${legalRepresentative}`)
    return {
      uscc,
      name,
      status,
      legalRepresentative: { certType: 'resident_id', certNo: person.certNo, name: person.name }
    }
  })
}

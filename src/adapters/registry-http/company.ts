import { isCertType } from '../../domain/identity/cert-type.ts'
import { isUnsafeLine } from '../../domain/plain-text.ts'
import { parseUscc } from '../../domain/identity/uscc.ts'
import {
  companyStatuses,
  type ChangeFault,
  type CompanyChange,
  type CompanyRegister,
  type CompanyStatus,
  type RegisteredPerson
} from '../../ports/registry.ts'
import { createHealth } from '../signed-http/health.ts'
import { createAskRegister, type RegistryHttpOptions } from './ask-register.ts'

type Members = Record<string, unknown>

const isStatus = (value: unknown): value is CompanyStatus => (companyStatuses as readonly unknown[]).includes(value)
const isText = (value: unknown, most: number): value is string =>
  typeof value === 'string' && value.trim() !== '' && value.length <= most
const isNumber = (value: unknown, least: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean'

/**
 * Organizations: their names, their representatives, and what changed. @throws TypeError when address or keys are not
 * valid
 */
export function createCompanyRegister (options: RegistryHttpOptions): CompanyRegister {
  const name = options.name ?? 'company-register'
  const ask = createAskRegister(options, name)
  return {
    name,
    health: createHealth(options, 'register'),
    lookup: async (uscc) =>
      await ask('/v1/companies/lookup', { uscc }, ({ result, name, status, version }) => {
        if (result === 'no_record') return { found: false }
        if (result !== 'found' || !isText(name, 200) || !isStatus(status) || !isNumber(version, 1)) return null
        return { found: true, name, type: uscc.slice(0, 2), status, version }
      }),
    verify: async ({ uscc, name, legalRepresentative: { certType, certNo, name: personName } }) =>
      await ask(
        '/v1/companies/verify',
        { uscc, name, legalRepresentative: { certType, certNo, name: personName } },
        ({ result, nameMatches, isLegalRepresentative, status, version }) => {
          if (result === 'uncertain') return { certain: false }
          if (
            result !== 'checked' ||
            !isFlag(nameMatches) ||
            !isFlag(isLegalRepresentative) ||
            !isStatus(status) ||
            !isNumber(version, 1)
          ) {
            return null
          }
          return { certain: true, nameMatches, isLegalRepresentative, status, version }
        }
      ),
    changes: async (since) =>
      await ask('/v1/companies/changes', since === null ? {} : { since }, ({ changes: given, next, more }) => {
        if (!Array.isArray(given) || !isNumber(next, since ?? 0) || !isFlag(more)) return null
        // there would be no end of it
        if (more && next === since) return null
        // one malformed entry must not block those after it, nor one malformed member the rest of its entry
        const changes = given.map(readChange).filter((change) => change !== null)
        return { changes, unreadable: given.length - changes.length, next, more }
      })
  }
}

/** What can be read of an entry, and codes for the rest. Null: nobody can tell what it is about. */
function readChange (value: unknown): CompanyChange | null {
  if (typeof value !== 'object' || value === null) return null
  const { uscc, version, name, status, legalRepresentative } = value as Members
  const code = typeof uscc === 'string' ? parseUscc(uscc) : null
  if (code?.ok !== true || !isNumber(version, 1)) return null
  const faults: ChangeFault[] = []
  if (!isText(name, 200)) faults.push('name')
  else if (isUnsafeLine(name)) faults.push('name.character')
  if (!isStatus(status)) faults.push('status')
  const person = legalRepresentative === null ? null : readPerson(legalRepresentative)
  if (typeof person === 'string') faults.push(person)
  return {
    uscc: code.value,
    version,
    ...(isText(name, 200) && !isUnsafeLine(name) ? { name } : {}),
    ...(isStatus(status) ? { status } : {}),
    legalRepresentative: typeof person === 'string' ? null : person,
    ...(faults.length > 0 ? { faults } : {})
  }
}

function readPerson (value: unknown): RegisteredPerson | ChangeFault {
  if (typeof value !== 'object' || value === null) return 'legal_representative.malformed'
  const { certType, certNo, name } = value as Members
  if (!isCertType(certType)) return 'legal_representative.cert_type'
  if (!isText(certNo, 64)) return 'legal_representative.cert_no'
  return isText(name, 200) ? { certType, certNo, name } : 'legal_representative.name'
}

/** What can be changed in the company register of the sandbox, for the API and the page alike. */
import { parseResidentId } from '../../domain/identity/resident-id.ts'
import { parseUscc } from '../../domain/identity/uscc.ts'
import type { RegisteredPerson } from '../../ports/registry.ts'
import { isCertType } from '../../domain/identity/cert-type.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import type { SimulatorsDeps } from '../deps.ts'
import type { Sandbox } from '../index.ts'
import { findDemoPerson } from '../phone/index.ts'
import type { CompanyRow } from '../registers/index.ts'
import type { CompanyChangeRequest, CompanyView, Someone } from './company-schemas.ts'
import { findPhoneOwner } from './levers.ts'
import { SandboxProblem } from './problem.ts'

interface Parts {
  deps: SimulatorsDeps
  sandbox: Sandbox
}

const patience = 3000

export const someone = ({ certType, certNo, name }: { certType: string; certNo: string; name: string }): Someone => ({
  handle: findDemoPerson(certNo)?.handle ?? null,
  name,
  cert_type: certType,
  cert_no: certNo
})

export async function listCompanies ({ deps, sandbox }: Parts): Promise<CompanyView[]> {
  const rows = await deps.db.selectFrom('organization').select('uscc').limit(2000).execute()
  const known = new Set(rows.map(({ uscc }) => uscc))
  return sandbox.companyService.list().map((row) => view(row, known.has(row.uscc)))
}

const view = (
  { uscc, name, status, legalRepresentative, version, available }: CompanyRow,
  account: boolean
): CompanyView => ({
  uscc,
  name,
  status,
  legal_representative: someone(legalRepresentative),
  version,
  available,
  account
})

/**
 * Changes an entry, or makes one, and waits until Kora has applied it. @throws SandboxProblem 400 for an invalid code
 * or number, 404 for an unknown person and for an incomplete new entry, 409 when the register is full
 */
export async function changeCompany (
  parts: Parts,
  code: string,
  { legal_representative: person, ...change }: CompanyChangeRequest
): Promise<CompanyView & { applied: boolean }> {
  const {
    deps,
    sandbox: { companyService, population }
  } = parts
  const parsed = parseUscc(code)
  if (!parsed.ok) throw new SandboxProblem(400, 'invalid_uscc', `The code is not valid: ${parsed.code}.`)
  const uscc = parsed.value
  const legalRepresentative = person === undefined ? undefined : await registered(deps, person)
  if (legalRepresentative !== undefined && population.get(legalRepresentative.certNo).status === 'no_record') {
    population.set(legalRepresentative.certNo, { name: legalRepresentative.name })
  }
  if (companyService.get(uscc) === undefined) {
    const { name, status = 'active' } = change
    if (name === undefined || legalRepresentative === undefined) {
      throw new SandboxProblem(
        404,
        'unknown_company',
        'The register has no such entry; a new one needs name and legal_representative.'
      )
    }
    if (!companyService.add({ uscc, name, status, legalRepresentative })) {
      throw new SandboxProblem(409, 'register_full', 'The register has 1000 entries and takes no more.')
    }
    if (change.available === false) companyService.edit(uscc, { available: false })
  } else {
    companyService.edit(uscc, { ...change, ...(legalRepresentative === undefined ? {} : { legalRepresentative }) })
  }
  // asked before anything else is done with it: the follower of this process reads the journal
  const applied = deps.config.companyRegister === null && (await companyService.told(patience))
  const account = await deps.db.selectFrom('organization').select('id').where('uscc', '=', uscc).executeTakeFirst()
  return { ...view(companyService.get(uscc) as CompanyRow, account !== undefined), applied }
}

async function registered (
  deps: SimulatorsDeps,
  person: NonNullable<CompanyChangeRequest['legal_representative']>
): Promise<RegisteredPerson> {
  if (typeof person === 'string') {
    const { certType, certNo, name } = await findPhoneOwner(deps, person)
    return { certType: isCertType(certType) ? certType : 'other', certNo, name }
  }
  const number = parseResidentId(person.cert_no, shanghaiDate(deps.clock.now()))
  if (!number.ok) throw new SandboxProblem(400, 'invalid_cert_no', `The document number is not valid: ${number.code}.`)
  return { certType: 'resident_id', certNo: number.value, name: person.name }
}

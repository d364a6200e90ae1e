/**
 * The simulated authoritative registers: HTTP services that implement docs/register-contract.md, with editable tables
 * and controls for outages. Here the population register, in `companies.ts` the company register. They keep everything
 * in memory and refuse to run in production.
 */
import Type from 'typebox'
import type { RegisterAnswer } from '../../ports/registry.ts'
import { createSignedService, normal, type ServiceOptions, type SignedService } from './signed-service.ts'

export { registerFaults, type RegisterFault } from './signed-service.ts'
export { createCompanySandbox, type CompanyRow, type CompanySandbox } from './companies.ts'

export interface PersonRow {
  name: string
  certNo: string
  /** Default resident_id. */
  certType?: string
  /**
   * `normal`: names are compared. `removed`: as if there were no such record. `unavailable`: the register fails for
   * this person.
   */
  status: 'normal' | 'removed' | 'unavailable'
}

export interface PersonQuery {
  certType: string
  certNo: string
  name: string
}
/** Another source of answers, asked instead of the table. */
export type PersonLookup = (query: PersonQuery) => RegisterAnswer | 'unavailable'

export interface RegisterSandboxOptions extends ServiceOptions {
  lookup?: PersonLookup
}

export interface RegisterSandbox extends SignedService {
  /** Put or replace a row under an id of the caller's choice. */
  put(id: string, row: PersonRow): void
  get(id: string): PersonRow | undefined
  remove(id: string): void
  list(): Array<PersonRow & { id: string }>
  /** How many verified questions were asked. */
  asked(): number
}

const Query = Type.Object({
  certType: Type.String({ minLength: 1, maxLength: 32 }),
  certNo: Type.String({ minLength: 1, maxLength: 64 }),
  name: Type.String({ minLength: 1, maxLength: 200 })
})

/** Makes the service; `listen` starts it. Throws in production. */
export async function createRegisterSandbox (options: RegisterSandboxOptions): Promise<RegisterSandbox> {
  const service = createSignedService(options)
  const rows = new Map<string, PersonRow>()
  let asked = 0

  const fromTable: PersonLookup = ({ certType, certNo, name }) => {
    const row = [...rows.values()].find(
      (candidate) => candidate.certNo === certNo && (candidate.certType ?? 'resident_id') === certType
    )
    if (row === undefined || row.status === 'removed') return 'no_record'
    if (row.status === 'unavailable') return 'unavailable'
    return normal(row.name) === normal(name) ? 'match' : 'mismatch'
  }
  const lookup = options.lookup ?? fromTable
  service.app.post('/v1/persons/verify', { schema: { body: Query } }, async (request, reply) => {
    asked += 1
    if (request.registerFault === 'nonsense') return await reply.send({ result: 'yes' })
    const result = lookup(request.body as PersonQuery)
    if (result === 'unavailable') return await reply.code(503).send({ code: 'UPSTREAM' })
    return await reply.send({ result })
  })

  return {
    ...service,
    put: (id, row) => {
      rows.set(id, { ...row })
    },
    get: (id) => rows.get(id),
    remove: (id) => {
      rows.delete(id)
    },
    list: () => [...rows].map(([id, row]) => ({ id, ...row })),
    asked: () => asked
  }
}

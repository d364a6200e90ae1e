/** The simulated company register: an editable table of organizations, and the journal of what was changed in it. */
import Type, { type Static } from 'typebox'
import type { CompanyChange, CompanyStatus, RegisteredPerson } from '../../ports/registry.ts'
import { createSignedService, normal, type ServiceOptions, type SignedService } from './signed-service.ts'

export interface CompanyRow {
  uscc: string
  name: string
  status: CompanyStatus
  legalRepresentative: RegisteredPerson
  version: number
  /** False: the register fails when it is asked about this organization. */
  available: boolean
}

export type CompanyEdit = Partial<Pick<CompanyRow, 'name' | 'status' | 'legalRepresentative' | 'available'>> & {
  /**
   * Default: newer than everything before. An older one is a late change: it is in the journal, but the entry stays.
   */
  version?: number
}

export interface CompanySandbox extends SignedService {
  get(uscc: string): CompanyRow | undefined
  list(): CompanyRow[]
  /** Changes an entry, and adds a real change to the journal. Null: no such entry. */
  edit(uscc: string, edit: CompanyEdit): CompanyRow | null
  /** A new entry. False: the register is full. */
  add(row: Omit<CompanyRow, 'version' | 'available'>): boolean
  /** Whether the reader of the journal has read everything and asked again. Waits at most this long. */
  told(milliseconds: number): Promise<boolean>
}

const maximum = 1000
const piece = 100

const Code = Type.String({ minLength: 1, maxLength: 64 })
const Person = Type.Object({
  certType: Type.String({ minLength: 1, maxLength: 32 }),
  certNo: Type.String({ minLength: 1, maxLength: 64 }),
  name: Type.String({ minLength: 1, maxLength: 200 })
})
const Lookup = Type.Object({ uscc: Code })
const Verify = Type.Object({
  uscc: Code,
  name: Type.String({ minLength: 1, maxLength: 200 }),
  legalRepresentative: Person
})
const Changes = Type.Object({ since: Type.Optional(Type.Integer({ minimum: 0 })) })

/** Makes the service; `listen` starts it. Throws in production. */
export async function createCompanySandbox (
  options: ServiceOptions & { rows?: Array<Omit<CompanyRow, 'version' | 'available'>> }
): Promise<CompanySandbox> {
  const { now = Date.now } = options
  const service = createSignedService(options, ['/v1/companies/changes'])
  const rows = new Map<string, CompanyRow>(
    (options.rows ?? []).map((row) => [row.uscc, { ...row, version: 1, available: true }])
  )
  const journal: CompanyChange[] = []
  let read = 0
  let waiting: Array<() => void> = []
  let newest = 1

  // by the clock, because versions must grow over restarts too
  const nextVersion = (): number => {
    newest = Math.max(newest + 1, now())
    return newest
  }
  const tell = ({ uscc, name, status, legalRepresentative, version }: CompanyRow): void => {
    journal.push({ uscc, version, name, status, legalRepresentative })
  }

  service.app.post('/v1/companies/lookup', { schema: { body: Lookup } }, async (request, reply) => {
    if (request.registerFault === 'nonsense') return await reply.send({ result: 'yes' })
    const row = rows.get((request.body as Static<typeof Lookup>).uscc)
    if (row === undefined) return await reply.send({ result: 'no_record' })
    if (!row.available) return await reply.code(503).send({ code: 'UPSTREAM' })
    const { name, status, version } = row
    return await reply.send({ result: 'found', name, status, version })
  })

  service.app.post('/v1/companies/verify', { schema: { body: Verify } }, async (request, reply) => {
    if (request.registerFault === 'nonsense') return await reply.send({ result: 'checked', nameMatches: 'yes' })
    const { uscc, name, legalRepresentative: person } = request.body as Static<typeof Verify>
    const row = rows.get(uscc)
    if (row === undefined) return await reply.send({ result: 'uncertain' })
    if (!row.available) return await reply.code(503).send({ code: 'UPSTREAM' })
    const {
      legalRepresentative: { certType, certNo, name: registered },
      status,
      version
    } = row
    return await reply.send({
      result: 'checked',
      nameMatches: normal(row.name) === normal(name),
      isLegalRepresentative:
        certType === person.certType && certNo === person.certNo && normal(registered) === normal(person.name),
      status,
      version
    })
  })

  service.app.post('/v1/companies/changes', { schema: { body: Changes } }, async (request, reply) => {
    if (request.registerFault === 'nonsense') return await reply.send({ changes: 'none', next: -1 })
    const { since = journal.length } = request.body as Static<typeof Changes>
    const changes = journal.slice(since, since + piece)
    const next = Math.max(since, Math.min(since + piece, journal.length))
    read = Math.max(read, since)
    if (read >= journal.length) for (const go of waiting.splice(0)) go()
    return await reply.send({ changes, next, more: next < journal.length })
  })

  return {
    ...service,
    async close () {
      for (const go of waiting.splice(0)) go()
      await service.close()
    },
    get: (uscc) => rows.get(uscc),
    list: () => [...rows.values()],
    add (row) {
      if (!rows.has(row.uscc) && rows.size >= maximum) return false
      const entry = { ...row, version: nextVersion(), available: true }
      rows.set(row.uscc, entry)
      tell(entry)
      return true
    },
    edit (uscc, { version: given, ...edit }) {
      const before = rows.get(uscc)
      if (before === undefined) return null
      const person = edit.legalRepresentative ?? before.legalRepresentative
      const news =
        given !== undefined ||
        (edit.name ?? before.name) !== before.name ||
        (edit.status ?? before.status) !== before.status ||
        person.certNo !== before.legalRepresentative.certNo ||
        person.certType !== before.legalRepresentative.certType ||
        person.name !== before.legalRepresentative.name
      const version = news ? (given ?? nextVersion()) : before.version
      const changed = { ...before, ...edit, version }
      newest = Math.max(newest, version)
      // a late change, older than the entry
      const kept = version < before.version ? before : changed
      rows.set(uscc, kept)
      if (news) tell(changed)
      return kept
    },
    async told (milliseconds) {
      if (read >= journal.length) return true
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, milliseconds)
      waiting.push(resolve)
      await promise
      clearTimeout(timer)
      waiting = waiting.filter((one) => one !== resolve)
      return read >= journal.length
    }
  }
}

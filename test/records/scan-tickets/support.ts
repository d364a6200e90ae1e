/** A world with one person, the real services behind the phone, and a sandbox face provider on a wire of its own. */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import pino from 'pino'
import type { Test } from 'tap'
import { inTransaction } from '../../../src/database/transaction.ts'
import { createFaceHttpProvider } from '../../../src/adapters/face-http/index.ts'
import type { PasswordHasher } from '../../../src/ports/password-hasher.ts'
import { loadConfig } from '../../../src/config.ts'
import { createAudit, type AuditEventType } from '../../../src/records/audit/index.ts'
import { registerAppKey } from '../../../src/records/devices/index.ts'
import { insertPerson, type NewPerson } from '../../../src/records/persons/index.ts'
import {
  createScanTickets,
  type CreatedTicket,
  type NewTicket,
  type PhoneActor,
  type PhoneRefusal,
  type ScanTickets,
  type ScanView
} from '../../../src/records/scan-tickets/index.ts'
import { createMetrics } from '../../../src/adapters/metrics.ts'
import { RegisterUnavailable, type RegisterAnswer } from '../../../src/ports/registry.ts'
import { createFaceSandbox, type FaceSandbox } from '../../../src/simulators/face-provider/index.ts'
import type { Services } from '../../../src/services.ts'
import type { TestDatabase } from '../../support/database.ts'

export const issuer = 'http://localhost:3000'
export const zhaxi = { name: '测试·扎西', certType: 'resident_id', certNo: '540102199003072515' } as const
export const version = '2026-01'
export const consent = { given: true, version }

export interface World {
  services: Services
  tickets: ScanTickets
  sandbox: FaceSandbox
  personId: string
  /** What the population register says next, until changed. */
  register: { answer: RegisterAnswer | 'unavailable'; asked: number }
}

/** One sandbox for a whole test file is enough; outcomes are scripted for each test. */
export async function sandboxOf (t: Test): Promise<FaceSandbox> {
  const sandbox = await createFaceSandbox({
    keys: [{ keyId: 'kora', algorithm: 'hmac-sha256', secret: 'a secret of thirty-two bytes, or more' }]
  })
  t.teardown(() => sandbox.close())
  await sandbox.listen()
  return sandbox
}

/** The real adapter. Patient by default, because a busy machine is no fault of the provider. */
export const faceOf = (sandbox: FaceSandbox, timeoutMs: number) =>
  createFaceHttpProvider({
    baseUrl: sandbox.url,
    keyId: 'kora',
    algorithm: 'hmac-sha256',
    secret: 'a secret of thirty-two bytes, or more',
    timeoutMs,
    breaker: { failures: 1000 }
  })

export async function world (
  database: TestDatabase,
  sandbox: FaceSandbox,
  overrides: Partial<Services> = {}
): Promise<World> {
  const register: World['register'] = { answer: 'match', asked: 0 }
  sandbox.clearScript()
  sandbox.outage(null)
  const { db, crypto } = database
  const services: Services = {
    config: loadConfig({ NODE_ENV: 'test', ISSUER: issuer, POLICY_VERSION: version }),
    db,
    crypto,
    clock: { now: () => Date.parse('2026-02-03T04:05:06Z') },
    log: pino({ level: 'silent' }),
    metrics: createMetrics({ defaults: false }),
    audit: createAudit({ crypto }),
    hasher: {} as PasswordHasher,
    face: faceOf(sandbox, 10_000),
    population: {
      name: 'test',
      async verify () {
        register.asked++
        if (register.answer === 'unavailable') throw new RegisterUnavailable('down')
        return register.answer
      }
    },
    companies: {
      name: 'test',
      lookup: async () => ({ found: false }),
      verify: async () => ({ certain: false }),
      changes: async () => ({ changes: [], unreadable: 0, next: 0, more: false })
    },
    sms: { send: async () => {} },
    ...overrides
  }
  const { id } = await person(services)
  const site = { clientId: 'tax', status: 'live', metadata: '{}', policy: '{}' } as const
  await db.insertInto('client').values(site).onConflict((conflict) => conflict.doNothing()).execute()
  return { services, tickets: createScanTickets(services), sandbox, personId: id, register }
}

export const person = async ({ db, crypto }: Services, extra: Partial<NewPerson> = {}): Promise<{ id: string }> =>
  await insertPerson(db, crypto, { person: { status: 'active', ...zhaxi, ...extra } })

export const pema = { name: '白玛', certNo: '540102199203078524' } as const

export const context = {
  clientName: '西藏税务',
  clientHost: 'tax.example',
  place: '局域网',
  browser: 'Windows · Chrome',
  at: '2026-02-03T04:05:06.000Z'
}

let browsers = 0
export const newBrowser = (): string => `browser-${++browsers}`

export const loginTicket = (world: World, extra: Partial<NewTicket> = {}): NewTicket => ({
  purpose: 'login',
  browserHash: newBrowser(),
  loginAttemptUid: `attempt-${randomBytes(8).toString('hex')}`,
  clientId: 'tax',
  context,
  expectedPersonId: world.personId,
  requires: ['identity', 'face'],
  numberEntry: false,
  address: '10.0.0.7',
  ...extra
})

export const phone = (device: PhoneActor['device'] = null, address = '10.9.9.9'): PhoneActor => ({
  device,
  address,
  userAgent: 'test',
  locale: 'zh-CN',
  traceId: 'trace-1'
})

/** An app installation with a key of its own, bound to `personId` if given. */
export async function app ({ services }: World, personId: string | null = null): Promise<PhoneActor> {
  const { publicJwk } = await appKey()
  const registered = await registerAppKey(services, { publicJwk, label: 'Phone' })
  if (!registered.ok) throw new Error(registered.code)
  const { id } = registered.device
  if (personId !== null) {
    await sql`update device set person_id = ${personId}, bound_at = now() - interval '1 day' where id = ${id}`.execute(
      services.db
    )
  }
  return phone({ id, kind: 'app', personId, ownerBarred: false })
}

export async function appKey () {
  const { generateKeyPair, exportJWK } = await import('jose')
  const { publicKey } = await generateKeyPair('ES256', { extractable: true })
  return { publicJwk: await exportJWK(publicKey) }
}

/** The result if it is ok; the refusal's code as an error otherwise. */
export function granted<R extends { ok: true }> (result: R | PhoneRefusal): R {
  if (!result.ok) throw new Error(`refused: ${result.code}`)
  return result
}

export const codeOf = (result: { ok: true } | PhoneRefusal): string => (result.ok ? 'ok' : result.code)

export interface Scanned {
  ticket: NewTicket
  created: CreatedTicket
  actor: PhoneActor
  scanToken: string
  view: ScanView
}

export async function scanned (
  world: World,
  extra: Partial<NewTicket> = {},
  actor: PhoneActor = phone()
): Promise<Scanned> {
  const ticket = loginTicket(world, extra)
  const created = await world.tickets.create(ticket)
  const { scanToken, view } = granted(await world.tickets.scan(created.payloadUrl, actor))
  return { ticket, created, actor, scanToken, view }
}

export const identity = { ...zhaxi, validFrom: '2018-05-01', term: '20', consent }

/** Born 1990-03-07: 28 years old on 2018-05-01, so the term is 20 years. */
export const giveIdentity = async (world: World, { scanToken, actor }: Scanned): Promise<ScanView> =>
  granted(await world.tickets.submitIdentity(scanToken, identity, actor)).view

/** Begin a check and pull its verdict; the outcome was scripted. */
export async function faceOnce (world: World, { scanToken, actor }: Scanned) {
  const { begun } = granted(await world.tickets.beginFace(scanToken, { consent }, actor))
  return await world.tickets.faceVerdict(scanToken, begun.checkId, actor)
}

/** Everything up to the last button. */
export async function ready (
  world: World,
  extra: Partial<NewTicket> = {},
  actor: PhoneActor = phone()
): Promise<Scanned> {
  const held = await scanned(world, extra, actor)
  if (held.view.remaining.includes('identity')) await giveIdentity(world, held)
  if (held.view.remaining.includes('face')) {
    world.sandbox.script(['pass'])
    const verdict = await faceOnce(world, held)
    if (!verdict.ok || verdict.status !== 'passed') throw new Error('no pass')
  }
  return held
}

export const confirm = async (world: World, { scanToken, view, actor }: Scanned, checkNumber?: string) =>
  await world.tickets.confirm(
    scanToken,
    { contextDigest: view.contextDigest, ...(checkNumber === undefined ? {} : { checkNumber }) },
    actor
  )

export const consume = async (
  world: World,
  { created, ticket }: Pick<Scanned, 'created' | 'ticket'>,
  extra: Partial<Parameters<ScanTickets['consume']>[2]> = {}
) =>
  await inTransaction(world.services.db, async (trx) => await world.tickets.consume(trx, created.ticketId, {
    browserHash: ticket.browserHash,
    purpose: ticket.purpose,
    ...(ticket.loginAttemptUid === undefined ? {} : { loginAttemptUid: ticket.loginAttemptUid }),
    ...(ticket.subjectRef === undefined ? {} : { subjectRef: ticket.subjectRef }),
    ...extra
  }))

export const times = <T>(n: number, work: (at: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, at) => work(at)))

/** Number of events of a type about this ticket (or all). */
export async function events ({ services }: World, type: AuditEventType, ticketId?: string): Promise<number> {
  const rows = await services.db
    .selectFrom('auditEvent')
    .select('details')
    .where('type', '=', type)
    .orderBy('id')
    .execute()
  return rows.filter((row) => ticketId === undefined || row.details['ticketId'] === ticketId).length
}

/** Moves a moment of a row into the past, in place of waiting. */
export const expire = async ({ services }: World, ticketId: string): Promise<void> => {
  await sql`update scan_ticket set expires_at = now() - interval '1 second' where id = ${ticketId}`.execute(
    services.db
  )
}

/** As if the ticket had been made so many seconds earlier. */
export const age = async ({ services }: World, ticketId: string, seconds: number): Promise<void> => {
  await sql`update scan_ticket set created_at = created_at - make_interval(secs => ${seconds}),
    expires_at = expires_at - make_interval(secs => ${seconds}) where id = ${ticketId}`.execute(services.db)
}

export const ticketRow = async ({ services }: World, id: string) =>
  await services.db.selectFrom('scanTicket').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

export const personRow = async ({ services }: World, id: string) =>
  await services.db.selectFrom('person').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

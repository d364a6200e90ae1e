/** An organization with its people, sites in its agents' reach, and the real services around them. */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import pino from 'pino'
import { loadConfig } from '../../../../src/config.ts'
import { approvalSubject } from '../../../../src/domain/representation/delegation.ts'
import type { TicketPurpose } from '../../../../src/domain/login/scan-ticket.ts'
import type { Proof } from '../../../../src/domain/login/next-step.ts'
import type { FaceProvider } from '../../../../src/ports/face-provider.ts'
import type { PasswordHasher } from '../../../../src/ports/password-hasher.ts'
import { createAudit, type AuditEventType } from '../../../../src/records/audit/index.ts'
import {
  createDelegations,
  type Actor,
  type Delegations,
  type DraftInput
} from '../../../../src/records/organizations/delegations/index.ts'
import { createMessages } from '../../../../src/records/messages/index.ts'
import {
  createOrganizationLogin,
  createRepresentations,
  insertOrganization
} from '../../../../src/records/organizations/index.ts'
import { insertPerson, personById } from '../../../../src/records/persons/index.ts'
import { createMetrics } from '../../../../src/adapters/metrics.ts'
import { insertArtifact, artifactId } from '../../../../src/tokens/artifact-repository.ts'
import { insertSession } from '../../../../src/tokens/session-repository.ts'
import { createSmsSandbox } from '../../../../src/simulators/sms/index.ts'
import type { Services } from '../../../../src/services.ts'
import type { TestDatabase } from '../../../support/database.ts'

export const uscc = '91540102MA6T1A2BXK'
export const tax = 'tax'

/** Valid document numbers of people who do not exist. */
export const people = {
  lhamo: { name: '测试·拉姆', certNo: '540102199203078524' },
  tashi: { name: '测试·扎西', certNo: '540102199003072515' }
} as const

/** A valid number for each `n`. */
export function certNo (n: number): string {
  const body = `5401021985${String(1 + (n % 12)).padStart(2, '0')}${String(1 + (Math.floor(n / 12) % 28)).padStart(2, '0')}${String(n % 1000).padStart(3, '0')}`
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
  const sum = weights.reduce((total, weight, at) => total + weight * Number(body[at]), 0)
  return body + '10X98765432'[sum % 11]
}

export function servicesOn (
  { db, crypto }: Pick<TestDatabase, 'db' | 'crypto'>,
  overrides: Partial<Services> = {}
): Services {
  return {
    config: loadConfig({ NODE_ENV: 'test', ISSUER: 'http://localhost:3000', POLICY_VERSION: '2026-01' }),
    db,
    crypto,
    clock: { now: () => Date.now() },
    log: pino({ level: 'silent' }),
    metrics: createMetrics({ defaults: false }),
    audit: createAudit({ crypto }),
    hasher: {} as PasswordHasher,
    face: {} as FaceProvider,
    population: { name: 'test', verify: async () => 'match' },
    sms: createSmsSandbox(),
    ...overrides
  } as Services
}

export interface World {
  services: Services
  delegations: Delegations
  representations: ReturnType<typeof createRepresentations>
  login: ReturnType<typeof createOrganizationLogin>
  messages: ReturnType<typeof createMessages>
  organizationId: string
  /** Legal representative. */
  lr: string
  agent: string
  /** 'YYYY-MM-DD' of the database in Asia/Shanghai, and days away from it. */
  day(away: number): string
}

let numbers = 0
export const newPerson = async (
  { db, crypto }: Pick<Services, 'db' | 'crypto'>,
  name = `测试·次仁${'甲乙丙丁'[numbers % 4]}`
): Promise<string> =>
  (
    await insertPerson(db, crypto, {
      person: { status: 'active', name, certType: 'resident_id', certNo: certNo(++numbers) }
    })
  ).id

export async function world (
  database: TestDatabase,
  limits?: { maximumDays: number; maximumAgents: number }
): Promise<World> {
  const services = servicesOn(database)
  const { db, crypto } = services
  const { id: lr } = await insertPerson(db, crypto, {
    person: {
      status: 'active',
      ...people.lhamo,
      certType: 'resident_id',
      phone: '+8613800138001',
      phoneVerifiedAt: new Date()
    }
  })
  const { id: agent } = await insertPerson(db, crypto, {
    person: {
      status: 'active',
      ...people.tashi,
      certType: 'resident_id',
      phone: '+8613800138002',
      phoneVerifiedAt: new Date()
    }
  })
  const { id: organizationId } = await insertOrganization(db, {
    crypto,
    organization: {
      uscc,
      name: '西藏示例科技有限公司',
      status: 'active',
      legalRepresentativeId: lr,
      passwordHash: 'hash',
      registerVersion: 1
    }
  })
  const site = async (clientId: string, policy: object, status: 'live' | 'disabled' = 'live'): Promise<void> => {
    await db
      .insertInto('client')
      .values({ clientId, status, metadata: '{}', policy: JSON.stringify(policy) })
      .execute()
  }
  await site(tax, {
    subjectKinds: ['person', 'organization'],
    functions: [
      { code: 'tax.filing', name: '申报' },
      { code: 'tax.refund', name: '退税' }
    ]
  })
  await site('land', { subjectKinds: ['organization'], functions: [{ code: 'land.transfer', name: '过户' }] })
  await site('persons-only', { subjectKinds: ['person'], functions: [{ code: 'person.thing', name: '办事' }] })
  await site('no-agents', { subjectKinds: ['organization'], roles: ['self', 'legal_representative'] })
  await site('gone', { subjectKinds: ['organization'] }, 'disabled')
  const {
    rows: [clock]
  } = await sql<{
    today: string
  }>`select to_char((now() at time zone 'UTC') + interval '8 hours', 'YYYY-MM-DD') as today`.execute(db)
  return {
    services,
    delegations: createDelegations(services, limits),
    representations: createRepresentations(services),
    login: createOrganizationLogin(services),
    messages: createMessages(services),
    organizationId,
    lr,
    agent,
    day: (away) => new Date(Date.parse(clock?.today ?? '') + away * 86_400_000).toISOString().slice(0, 10)
  }
}

export const actor = (personId: string): Actor => ({ personId, address: '10.0.0.7', traceId: 'trace-1' })

export const draft = ({ organizationId, agent, day }: World, extra: Partial<DraftInput> = {}): DraftInput => ({
  organizationId,
  agentId: agent,
  functions: ['tax.filing'],
  clientIds: [tax],
  validFrom: day(0),
  validTo: day(364),
  ...extra
})

/** Proposed by the legal representative, so submitted. */
export async function submitted (
  world: World,
  extra: Partial<DraftInput> = {}
): Promise<{ id: string; version: number; digest: string }> {
  const proposed = await world.delegations.propose(draft(world, extra), 'legal_representative', actor(world.lr))
  if (!proposed.ok) throw new Error(proposed.code)
  const shown = await world.delegations.content(proposed.id, proposed.version)
  if (shown === null) throw new Error('nothing to show')
  return { id: proposed.id, version: proposed.version, digest: shown.digest }
}

export interface TicketOptions {
  purpose?: TicketPurpose
  subject?: string
  state?: string
  proof?: 'face' | 'counter' | null
  proofs?: Proof[]
}

/** A ticket for exactly this, scanned, proven and consumed by the approver, as its rows are left behind. */
export async function approver (
  { services: { db } }: Pick<World, 'services'>,
  personId: string,
  { id, version, digest }: { id: string; version: number; digest: string },
  options: TicketOptions = {}
): Promise<Actor & { ticketId: string; proofs: Proof[] }> {
  const {
    purpose = 'approve-delegation',
    subject = approvalSubject(id, version, digest),
    state = 'consumed',
    proof = 'face'
  } = options
  const ticketId = `st_${randomBytes(8).toString('hex')}`
  await db
    .insertInto('scanTicket')
    .values({
      id: ticketId,
      locatorHash: ticketId,
      purpose,
      state: state as 'consumed',
      subjectRef: subject,
      browserHash: ticketId,
      context: '{}',
      contextDigest: 'd',
      checkNumber: '11',
      numberEntry: true,
      requires: '["face"]',
      personId,
      proof,
      expiresAt: sql<Date>`now() + interval '1 minute'`,
      consumedAt: sql<Date>`now()`
    })
    .execute()
  const at = Math.floor(Date.now() / 1000)
  const proofs: Proof[] = options.proofs ?? [
    { kind: 'scan', personId, deviceId: null, deviceKey: false, at, ticketId },
    ...(proof === 'face'
      ? [{ kind: 'face', personId, at, checkId: 'fc_1' } as const]
      : proof === 'counter'
        ? [{ kind: 'counter', personId, at, codeId: 'cc_1' } as const]
        : [])
  ]
  return { ...actor(personId), ticketId, proofs }
}

/** Approves with a ticket that was consumed before. */
export const approve = async (
  delegations: Delegations,
  shown: { id: string; version: number; digest: string },
  { proofs, ...by }: Actor & { ticketId: string; proofs: Proof[] }
): ReturnType<Delegations['approve']> =>
  await delegations.approve({ ...shown, approver: by, takeProofs: async () => proofs })

/** Proposed and approved. */
export async function active (
  world: World,
  extra: Partial<DraftInput> = {}
): Promise<{ id: string; version: number; digest: string }> {
  const open = await submitted(world, extra)
  const result = await approve(world.delegations, open, await approver(world, world.lr, open))
  if (!result.ok) throw new Error(result.code)
  return open
}

export interface Session {
  uid: string
  sid: string
  tokens: string[]
}

/** A session at the tax office in a context, with an access token, as a login leaves them. */
export async function signedIn (
  { services: { db, crypto } }: Pick<World, 'services'>,
  personId: string,
  contextId: string
): Promise<Session> {
  const sub = (await personById(db, crypto, personId))?.sub ?? ''
  const [uid, sid, token] = [
    randomBytes(8).toString('hex'),
    randomBytes(8).toString('hex'),
    randomBytes(8).toString('hex')
  ]
  await insertSession(
    db,
    {
      id: artifactId('Session', uid),
      uid,
      payload: { accountId: sub, authorizations: { [tax]: { sid, contextId } } }
    },
    { keepSeconds: 1800, absoluteSeconds: 43_200 }
  )
  await insertArtifact(db, {
    model: 'AccessToken',
    id: token,
    payload: { sid },
    grantHash: null,
    sessionUid: uid,
    accountId: sub,
    clientId: tax,
    contextId,
    userCode: null,
    keepSeconds: 600
  })
  return { uid, sid, tokens: [token] }
}

/** What is left of it. */
export async function left (
  { services: { db } }: Pick<World, 'services'>,
  { uid, sid, tokens }: Session
): Promise<{ session: boolean; site: boolean; token: boolean; logout: boolean }> {
  const artifacts = await db.selectFrom('oidcArtifact').select(['model', 'uid', 'id', 'payload']).execute()
  const session = artifacts.find((row) => row.uid === uid)
  return {
    session: session !== undefined,
    site: artifacts.some((row) => row.model === 'ClientSession' && row.payload['sid'] === sid),
    token: artifacts.some((row) => tokens.includes(row.id)),
    logout:
      (await db
        .selectFrom('outbox')
        .select('id')
        .where('dedupeKey', '=', `backchannel-logout:${tax}:${sid}`)
        .executeTakeFirst()) !== undefined
  }
}

export const wholeSession = { session: true, site: true, token: true, logout: false }
export const endedSession = { session: true, site: false, token: false, logout: true }

export const stateOf = async (
  { services: { db } }: Pick<World, 'services'>,
  id: string,
  version = 1
): Promise<string> =>
  (
    await db
      .selectFrom('delegation')
      .select('state')
      .where('id', '=', id)
      .where('version', '=', version)
      .executeTakeFirstOrThrow()
  ).state

export const events = async ({ services: { db } }: Pick<World, 'services'>, ...types: AuditEventType[]) =>
  await db
    .selectFrom('auditEvent')
    .select(['type', 'actor', 'personId', 'organizationId', 'delegationId', 'role', 'reason', 'details', 'outcome'])
    .where('type', 'in', types)
    .orderBy('id')
    .execute()

/** Kinds of messages of a person, oldest first; those of one moment as they were written. */
export const told = async ({ services: { db } }: Pick<World, 'services'>, personId: string): Promise<string[]> =>
  (
    await db
      .selectFrom('message')
      .select('kind')
      .where('personId', '=', personId)
      .orderBy('createdAt')
      .orderBy(sql`ctid`)
      .execute()
  ).map(({ kind }) => kind)

/** In place of waiting for days. */
export const moveDates = async (
  { services: { db } }: Pick<World, 'services'>,
  id: string,
  validFrom: string,
  validTo: string
): Promise<void> => {
  await db.updateTable('delegation').set({ validFrom, validTo }).where('id', '=', id).execute()
}

export const mustChange = async ({
  services: { db },
  organizationId
}: Pick<World, 'services' | 'organizationId'>): Promise<boolean> =>
  (
    await db
      .selectFrom('organization')
      .select('passwordMustChange')
      .where('id', '=', organizationId)
      .executeTakeFirstOrThrow()
  ).passwordMustChange

export const times = <T>(n: number, work: (at: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, at) => work(at)))

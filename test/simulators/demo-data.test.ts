/** Every number, code and date of the demo data by the rules of the domain, and what the seeding wrote. */
import t from 'tap'
import { createPasswordHasher } from '../../src/adapters/password-hasher.ts'
import { clientPolicy } from '../../src/domain/client/policy.ts'
import { checkDelegationValidity, delegationDigest } from '../../src/domain/representation/delegation.ts'
import { checkValidity } from '../../src/domain/identity/id-validity.ts'
import { parsePhone } from '../../src/domain/identity/phone-number.ts'
import { parseResidentId } from '../../src/domain/identity/resident-id.ts'
import { parseUscc } from '../../src/domain/identity/uscc.ts'
import { storedContent } from '../../src/records/organizations/delegations/content.ts'
import { createOrganizationLogin } from '../../src/records/organizations/login.ts'
import { createRepresentations } from '../../src/records/organizations/representations.ts'
import { personByCertNo } from '../../src/records/persons/index.ts'
import { shanghaiDate, systemClock } from '../../src/ports/clock.ts'
import type { Services } from '../../src/services.ts'
import { demoClients } from '../../src/simulators/demo-clients.ts'
import { seedDemoData } from '../../src/simulators/demo-data.ts'
import { hasDemoData } from '../../src/simulators/demo-traces.ts'
import { demoOrganizations } from '../../src/simulators/demo-organizations.ts'
import { demoPassword, demoPeople } from '../../src/simulators/demo-people.ts'
import { testDatabase } from '../support/database.ts'

const { db, crypto } = await testDatabase(t)
const today = shanghaiDate(Date.now())
const services = {
  db,
  crypto,
  clock: systemClock,
  hasher: createPasswordHasher({ concurrency: 1, memoryCost: 1024, timeCost: 2 })
} as unknown as Services
const traces = [await hasDemoData(db)]
const first = await seedDemoData(services, 'http://localhost:3001')
const again = await seedDemoData(services, 'http://localhost:3001')
traces.push(await hasDemoData(db))
t.same([first, again], [true, false], 'never twice')
t.same(traces, [false, true], 'production knows such a database')

t.test('people: numbers, phones, cards', async (t) => {
  for (const { handle, certNo, phone, validFrom, term } of demoPeople) {
    const number = parseResidentId(certNo, today)
    const card = checkValidity({
      birthdate: number.ok ? number.birthdate : null,
      validFrom,
      term: term === 'long' ? 'long' : (Number(term) as 5 | 10 | 20),
      today,
      certType: 'resident_id'
    })
    t.ok(number.ok && number.value === certNo && card.ok && parsePhone(phone).ok, `${handle} ${JSON.stringify(card)}`)
  }
  for (const key of ['handle', 'certNo', 'phone', 'name'] as const) {
    t.equal(new Set(demoPeople.map((person) => person[key])).size, demoPeople.length, key)
  }
})

t.test('organizations: codes, and people that exist', async (t) => {
  const handles = new Set(demoPeople.map(({ handle }) => handle))
  const functions = new Map(demoClients('').map(({ clientId, policy }) => [clientId, clientPolicy(policy)]))
  const codes = [...functions.values()].flatMap((policy) => policy.functions.map(({ code }) => code))
  for (const { uscc, handle, legalRepresentative, delegations } of demoOrganizations) {
    const parsed = parseUscc(uscc)
    t.ok(parsed.ok && parsed.value === uscc, handle)
    t.ok(handles.has(legalRepresentative), handle)
    for (const delegation of delegations) {
      t.ok(handles.has(delegation.agent) && delegation.agent !== legalRepresentative, `${handle}: ${delegation.agent}`)
      t.ok(
        (delegation.functions ?? []).every((code) => codes.includes(code)),
        'functions of the catalogue'
      )
      t.ok(
        (delegation.clientIds ?? []).every((id) => functions.get(id)?.subjectKinds.includes('organization')),
        'at sites that take organizations'
      )
    }
  }
  // the code that docs/sandbox.md gives for one that the register does not know
  t.ok(parseUscc('115400000043680056').ok && !demoOrganizations.some(({ uscc }) => uscc === '115400000043680056'))
  for (const type of ['91', '92', '71', 'N2']) {
    t.ok(
      demoOrganizations.some(({ uscc, account }) => account && uscc.startsWith(type)),
      type
    )
  }
})

t.test('delegations: as the product would have left them', async (t) => {
  const rows = await db.selectFrom('delegation').selectAll().execute()
  t.same([...new Set(rows.map(({ state }) => state))].sort(), [
    'active',
    'expired',
    'rejected',
    'revoked',
    'submitted',
    'suspended'
  ])
  for (const row of rows) {
    const stored = await storedContent(db, services, { id: row.id, version: row.version })
    t.equal(stored && delegationDigest(stored.content), row.digest, 'the digest is that of what is shown')
    if (row.state !== 'expired') {
      t.equal(
        checkDelegationValidity({ validFrom: row.validFrom, validTo: row.validTo, today, earliest: row.validFrom }),
        null
      )
    } else t.ok(row.validTo < today)
    t.equal(row.approverId === null, row.state === 'submitted' || row.state === 'rejected')
    t.equal(row.approvalTicketId === null, row.approverId === null)
    t.equal(row.endedAt === null, row.state !== 'revoked' && row.state !== 'expired')
    const times = [row.createdAt, row.submittedAt, row.decidedAt, row.endedAt]
      .filter((time) => time !== null)
      .map(Number)
    t.same(
      times,
      times.toSorted((a, b) => a - b),
      'in order'
    )
    t.ok(
      times.every((time) => time <= Date.now()),
      'nothing in the future'
    )
  }
})

t.test('logging in as each', async (t) => {
  const login = createOrganizationLogin(services)
  for (const { uscc, account, status, handle, delegations } of demoOrganizations) {
    const found = await login.find(uscc)
    t.equal(found !== null, account, handle)
    if (found === null) continue
    t.match(found, { status, type: uscc.slice(0, 2) })
    t.equal(await services.hasher.verify(found.passwordHash, demoPassword), true)
    t.match(await login.candidates(found.id, 'legal_representative'), [
      { role: 'legal_representative', state: status === 'active' ? 'active' : 'suspended' }
    ])
    t.same(
      (await login.candidates(found.id, 'agent')).map(({ state }) => state).sort(),
      delegations.map(({ state }) => (state === 'submitted' ? 'pending' : state)).sort(),
      handle
    )
  }
  const zhuoma = await personByCertNo(db, crypto, {
    certType: 'resident_id',
    certNo: demoPeople.find(({ handle }) => handle === 'zhuoma')?.certNo ?? ''
  })
  const policy = clientPolicy(demoClients('').find(({ clientId }) => clientId === 'demo-site')?.policy)
  const hats = await createRepresentations(services).listOptions(zhuoma?.id ?? '', { clientId: 'demo-site', policy })
  t.match(
    hats.map(({ representation, blocked }) => [representation.role, blocked]),
    [
      ['self', null],
      ['legal_representative', null],
      ['agent', null]
    ],
    'one person, three hats'
  )
})

t.test(
  "an older folder of demo data gets the clients that came since, at the site's new port; a database of others gets " +
    'none',
  async (t) => {
    const clients = async () => await db.selectFrom('client').select(['clientId', 'metadata']).execute()
    const all = (await clients()).length
    await db.deleteFrom('client').where('clientId', '=', 'demo-device').execute()
    await seedDemoData(services, 'http://localhost:4001')
    t.equal((await clients()).length, all)
    const device = (await clients()).find(({ clientId }) => clientId === 'demo-device')
    t.match(device?.metadata, { client_uri: 'http://localhost:4001', redirect_uris: [] })
    await seedDemoData(services, 'http://localhost:4002')
    t.match((await clients()).find(({ clientId }) => clientId === 'demo-device')?.metadata, {
      client_uri: 'http://localhost:4002',
      redirect_uris: []
    })

    const other = await testDatabase(t)
    await other.db
      .insertInto('client')
      .values({ clientId: 'own', status: 'live', metadata: '{}', policy: '{}' })
      .execute()
    await seedDemoData({ ...services, db: other.db } as unknown as Services, 'http://localhost:3001')
    t.equal(
      (await other.db.selectFrom('client').select('clientId').where('clientId', 'like', 'demo-%').execute()).length,
      0
    )
  }
)

// The journal of the company register is followed: everything once, by one process at a time, nothing lost.
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { createCompanyRegister } from '../../../src/adapters/registry-http/index.ts'
import { createRegisterFollower, ownPosition, sharedPosition } from '../../../src/records/company-register/index.ts'
import { personByCertNo } from '../../../src/records/persons/index.ts'
import { RegisterUnavailable } from '../../../src/ports/registry.ts'
import { createCompanySandbox, type CompanySandbox } from '../../../src/simulators/registers/index.ts'
import { eachDatabase, type TestDatabase } from '../../support/database.ts'
import {
  active,
  certNo,
  events,
  people,
  servicesOn,
  stateOf,
  uscc,
  world
} from '../organizations/delegations/support.ts'

const key = { keyId: 'kora', algorithm: 'hmac-sha256', secret: 'a secret of thirty-two bytes, or more' } as const
const person = (n: number) => ({ certType: 'resident_id', certNo: certNo(n), name: '测试·新代表' }) as const
const row = {
  uscc,
  name: '西藏示例科技有限公司',
  status: 'active',
  legalRepresentative: { certType: 'resident_id', ...people.lhamo }
} as const

async function follow (t: Test, database: TestDatabase) {
  const w = await world(database)
  const register: CompanySandbox = await createCompanySandbox({
    keys: [key],
    rows: [row, { ...row, uscc: '71540102MC1234566M' }]
  })
  t.teardown(async () => {
    await register.close()
  })
  const warnings: string[] = []
  const logged: object[] = []
  const note = (facts: object, text: string): void => {
    logged.push(facts)
    warnings.push(text)
  }
  const log = { warn: note, error: note, info: note }
  const companies = createCompanyRegister({
    baseUrl: await register.listen(),
    ...key,
    timeoutMs: 10_000,
    breaker: { failures: 1000 }
  })
  const services = { ...servicesOn(database, { companies }), log } as unknown as typeof w.services
  return {
    ...w,
    register,
    services,
    warnings,
    logged,
    organization: async () =>
      await database.db.selectFrom('organization').selectAll().where('uscc', '=', uscc).executeTakeFirstOrThrow(),
    /** Turns come one after the other without waiting. */
    process: () => createRegisterFollower(services, { position: sharedPosition(database.db, companies.name, 0) })
  }
}

eachDatabase(t, 'what the register says is what is known here', async (t, database) => {
  const w = await follow(t, database)
  const follower = createRegisterFollower(w.services, { position: ownPosition() })
  t.equal(await follower.runOnce(), 0)
  w.register.edit(uscc, { name: '新名有限公司' })
  w.register.edit(uscc, { legalRepresentative: person(801) })
  w.register.edit('71540102MC1234566M', { name: '没有账号的单位' })
  t.equal(await follower.runOnce(), 3)
  const successor = await personByCertNo(database.db, database.crypto, {
    certType: 'resident_id',
    certNo: certNo(801)
  })
  t.match(await w.organization(), {
    name: '新名有限公司',
    legalRepresentativeId: successor?.id,
    registerVersion: w.register.get(uscc)?.version
  })
  t.equal(await w.register.told(0), true)
  t.equal(await follower.runOnce(), 0, 'each once')

  w.register.edit(uscc, { status: 'dissolved', name: '很久以前', version: 2 })
  t.equal(await follower.runOnce(), 1)
  t.match(await w.organization(), { status: 'active', name: '新名有限公司' }, 'news that come late change nothing')
  for (let at = 0; at < 120; at++) w.register.edit(uscc, { name: `第${at}` })
  t.equal(await follower.runOnce(), 120, 'in pieces')
  t.match(await w.organization(), { name: '第119' })
})

eachDatabase(t, 'a journal that outlives the process', async (t, database) => {
  const w = await follow(t, database)
  w.register.edit(uscc, { name: '开始之前' })
  t.equal(await w.process().runOnce(), 0, 'the first time: from now on')
  t.match(await w.organization(), { name: row.name })
  w.register.edit(uscc, { name: '第二次' })
  t.equal(await w.process().runOnce(), 1)
  t.equal(await w.process().runOnce(), 0, 'another process goes on where the last one stopped')
  t.match(await w.organization(), { name: '第二次' })

  w.register.edit(uscc, { name: '第三次' })
  const apart = createRegisterFollower(w.services, {
    position: sharedPosition(database.db, 'company-register', 60_000)
  })
  const read = await Promise.all([
    apart.runOnce(),
    ...[1, 2, 3].map(
      async () =>
        await createRegisterFollower(w.services, {
          position: sharedPosition(database.db, 'company-register', 60_000)
        }).runOnce()
    )
  ])
  t.same(read.toSorted(), [0, 0, 0, 1], 'one has the turn')
  w.register.edit(uscc, { name: '第四次' })
  t.equal(await apart.runOnce(), 0, 'not yet')
  await sql`update register_journal set turn_at = now() - interval '1 second'`.execute(database.db)
  t.equal(await apart.runOnce(), 1)

  const position = sharedPosition(database.db, 'company-register', 0)
  await position.moveTo(1)
  await sql`update register_journal set turn_at = now() - interval '1 second'`.execute(database.db)
  t.same(await position.turn(), { since: 4 }, 'the position never goes back')
})

eachDatabase(t, 'outages and nonsense hold up nothing for ever', async (t, database) => {
  const w = await follow(t, database)
  const follower = w.process()
  await follower.runOnce()
  w.register.edit(uscc, {
    legalRepresentative: { certType: 'resident_id', certNo: '540102199003072510', name: '号码不对' }
  })
  w.register.edit(uscc, { name: '之后', legalRepresentative: person(802) })
  w.register.outage('error')
  await t.rejects(follower.runOnce(), RegisterUnavailable)
  t.match(await w.organization(), { name: row.name })
  w.register.outage(null)
  t.equal(await follower.runOnce(), 2)
  t.match(await w.organization(), { name: '之后', registerFaults: [] })
  t.same(w.warnings, ['news of the company register cannot be read whole'])
})

eachDatabase(
  t,
  'the worker: follows by itself, says once that it cannot, and that it can again',
  async (t, database) => {
    const w = await follow(t, database)
    const until = async (text: string): Promise<void> => {
      while (!w.warnings.includes(text)) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const follower = createRegisterFollower(w.services, { position: ownPosition(), intervalMs: 5 })
    w.register.outage('down')
    follower.start()
    await until('the company register cannot be followed')
    w.register.edit(uscc, { name: '新名' })
    w.register.outage(null)
    t.equal(await w.register.told(20_000), true)
    t.match(await w.organization(), { name: '新名' })
    await until('the company register is followed again')
    t.same(w.warnings, ['the company register cannot be followed', 'the company register is followed again'])
    await follower.stop()
    w.register.edit(uscc, { name: '停止以后' })
    t.equal(await w.register.told(30), false)
  }
)

const unreadablePeople = {
  'legal_representative.name_character': { certType: 'resident_id', certNo: certNo(803), name: '王\uE8631' },
  'legal_representative.name_length': { certType: 'resident_id', certNo: certNo(803), name: '长'.repeat(60) },
  'legal_representative.cert_no_legacy15': { certType: 'resident_id', certNo: '540102900307251', name: '测试·新代表' },
  'legal_representative.name': { certType: 'resident_id', certNo: certNo(803), name: '' },
  'legal_representative.cert_no': { certType: 'resident_id', certNo: '', name: '测试·新代表' },
  'legal_representative.cert_type': { certType: 'driver', certNo: certNo(803), name: '测试·新代表' } as never,
  'legal_representative.malformed': '张三' as never
} as const

for (const [code, legalRepresentative] of Object.entries(unreadablePeople)) {
  eachDatabase(t, `S25: the rest of an entry applies without what cannot be read: ${code}`, async (t, database) => {
    const w = await follow(t, database)
    const delegation = await active(w)
    const follower = createRegisterFollower(w.services, { position: ownPosition() })
    w.register.edit(uscc, { status: 'suspended', legalRepresentative })
    await follower.runOnce()
    t.match(await w.organization(), {
      status: 'suspended',
      legalRepresentativeId: null,
      passwordMustChange: true,
      registerFaults: [code]
    })
    t.equal(await stateOf(w, delegation.id), 'suspended')
    t.match(w.warnings, ['news of the company register cannot be read whole'])
    t.match(w.logged[0], { faults: [code] })
    t.notMatch(JSON.stringify(w.logged), /测试|长长|张三|9003072|王/)
    t.match(await events(w, 'organization.representative-changed'), [{ details: { from: w.lr, to: null } }])

    // the register says it again, so that it can be read
    w.register.edit(uscc, { status: 'active', legalRepresentative: person(804) })
    await follower.runOnce()
    const successor = await personByCertNo(database.db, database.crypto, {
      certType: 'resident_id',
      certNo: certNo(804)
    })
    t.match(await w.organization(), { status: 'active', legalRepresentativeId: successor?.id, registerFaults: [] })
    t.equal(await stateOf(w, delegation.id), 'suspended', 'no delegation returns by itself')
  })
}

eachDatabase(
  t,
  'S25: a name or status that cannot be read holds up neither the rest nor the journal',
  async (t, database) => {
    const w = await follow(t, database)
    const follower = createRegisterFollower(w.services, { position: ownPosition() })
    w.register.edit(uscc, { name: '甲\0乙', status: 'dissolved' })
    await follower.runOnce()
    t.match(await w.organization(), {
      name: row.name,
      status: 'dissolved',
      legalRepresentativeId: w.lr,
      registerFaults: ['name.character']
    })
    w.register.edit(uscc, { name: '新名', status: 'merged' as never })
    await follower.runOnce()
    t.match(await w.organization(), { name: '新名', status: 'dissolved', registerFaults: ['status'] })
  }
)

eachDatabase(t, 'S25: a known number names its person, however the name is written', async (t, database) => {
  const w = await follow(t, database)
  const delegation = await active(w)
  const follower = createRegisterFollower(w.services, { position: ownPosition() })
  w.register.edit(uscc, {
    status: 'active',
    legalRepresentative: { certType: 'resident_id', certNo: people.lhamo.certNo, name: '（委派代表：拉姆）' }
  })
  await follower.runOnce()
  t.match(await w.organization(), { legalRepresentativeId: w.lr, registerFaults: [] })
  t.equal(await stateOf(w, delegation.id), 'active')
})

import t from 'tap'
import { sql } from 'kysely'
import { startKora, words, type Kora } from '../../support/driver/index.ts'
import { residentIdCheck } from '../../../src/domain/identity/resident-id.ts'
import { certNoIndex, insertPerson, personByCertNo, personById } from '../../../src/records/persons/index.ts'
import { sweepRegistrations } from '../../../src/journeys/registration/index.ts'
import {
  agree,
  faults,
  fill,
  later,
  office,
  onEachDatabase,
  organization,
  password,
  people,
  registrationId,
  scan,
  school,
  start,
  step,
  verifyPhone,
  type Applying
} from './support.ts'
import { said, saidInOrder } from '../../support/texts.ts'

const jinmei = {
  name: '晋美',
  cert_no: `54010219850505301${residentIdCheck('54010219850505301')}`,
  phone: '18812345678',
  year: '2018',
  month: '3',
  day: '1',
  term: '20',
  years: '1',
  ethnic_group: ''
}
const card = { fields: { valid_from: '2018-03-01', term: '20' } }
const given = { new_password: password, again: password }

const rowOf = async ({ kora, ...applying }: Applying) =>
  await kora.inside.services.db
    .selectFrom('registration')
    .selectAll()
    .where('id', '=', registrationId({ kora, ...applying }))
    .executeTakeFirstOrThrow()

/** Up to the QR page, as an agent of this organization. */
async function asAgent (
  kora: Kora,
  agent: Record<string, string>,
  organization: { uscc: string },
  legal: Record<string, string>
): Promise<Applying> {
  const applying = await start(kora, 'agent')
  await fill(applying, { uscc: organization.uscc, decision: 'next' })
  await fill(applying, agent)
  await verifyPhone(applying, agent['phone'] ?? '')
  await fill(applying, legal)
  await fill(applying, agree)
  if (step(applying.page) !== 'qr') throw new Error(faults(applying.page).join() + words(applying.page.text))
  return applying
}

const scanAs = async (applying: Applying): Promise<string> =>
  await scan(applying, (await rowOf(applying)).personId ?? '', { identity: card })

t.test('a person without an account gets one by completing the application, and only then', async (t) => {
  const kora = await startKora(t)
  const { db, crypto } = kora.inside.services
  kora.inside.services.sandbox?.population.set(jinmei.cert_no, { name: jinmei.name })
  const { id: stranger } = await insertPerson(db, crypto, {
    person: {
      status: 'active',
      name: '旺堆',
      certType: 'resident_id',
      certNo: '540102199001011233',
      phone: '+8618812345678'
    }
  })
  const applying = await asAgent(kora, jinmei, office, people.zhaxi)
  const { personId } = await rowOf(applying)
  t.equal(
    await personByCertNo(db, crypto, { certType: 'resident_id', certNo: jinmei.cert_no }),
    null,
    'the number is still free'
  )
  t.equal(await scanAs(applying), 'confirmed')
  t.equal(step(applying.page), 'password', words(applying.page.text))
  t.equal(await personByCertNo(db, crypto, { certType: 'resident_id', certNo: jinmei.cert_no }), null)
  await fill(applying, given)
  t.equal(step(applying.page), 'done', words(applying.page.text))
  const person = await personByCertNo(db, crypto, { certType: 'resident_id', certNo: jinmei.cert_no })
  t.match(person, {
    id: personId,
    status: 'active',
    name: jinmei.name,
    phone: '+8618812345678',
    assuranceLevel: 3,
    certValidFrom: '2018-03-01',
    passwordHash: null,
    phoneVerifiedAt: Date
  })
  t.match(
    await personById(db, crypto, stranger),
    { phone: null, phoneVerifiedAt: null },
    'S11: what somebody else typed gives way to the person who entered a code'
  )
  t.equal((await organization(kora, office.uscc))?.status, 'pending')
})

onEachDatabase(
  t,
  'two applications of one new person: the unique index decides, and the second goes on with that account',
  async (t, kora) => {
    const { db, crypto } = kora.inside.services
    kora.inside.services.sandbox?.population.set(jinmei.cert_no, { name: jinmei.name })
    const one = await asAgent(kora, jinmei, office, people.zhaxi)
    await later(kora)
    const two = await asAgent(kora, jinmei, school, people.laoren)
    const [first, second] = [(await rowOf(one)).personId ?? '', (await rowOf(two)).personId ?? '']
    t.not(first, second, 'each application has a person of its own')
    for (const applying of [one, two]) t.equal(await scanAs(applying), 'confirmed')
    const answers = await Promise.all([one, two].map(async ({ browser, page }) => await browser.submit(page, given)))
    t.same(answers.map(step), ['done', 'done'])
    const index = certNoIndex(crypto, 'resident_id', jinmei.cert_no)
    const owners = await db.selectFrom('person').select('id').where('certNoIndex', '=', index).execute()
    t.equal(owners.length, 1)
    const owner = owners[0]?.id ?? ''
    t.same([(await rowOf(one)).personId, (await rowOf(two)).personId], [owner, owner])
    const devices = await db.selectFrom('device').select('personId').where('personId', 'in', [first, second]).execute()
    t.ok(devices.length > 0 && devices.every(({ personId }) => personId === owner), 'and so do the phones')
    t.match(
      await db
        .selectFrom('person')
        .select('status')
        .where('id', '=', owner === first ? second : first)
        .executeTakeFirstOrThrow(),
      { status: 'disabled' }
    )
    const events = await db
      .selectFrom('auditEvent')
      .select(['type', 'personId'])
      .where('type', 'in', ['person.created', 'person.linked'])
      .where('personId', '=', owner)
      .orderBy('id')
      .execute()
    t.same(events.map(({ type }) => type).sort(), ['person.created', 'person.linked'])

    await sql`update person set created_at = now() - interval '3 days'`.execute(db)
    t.equal(await sweepRegistrations(kora.inside.services), 1, 'what is left of the other is cleaned up')
    const left = await db
      .selectFrom('person')
      .selectAll()
      .where('id', '=', owner === first ? second : first)
      .executeTakeFirstOrThrow()
    t.equal(crypto.decrypt('person', 'name_enc', left.id, left.nameEnc), '')
    t.equal(crypto.decrypt('person', 'cert_no_enc', left.id, left.certNoEnc), '')
  }
)

t.test('an imported account is activated; a disabled one is told after the face check and not before', async (t) => {
  const kora = await startKora(t)
  const { db, crypto } = kora.inside.services
  const lamu = {
    name: '拉姆',
    cert_no: '542221198412308068',
    phone: '15700157000',
    year: '2019',
    month: '8',
    day: '15',
    term: '20',
    years: '1',
    ethnic_group: ''
  }
  const imported = await asAgent(kora, lamu, office, people.zhaxi)
  t.equal((await rowOf(imported)).personId, (await kora.sandbox.account('weijihuo')).person_id)
  t.equal(await scan(imported, 'weijihuo'), 'confirmed')
  await fill(imported, given)
  t.equal(step(imported.page), 'done', words(imported.page.text))
  t.match(await personByCertNo(db, crypto, { certType: 'resident_id', certNo: lamu.cert_no }), { status: 'active' })

  const nima = {
    name: '尼玛次仁',
    cert_no: '542121197304307033',
    phone: '15300153000',
    year: '2020',
    month: '7',
    day: '7',
    term: 'long',
    years: '1',
    ethnic_group: ''
  }
  const disabled = await asAgent(kora, nima, school, people.laoren)
  t.not((await rowOf(disabled)).personId, (await kora.sandbox.account('tingyong')).person_id)
  t.equal(
    await scan(disabled, (await rowOf(disabled)).personId ?? '', {
      identity: { fields: { valid_from: '2020-07-07', term: 'long' } }
    }),
    'confirmed'
  )
  await fill(disabled, given)
  t.equal(disabled.page.status, 403)
  t.match(words(disabled.page.text), said('registration.stop.blocked.title'))
  t.equal(await organization(kora, school.uscc), undefined)
})

t.test('an organization that the register does not know goes to staff: nothing is registered', async (t) => {
  const kora = await startKora(t)
  const unknown = '91330100799655058B'
  const applying = await start(kora, 'legal_representative')
  t.notMatch(applying.page.text, /name="org_name"/, 'the name is not asked ahead')
  await fill(applying, { uscc: unknown, decision: 'next' })
  t.match(faults(applying.page).join(), said('fault.org_name.not_found'))
  await fill(applying, { org_name: '<script>', decision: 'next' })
  t.match(faults(applying.page).join(), /不会出现的字符/)
  await fill(applying, { org_name: '某某（拉萨）有限公司', decision: 'next' })
  t.equal(step(applying.page), 'legal', faults(applying.page).join())
  await fill(applying, people.zhaxi)
  await verifyPhone(applying, people.zhaxi.phone)
  t.match(words(applying.page.text), said('registration.check.review'))
  await fill(applying, agree)
  await scan(applying, 'zhaxi')
  await fill(applying, given)
  t.match(
    words(applying.page.text),
    saidInOrder('registration.done.review', /某某（拉萨）有限公司/, /申请编号 \d{14}/)
  )
  t.equal(await organization(kora, unknown), undefined)
  t.match(await rowOf(applying), { state: 'completed', organizationId: null })
  t.notMatch((await rowOf(applying)).dataEnc ?? '', /扎西/)
})

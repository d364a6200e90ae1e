import t from 'tap'
import { startKora, words } from '../../support/driver/index.ts'
import {
  agree,
  faults,
  fill,
  organization,
  password,
  people,
  registerByAgent,
  scan,
  school,
  start,
  step,
  submitted,
  verifyPhone
} from './support.ts'
import { said } from '../../support/texts.ts'

t.test('J6: an agent registers an organization; it waits for its legal representative', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const applying = await start(kora, 'agent')
  await fill(applying, { uscc: school.uscc, decision: 'next' })
  t.equal(step(applying.page), 'agent')
  t.notMatch(applying.page.text, /<option[^>]*selected[^>]*>[^<]*族/, 'no ethnic group is chosen beforehand')
  t.match(
    applying.page.text,
    /<select id="ethnic_group"[^>]*><option value="">[^<]*<\/option><option value="04">藏族<\/option><option value="01">汉族/,
    'in the order of a form in Tibet'
  )
  t.notMatch(words(applying.page.text), '性别', 'gender is not asked')

  await fill(applying, { ...people.yangjin, ethnic_group: '04', years: '2' })
  t.equal(step(applying.page), 'phone', faults(applying.page).join())
  await verifyPhone(applying, people.yangjin.phone)
  t.equal(step(applying.page), 'legal')
  t.match(words(applying.page.text), said('registration.f.phone.notice'))
  await fill(applying, people.laoren)
  t.equal(step(applying.page), 'check', faults(applying.page).join())
  const text = words(applying.page.text)
  for (const part of [
    '白玛央金',
    '洛桑',
    '性别 女',
    '藏族',
    '2023年9月1日 – 长期',
    '137 0013 7000',
    '136 0013 6000'
  ]) {
    t.match(text, part)
  }

  await fill(applying, agree)
  t.equal(step(applying.page), 'qr', words(applying.page.text))
  t.equal(await scan(applying, 'yangjin'), 'confirmed')
  t.equal(step(applying.page), 'password')
  await fill(applying, { new_password: password, again: password })
  t.equal(step(applying.page), 'done', words(applying.page.text))
  t.match(words(applying.page.text), said('registration.done.waiting.lead'))

  const stored = await organization(kora, school.uscc)
  const [agent, legal] = [await kora.sandbox.account('yangjin'), await kora.sandbox.account('laoren')]
  t.match(stored, { status: 'pending', legalRepresentativeId: legal.person_id })
  const delegation = await submitted(kora)
  t.match(delegation, { agentId: agent.person_id, state: 'submitted', version: 1, functions: null, clientIds: null })
  t.equal(
    (Date.parse(delegation?.validTo ?? '') - Date.parse(delegation?.validFrom ?? '')) / 86_400_000 + 1 >= 730,
    true,
    'two years'
  )
  const message = await db.selectFrom('message').select('kind').where('personId', '=', legal.person_id).execute()
  t.same(message, [{ kind: 'delegation-submitted' }], 'the legal representative is told')
  const ethnic = await db
    .selectFrom('person')
    .select('ethnicGroupEnc')
    .where('id', '=', agent.person_id)
    .executeTakeFirstOrThrow()
  t.equal(
    kora.inside.services.crypto.decrypt('person', 'ethnic_group_enc', agent.person_id, ethnic.ethnicGroupEnc ?? ''),
    '04'
  )
})

t.test('agent and legal representative are two people with two phones', async (t) => {
  const kora = await startKora(t)
  const applying = await start(kora, 'agent')
  await fill(applying, { uscc: school.uscc, decision: 'next' })
  await fill(applying, people.yangjin)
  await verifyPhone(applying, people.yangjin.phone)
  await fill(applying, { ...people.laoren, cert_no: people.yangjin.cert_no })
  t.match(faults(applying.page).join(), said('fault.cert_no.same_person'))
  await fill(applying, { ...people.laoren, phone: people.yangjin.phone })
  t.match(faults(applying.page).join(), said('fault.phone.same_phone'))
  t.match(applying.page.text, `value="${people.laoren.name}"`, 'what was typed is kept')
})

t.test('the legal representative takes over what somebody else registered and she never confirmed', async (t) => {
  const kora = await startKora(t)
  await registerByAgent(kora)
  t.match(await organization(kora, school.uscc), { status: 'pending' })

  const second = await start(kora, 'agent')
  await fill(second, { uscc: school.uscc, decision: 'next' })
  await fill(second, { ...people.zhaxi, year: '2018', month: '6', day: '1', term: '20' })
  t.equal(step(second.page), 'phone', 'nothing is said before the phone is proved')
  await verifyPhone(second, people.zhaxi.phone)
  await fill(second, people.laoren)
  await fill(second, agree)
  t.equal(second.page.status, 409)
  t.match(words(second.page.text), said('registration.stop.duplicate.title'), 'another agent comes too late')

  const own = await start(kora, 'legal_representative')
  await fill(own, { uscc: school.uscc, decision: 'next' })
  await fill(own, people.laoren)
  await verifyPhone(own, people.laoren.phone)
  await fill(own, agree)
  t.equal(step(own.page), 'qr', words(own.page.text))
  t.equal(await scan(own, 'laoren'), 'confirmed')
  await fill(own, { new_password: 'Butter-lamp-88', again: 'Butter-lamp-88' })
  t.equal(step(own.page), 'done', words(own.page.text))
  const stored = await organization(kora, school.uscc)
  t.match(stored, { status: 'active', legalRepresentativeId: (await kora.sandbox.account('laoren')).person_id })
  t.notOk(
    await kora.inside.services.hasher.verify(stored?.passwordHash ?? null, password),
    "the stranger's password is worth nothing"
  )
  t.ok(await kora.inside.services.hasher.verify(stored?.passwordHash ?? null, 'Butter-lamp-88'))
})

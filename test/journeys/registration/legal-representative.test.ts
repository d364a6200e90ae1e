import t from 'tap'
import { startKora, words } from '../../support/driver/index.ts'
import {
  agree,
  fill,
  office,
  organization,
  password,
  people,
  registrationId,
  scan,
  start,
  step,
  verifyPhone
} from './support.ts'

t.test('J6: the legal representative registers an organization, without script', async (t) => {
  const kora = await startKora(t)
  const applying = await start(kora, 'legal_representative')
  t.equal(step(applying.page), 'unit')
  t.match(applying.page.text, /<li aria-current="step"><span>1<\/span> 注册信息/)

  await fill(applying, { uscc: office.uscc.toLowerCase(), prefecture: '540100', decision: 'prefecture' })
  t.match(applying.page.text, /value="540102"[^>]*>城关区/, 'the counties of the prefecture chosen')
  await fill(applying, { county: '540102', decision: 'next' })
  t.equal(step(applying.page), 'legal')
  t.match(words(applying.page.text), office.name, 'the name comes from the register')

  await fill(applying, { ...people.zhaxi, phone: '+86 138 0013 8000' })
  t.equal(step(applying.page), 'phone')
  t.match(words(applying.page.text), /13\*+00/)
  t.notMatch(applying.page.text, '13800138000', 'masked')
  await verifyPhone(applying, people.zhaxi.phone)
  t.equal(step(applying.page), 'check')
  const text = words(applying.page.text)
  for (const part of [
    office.uscc,
    office.name,
    '西藏自治区拉萨市城关区',
    people.zhaxi.name,
    people.zhaxi.cert_no,
    '138 0013 8000'
  ]) {
    t.match(text, part)
  }
  t.notMatch(applying.page.text, / checked/, 'nothing is ticked beforehand')

  await fill(applying, agree)
  t.equal(step(applying.page), 'qr', words(applying.page.text))
  t.equal(await organization(kora, office.uscc), undefined, 'nothing is reserved')
  t.equal(await scan(applying, 'zhaxi'), 'confirmed')
  t.equal(step(applying.page), 'password', words(applying.page.text))
  await fill(applying, { new_password: password, again: password })
  t.equal(step(applying.page), 'done', words(applying.page.text))
  t.match(words(applying.page.text), /注册完成.*申请编号 \d{14}/)

  const stored = await organization(kora, office.uscc)
  t.match(stored, { status: 'active', name: office.name, registeredRegion: '540102' })
  const zhaxi = await kora.sandbox.account('zhaxi')
  t.equal(stored?.legalRepresentativeId, zhaxi.person_id)
  t.ok(await kora.inside.services.hasher.verify(stored?.passwordHash ?? null, password))
  const events = await kora.inside.services.db
    .selectFrom('auditEvent')
    .select(['type', 'personId', 'role'])
    .where('type', '=', 'organization.registered')
    .orderBy('id')
    .execute()
  t.same(events, [{ type: 'organization.registered', personId: zhaxi.person_id, role: 'legal_representative' }])
  const consents = await kora.inside.services.db
    .selectFrom('consent')
    .select('kind')
    .where('source', '=', `registration:${registrationId(applying)}`)
    .execute()
  t.same(consents.map(({ kind }) => kind).sort(), ['identity-verification', 'organization-registration'])
  const row = await kora.inside.services.db
    .selectFrom('registration')
    .selectAll()
    .where('id', '=', registrationId(applying))
    .executeTakeFirstOrThrow()
  t.match(row, { state: 'completed', dataEnc: null }, 'what was typed is not kept')
  t.notMatch(kora.logs().join(''), /540102199003072515|13800138000|扎西/, 'no personal data in the log')
})

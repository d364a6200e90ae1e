import t from 'tap'
import { sql } from 'kysely'
import {
  acceptApplication,
  applicationDetail,
  listApplications,
  refuseApplication,
  returnApplication
} from '../../../src/journeys/registration/index.ts'
import { createMessages } from '../../../src/records/messages/index.ts'
import { setUnmaskingNeedsApproval } from '../../../src/records/settings/unmask.ts'
import { startKora, words, type Answer, type Kora } from '../../support/driver/index.ts'
import { until } from '../../support/until.ts'
import { signInAs } from '../console/support.ts'
import { act, counted } from '../support/support.ts'
import {
  agree,
  fill,
  later,
  onEachDatabase,
  organization,
  password,
  people,
  registrationId,
  scan,
  start,
  step,
  verifyPhone,
  type Applying
} from './support.ts'
import { screen } from '../../support/driver/screen.ts'
import { said } from '../../support/texts.ts'

const unknown = '91330100799655058B'
const name = '某某（拉萨）有限公司'
const given = { new_password: password, again: password }
const times = async <T>(n: number, work: (n: number) => Promise<T>): Promise<T[]> =>
  await Promise.all(Array.from({ length: n }, async (_, at) => await work(at)))

/** The address of an act on the page of an application. */
const hrefOf = (text: string, act: string): string =>
  new RegExp(`href="(/admin/registrations/[^"]+/${act}[^"]*)"`).exec(text)?.[1]?.replaceAll('&amp;', '&') ?? ''

/** Sent, and waiting for staff. */
async function waiting (
  kora: Kora,
  applicant: 'legal_representative' | 'agent' = 'legal_representative'
): Promise<Applying> {
  const applying = await start(kora, applicant)
  await fill(applying, { uscc: unknown, decision: 'next' })
  await fill(applying, { org_name: name, decision: 'next' })
  if (applicant === 'agent') await fill(applying, { ...people.yangjin, years: '1', ethnic_group: '' })
  else await fill(applying, people.zhaxi)
  await verifyPhone(applying, applicant === 'agent' ? people.yangjin.phone : people.zhaxi.phone)
  if (applicant === 'agent') await fill(applying, people.zhaxi)
  await fill(applying, agree)
  await scan(
    applying,
    applicant === 'agent' ? 'yangjin' : 'zhaxi',
    applicant === 'agent' ? { identity: { fields: { valid_from: '2023-09-01', term: 'long' } } } : {}
  )
  await fill(applying, given)
  if (!words(applying.page.text).includes('等待人工审核')) throw new Error(words(applying.page.text))
  return applying
}

const texts = async (kora: Kora, phone: string): Promise<Array<Record<string, string>>> => {
  await until(
    async () =>
      (await kora.inside.services.db
        .selectFrom('outbox')
        .select('id')
        .where('topic', '=', 'sms')
        .where('doneAt', 'is', null)
        .executeTakeFirst()) === undefined
  )
  return (kora.inside.services.sandbox?.sms.messages(`+86${phone}`) ?? []).map(({ parameters }) => parameters)
}

const eventsOf = async (kora: Kora, type: string) =>
  await kora.inside.services.db.selectFrom('auditEvent').selectAll().where('type', '=', type).orderBy('id').execute()

onEachDatabase(
  t,
  'listed and shown masked, with what the register says; accepted once, and the representative logs in',
  async (t, kora) => {
    const { services } = kora.inside
    const applying = await waiting(kora)
    const id = registrationId(applying)
    const [line, ...more] = await listApplications(services, { review: 'waiting' })
    t.match(line, { id, organization: name, uscc: unknown, applicantName: '***珠', applicant: 'legal_representative' })
    t.same(more, [])
    const detail = await applicationDetail({ deps: services, act: act(), id })
    t.match(detail, {
      unit: { named: 'typed' },
      legal: { name: '***珠', certNo: '5****************5' },
      agent: null,
      register: { answer: 'not_found' }
    })
    t.notMatch(JSON.stringify(detail), people.zhaxi.cert_no)
    t.match(await applicationDetail({ deps: services, act: act('核对材料'), id, options: { unmask: true } }), {
      legal: { certNo: people.zhaxi.cert_no }
    })
    await t.rejects(
      applicationDetail({ deps: services, act: { ...act(), reason: ' ' }, id, options: { unmask: true } }),
      {
        code: 'reason_required'
      }
    )
    t.match(
      (await eventsOf(kora, 'registration.viewed')).map(({ details, reason }) => [details['revealed'], reason]),
      [
        [false, null],
        [true, '核对材料']
      ]
    )
    t.equal(await applicationDetail({ deps: services, act: act(), id: 'reg_AAAAAAAAAAAAAAAAAAAAAA' }), null)

    t.same(counted(await times(20, async () => await acceptApplication(services, act('材料齐全'), id))), {
      done: 1,
      unchanged: 19
    })
    t.match(await organization(kora, unknown), { status: 'active', name })
    t.equal((await eventsOf(kora, 'registration.accepted')).length, 1)
    t.match((await eventsOf(kora, 'registration.accepted'))[0], { actor: 'admin:adm_1', reason: '材料齐全' })
    const row = await services.db.selectFrom('registration').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    t.match(row, { review: 'accepted', reviewedBy: 'admin:adm_1', dataEnc: null })
    t.ok(
      (await texts(kora, people.zhaxi.phone)).some(
        ({ kind, organization }) => kind === 'registration-accepted' && organization === name
      )
    )
    t.match(await createMessages(services).list(row.personId ?? ''), [
      { kind: 'registration-accepted', data: { organization: name, number: row.number } }
    ])
    t.match(words((await applying.browser.go(`${kora.issuer}/register/${id}`)).text), said('registration.done.active'))
    t.equal(await refuseApplication({ deps: services, act: act(), id, code: 'other' }), 'unchanged')
    t.equal(await returnApplication(services, act(), id), 'unchanged')
  }
)

onEachDatabase(t, "an agent's application: accepted, it still waits for the legal representative", async (t, kora) => {
  const { services } = kora.inside
  const applying = await waiting(kora, 'agent')
  t.equal(await acceptApplication(services, act(), registrationId(applying)), 'done')
  t.match(await organization(kora, unknown), { status: 'pending' })
  const state = async (): Promise<string | undefined> =>
    (
      await services.db
        .selectFrom('delegation as d')
        .innerJoin('organization as o', 'o.id', 'd.organizationId')
        .select('d.state')
        .where('o.uscc', '=', unknown)
        .executeTakeFirst()
    )?.state
  await until(async () => (await state()) === 'submitted')
  t.equal(await state(), 'submitted', 'nobody of staff approves it')
})

t.test(
  'the register is asked once more: what it says for certain is not overruled; not answering is not a yes',
  async (t) => {
    const kora = await startKora(t)
    const { services } = kora.inside
    const id = registrationId(await waiting(kora))
    const companies = services.sandbox?.companyService
    if (companies === undefined) throw new Error('no sandbox')
    companies.add({
      uscc: unknown,
      name: '另一个名字',
      status: 'active',
      legalRepresentative: { certType: 'resident_id', certNo: people.laoren.cert_no, name: people.laoren.name }
    })
    t.match(await applicationDetail({ deps: services, act: act(), id }), {
      register: { answer: 'found', name: '另一个名字', nameDiffers: true, status: 'active' }
    })
    t.equal(await acceptApplication(services, act(), id), 'mismatch')
    companies.edit(unknown, {
      name,
      status: 'dissolved',
      legalRepresentative: { certType: 'resident_id', certNo: people.zhaxi.cert_no, name: people.zhaxi.name }
    })
    t.equal(await acceptApplication(services, act(), id), 'not_active')
    companies.edit(unknown, { available: false })
    t.match(await applicationDetail({ deps: services, act: act(), id }), { register: { answer: 'unavailable' } })
    t.equal(await acceptApplication(services, act(), id), 'unavailable')
    t.equal(await organization(kora, unknown), undefined)
    companies.edit(unknown, { available: true, status: 'active' })
    t.equal(await acceptApplication(services, act(), id), 'done')
    t.ok(((await organization(kora, unknown))?.registerVersion ?? 0) > 0)
  }
)

onEachDatabase(
  t,
  'refused: the reason is told, nothing is registered, nothing is kept of the people',
  async (t, kora) => {
    const { services } = kora.inside
    const applying = await waiting(kora)
    const id = registrationId(applying)
    await t.rejects(refuseApplication({ deps: services, act: act(' '), id, code: 'not_proved' }), {
      code: 'reason_required'
    })
    const answers = await times(20, async (n) =>
      n % 2 === 0
        ? await refuseApplication({ deps: services, act: act('请补营业执照'), id, code: 'not_proved' })
        : await acceptApplication(services, act(), id)
    )
    t.equal(answers.filter((one) => one === 'done').length, 1)
    const row = await services.db.selectFrom('registration').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    if (row.review === 'accepted') {
      t.ok(await organization(kora, unknown))
      return
    }
    t.equal(await organization(kora, unknown), undefined)
    t.match(await createMessages(services).list(row.personId ?? ''), [
      { kind: 'registration-refused', data: { reason: 'not_proved: 请补营业执照' } }
    ])
    t.ok((await texts(kora, people.zhaxi.phone)).some(({ kind }) => kind === 'registration-refused'))
    t.match(
      words((await applying.browser.go(`${kora.issuer}/register/${id}`)).text),
      said('registration.done.refused')
    )
    t.match(await applicationDetail({ deps: services, act: act(), id }), {
      review: 'refused',
      reviewReason: '请补营业执照',
      legal: null,
      agent: null,
      organization: name
    })
  }
)

onEachDatabase(
  t,
  'returned: a draft again, by the link in the short message in any browser, once; sent again, it waits again',
  async (t, kora) => {
    const { services } = kora.inside
    const applying = await waiting(kora)
    const id = registrationId(applying)
    // a member of staff looks at it, and at the page that asks whether to accept it, while another one returns it
    const { browser: desk } = await signInAs(kora, 'security')
    const looked = await desk.go(`${kora.issuer}/admin/registrations/${id}`)
    const first = (await listApplications(services, { review: 'waiting' }))[0]?.number
    const asked = await desk.go(kora.issuer + hrefOf(looked.text, 'accept'))
    t.equal(await returnApplication(services, act('单位名称与证书不一致'), id), 'done')
    const [message] = await texts(kora, people.zhaxi.phone)
    t.match(message, { kind: 'registration-returned' })
    const link = message?.['link'] ?? ''
    t.match(link, /^http:\/\/[^/]+\/register\/resume\/[\w-]{43}$/)
    t.notMatch(
      JSON.stringify(await services.db.selectFrom('registrationResume').selectAll().execute()),
      link.slice(-43)
    )
    t.notMatch(kora.logs().join(''), link.slice(-43))

    const elsewhere = kora.newBrowser()
    t.equal((await elsewhere.request(`${kora.issuer}/register/${id}`)).status, 404)
    const open = await elsewhere.go(link)
    t.equal(
      (await services.db.selectFrom('registrationResume').select('usedAt').executeTakeFirstOrThrow()).usedAt,
      null,
      'looking uses nothing'
    )
    await later(kora)
    const on: Applying = { kora, browser: elsewhere, page: await elsewhere.submit(open, {}) }
    t.equal(step(on.page), 'phone', words(on.page.text))
    t.equal(
      (await applying.browser.request(`${kora.issuer}/register/${id}`)).status,
      404,
      'the former browser has lost it'
    )
    const again = await kora
      .newBrowser()
      .go(link)
      .then(async (page) => page)
    t.match(words(again.text), said('registration.resumed'))
    const third = kora.newBrowser()
    t.match(words((await third.submit(await third.go(link), {})).text), said('registration.resumed.gone'))
    await verifyPhone(on, people.zhaxi.phone)
    t.equal(step(on.page), 'check', words(on.page.text))
    await fill(on, agree)
    await scan(on, 'zhaxi')
    await fill(on, given)
    t.match(words(on.page.text), said('registration.done.review'))
    t.match(await listApplications(services, { review: 'waiting' }), [{ id }])
    // what waits now is another application than the one that was looked at
    t.equal(await acceptApplication(services, act(), id, first), 'unchanged')
    t.equal(await refuseApplication({ deps: services, act: act(), id, code: 'other', seen: first }), 'unchanged')
    t.equal(await returnApplication(services, act(), id, first), 'unchanged')
    const late = async (page: Answer, fields: Record<string, string> = {}): Promise<Answer> =>
      await desk.submit(
        page,
        { reason: '材料齐全', ...fields },
        { form: ({ action }) => /\/(accept|refuse|return)$/.test(action) }
      )
    for (const page of [
      asked,
      await desk.go(kora.issuer + hrefOf(looked.text, 'accept')),
      await desk.go(kora.issuer + hrefOf(looked.text, 'return'))
    ]) {
      t.match(screen((await late(page)).text).errors, ['fault.review_unchanged'])
    }
    t.match(
      words((await late(await desk.go(kora.issuer + hrefOf(looked.text, 'refuse')), { code: 'other' })).text),
      said('fault.review_unchanged')
    )
    const now = await desk.go(`${kora.issuer}/admin/registrations/${id}`)
    t.match((await late(await desk.go(kora.issuer + hrefOf(now.text, 'accept')))).url, /done=regs_accept/)
    t.match(await organization(kora, unknown), { status: 'active', name })
  }
)

onEachDatabase(
  t,
  'an unfinished application: the applicant asks for the link; the phone is proved already, the face is not; only ' +
    'the last link, in time, once',
  async (t, kora) => {
    const { services } = kora.inside
    const applying = await start(kora, 'legal_representative')
    await fill(applying, { uscc: unknown, decision: 'next' })
    await fill(applying, { org_name: name, decision: 'next' })
    const id = registrationId(applying)
    const laterAddress = `${kora.issuer}/register/${id}/later`
    t.match((await applying.browser.go(laterAddress)).url, /\/legal$/, 'no phone yet, no link')
    await fill(applying, people.zhaxi)
    await verifyPhone(applying, people.zhaxi.phone)
    await fill(applying, agree)
    await scan(applying, 'zhaxi')
    t.equal(step(applying.page), 'password')
    const page = await applying.browser.go(laterAddress)
    t.match(words(page.text), /13\*+00/)
    for (let n = 0; n < 3; n++) {
      t.match(
        words((await applying.browser.submit(await applying.browser.go(laterAddress), {})).text),
        said('registration.later.sent')
      )
    }
    const tooMany = await applying.browser.submit(await applying.browser.go(laterAddress), {})
    t.equal(tooMany.status, 429)
    const links = (await texts(kora, people.zhaxi.phone)).flatMap(({ link }) => link ?? [])
    t.equal(new Set(links).size, 3)
    const open = await services.db
      .selectFrom('registrationResume')
      .select('tokenHash')
      .where('expiresAt', '>', sql<Date>`now()`)
      .execute()
    t.equal(open.length, 1)
    const browsers = Array.from({ length: 3 }, () => kora.newBrowser())
    const answers = []
    for (const [n, browser] of browsers.entries()) {
      answers.push(await browser.submit(await browser.go(links[n] ?? ''), {}))
    }
    const [won, ...none] = answers.filter((answer) => answer.status === 200)
    t.same(none, [])
    t.equal(step(won ?? answers[0]!), 'qr', 'the phone came along; who is here now has to show the own face')
    const row = await services.db
      .selectFrom('registration')
      .select('state')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    t.equal(row.state, 'verifying')
    const on: Applying = { kora, browser: browsers[answers.indexOf(won!)]!, page: won! }
    await scan(on, 'zhaxi')
    await fill(on, given)
    t.match(words(on.page.text), said('registration.done.review'))
    t.equal((await eventsOf(kora, 'registration.resumed')).length, 1)
  }
)

onEachDatabase(
  t,
  'in full as at the desk: a second administrator lets it be seen, once, as it was sent; without the setting a ' +
    'reason is enough',
  async (t, kora) => {
    const { services } = kora.inside
    const applying = await waiting(kora)
    const id = registrationId(applying)
    const [one, second] = [await signInAs(kora, 'security'), await signInAs(kora, 'security')]
    const address = `${kora.issuer}/admin/registrations/${id}`
    const toReveal = ({ action }: { action: string }): boolean => action.endsWith('/reveal')
    const full = (answer: Answer): boolean => answer.text.includes(people.zhaxi.cert_no)
    const viewed = async () =>
      (await eventsOf(kora, 'registration.viewed')).filter(({ details }) => details['revealed'] === true)
    const ask = async (): Promise<Answer> =>
      await one.browser.submit(await one.browser.go(address), { reason: '核对材料' }, { form: toReveal })
    const approve = async (asked: Answer): Promise<Answer> =>
      await second.browser.submit(
        await second.browser.go(asked.url),
        { reason: '同意' },
        { form: ({ action }) => action.endsWith('/approve') }
      )

    const asked = await ask()
    t.match(new URL(asked.url).pathname, /^\/admin\/approvals\/chg_/)
    t.notOk(full(asked))
    t.same(await viewed(), [])
    t.notOk(full(await approve(asked)), 'who lets it be does not see it')
    t.notMatch((await second.browser.go(address)).text, 'name="grant"')

    const granted = await one.browser.go(address)
    t.notOk(full(granted))
    const shown = await one.browser.submit(granted, {}, { form: toReveal })
    t.ok(full(shown), words(shown.text))
    t.match(await viewed(), [{ actor: `admin:${one.id}`, reason: 'granted', details: { granted: /^rev_/ } }])
    const again = await one.browser.submit(granted, {}, { form: toReveal })
    t.equal(again.status, 422)
    t.notOk(full(again))

    // returned and sent again, it is another application
    await approve(await ask())
    const open = await one.browser.go(address)
    await services.db.updateTable('registration').set({ number: '20260101000001' }).where('id', '=', id).execute()
    t.notOk(full(await one.browser.submit(open, {}, { form: toReveal })))

    await services.db
      .transaction()
      .execute(async (trx) => await setUnmaskingNeedsApproval(trx, services, { needed: false, act: act('人手不足') }))
    t.ok(full(await ask()))
    t.match((await viewed()).at(-1), { reason: '核对材料' })
  }
)

import t from 'tap'
import { inTransaction, write } from '../../../src/database/transaction.ts'
import { issueCounterCode } from '../../../src/records/counter-codes/index.ts'
import { loginTicket, sandboxOf, zhaxi } from '../../records/scan-tickets/support.ts'
import { Browser, capture, enter, here, pathOf, start, ticket, typed } from './support.ts'
import { said, text } from '../../support/texts.ts'

t.test("the phone's own browser, without script", async (t) => {
  const sandbox = await sandboxOf(t)

  await t.test(
    'first login: landing, who asks, identity, end date, face, result; the browser is linked',
    async (t) => {
      const { world, base } = await here(t, sandbox)
      const { ticket: made, created, row } = await ticket(world)
      const browser = new Browser(base)
      const landing = await browser.open(pathOf(created.payloadUrl))
      t.match(
        landing,
        { status: 200, title: text('phone-pages.landing.title'), html: said('phone-pages.landing.here') }
      )
      t.equal((await row()).state, 'waiting', 'reading changes nothing')
      const confirm = await browser.press(landing)
      t.match(confirm, { status: 200, title: /^西藏税务\s*请求登录/, html: /tax\.example/ })
      for (const shown of ['局域网', 'Windows · Chrome', created.checkNumber, '****西', '不是我，拒绝']) {
        t.ok(confirm.html.includes(shown), shown)
      }
      t.equal((await row()).state, 'scanned')
      const scanCookie = browser.cookie(/^kora_scan_/)
      t.equal(scanCookie?.name, `kora_scan_${created.ticketId}`)
      t.match(scanCookie, { path: '/v', attributes: /Max-Age=900;.*HttpOnly; SameSite=Lax/ })
      t.notMatch(`${browser.cookie(/browser/)?.path}`, '/v')

      const identity = await browser.press(confirm, { decision: 'accept' })
      t.match(
        identity,
        { status: 200, title: text('phone-pages.identity.title'), html: said('step.of', { at: 1, of: 2 }) }
      )
      const check = await browser.press(identity, typed)
      t.match(
        check,
        { status: 200, title: text('phone-pages.identity.check'), html: said('format.date', { y: 2038, m: 5, d: 1 }) }
      )
      t.match(
        await browser.press(check, { decision: 'edit' }),
        { title: text('phone-pages.identity.title'), html: /value="540102199003072515"/ },
        'back to correct it, nothing lost'
      )
      const face = await browser.press(check, { decision: 'submit' })
      t.match(face, { status: 200, title: text('phone-pages.face.title'), html: said('step.of', { at: 2, of: 2 }) })
      t.match(face.html, said('phone-pages.face.bind'), 'said before it happens')
      t.match(await browser.press(face, { decision: 'start' }), { status: 422, errors: ['fault.consent.required'] })
      const away = await browser.press(face, start)
      t.match(away, { status: 303 })
      t.ok(away.location.startsWith(sandbox.url))
      const result = await capture(browser, away, 'pass')
      t.match(
        result,
        {
          status: 200,
          title: text('phone-pages.result.ok.title'),
          path: `/v/${created.ticketId}/result`,
          html: said('phone-pages.result.ok.body')
        }
      )
      t.notMatch(result.html, /\/i\//, 'another browser asked: no way into its login')

      t.match(await row(), { state: 'confirmed', proof: 'face', personId: world.personId })
      t.match(browser.cookie(/device/), {
        name: 'kora_device',
        path: '/',
        attributes: /Max-Age=2592000.*HttpOnly; SameSite=Lax/
      })
      const given = await inTransaction(world.services.db, async (trx) =>
        await world.tickets.consume(trx, created.ticketId, {
          browserHash: made.browserHash,
          loginAttemptUid: made.loginAttemptUid ?? '',
          purpose: 'login'
        }))
      t.match(given, {
        personId: world.personId,
        proofs: [{ kind: 'scan', deviceKey: false }, { kind: 'identity' }, { kind: 'face' }]
      })
      for (const path of ['', '/confirm', '/identity', '/face', '/face/return', '/counter', '/result']) {
        t.match(
          await browser.open(`/v/${created.ticketId}${path}`),
          { status: 200, title: text('phone-pages.result.ok.title') },
          `back to ${path}`
        )
      }

      await t.test('and scans without a password next time, with a face check', async (t) => {
        const { expectedPersonId, ...login } = loginTicket(world, { requires: [] })
        t.ok(expectedPersonId)
        const next = await world.tickets.create(login)
        const page = await enter(browser, next)
        t.match(page, { status: 200, title: said('phone-pages.confirm.login') })
        const face = await browser.press(page, { decision: 'accept' })
        t.match(face, { title: text('phone-pages.face.title'), html: said('step.of', { at: 1, of: 1 }) })
        t.match(
          await capture(browser, await browser.press(face, start), 'pass'),
          { title: text('phone-pages.result.ok.title') }
        )
        t.match(await new Browser(base).open(pathOf(next.payloadUrl)), { status: 200 })
        const stranger = new Browser(base)
        const another = await world.tickets.create({ ...login, browserHash: 'another' })
        t.match(
          await enter(stranger, another),
          { status: 403, title: text('phone-pages.refused.device_not_bound.title') }
        )
      })
    }
  )

  await t.test('a preview, a prefetch and a HEAD take nothing', async (t) => {
    const { world, base } = await here(t, sandbox)
    const { created, row } = await ticket(world)
    const bot = new Browser(base)
    for (const headers of [
      { 'user-agent': 'facebookexternalhit/1.1' },
      { 'sec-purpose': 'prefetch' },
      { 'user-agent': 'MicroMessenger/8.0' }
    ]) {
      t.match(await bot.send(pathOf(created.payloadUrl), undefined, headers), { status: 200 })
    }
    t.match(
      await bot.open(`${pathOf(created.payloadUrl)}/scan`),
      { status: 200, title: text('phone-pages.landing.title') }
    )
    t.equal((await fetch(base + pathOf(created.payloadUrl), { method: 'HEAD' })).status, 200)
    t.equal((await row()).state, 'waiting')
    t.match(
      await bot.send(`${pathOf(created.payloadUrl)}/scan`, { csrf: 'x' }),
      { status: 403 },
      "a post needs the page's own token"
    )
    t.match(await new Browser(base).send(`${pathOf(created.payloadUrl)}/scan`, {}), { status: 400 }, 'and a cookie')
    const page = await bot.open(pathOf(created.payloadUrl))
    const { action, fields } = bot.formOf(page)
    t.match(await bot.send(action, fields, { origin: 'https://evil.example' }), { status: 403 })
    t.match(await bot.send(action, fields, { 'sec-fetch-site': 'cross-site' }), { status: 403 })
    t.equal((await row()).state, 'waiting')
    t.match(await bot.press(page), { status: 200, title: said('phone-pages.confirm.login') })
  })

  await t.test('the number is typed where the other browser is new', async (t) => {
    const { world, base } = await here(t, sandbox)
    const { created, row } = await ticket(world, { numberEntry: true, requires: ['face'] })
    // no minute, day or year of the page is like it
    created.checkNumber = '97'
    await world.services.db
      .updateTable('scanTicket')
      .set({ checkNumber: '97' })
      .where('id', '=', created.ticketId)
      .execute()
    const browser = new Browser(base)
    const page = await enter(browser, created)
    t.notMatch(page.html, /\b97\b(?![\w-]*")/, 'not shown')
    t.match(await browser.press(page, { decision: 'accept' }), { status: 422, errors: ['fault.check_number.required'] })
    t.equal((await row()).numberTries, 0, 'nothing typed is nothing guessed')
    t.match(
      await browser.press(page, { check_number: created.checkNumber }),
      { status: 200, title: said('phone-pages.confirm.login') },
      'neither yes nor no'
    )
    const wrong = created.checkNumber === '10' ? '11' : '10'
    t.match(await browser.press(page, { decision: 'accept', check_number: wrong }), {
      status: 422,
      errors: ['fault.check_number.mismatch']
    })
    const wide = [...created.checkNumber].map((digit) => String.fromCodePoint(0xff10 + Number(digit))).join(' ')
    t.match(
      await browser.press(page, { decision: 'accept', check_number: wide }),
      { status: 200, title: text('phone-pages.face.title') },
      'full-width digits are digits'
    )

    const second = await ticket(world, { numberEntry: true })
    const other = new Browser(base)
    const again = await enter(other, second.created)
    const no = second.created.checkNumber === '10' ? '11' : '10'
    for (let n = 0; n < 2; n++) {
      t.equal((await other.press(again, { decision: 'accept', check_number: no })).status, 422)
    }
    t.match(
      await other.press(again, { decision: 'accept', check_number: no }),
      { status: 403, title: text('phone-pages.refused.number_exhausted.title') }
    )
    t.match(
      await other.open(`/v/${second.created.ticketId}`),
      { status: 403, title: text('phone-pages.refused.number_exhausted.title') }
    )
  })

  await t.test('declining is possible at every step', async (t) => {
    const { world, base } = await here(t, sandbox)
    const browser = new Browser(base)
    const first = await ticket(world)
    t.match(await browser.press(await enter(browser, first.created), { decision: 'reject' }), {
      status: 200,
      title: text('phone-pages.result.declined.title')
    })
    t.match(await first.row(), { state: 'rejected', failure: 'declined' })
    t.match(
      await browser.open(`/v/${first.created.ticketId}/confirm`),
      { title: text('phone-pages.result.declined.title') },
      'back button'
    )

    const second = await ticket(world)
    const identity = await browser.press(await enter(browser, second.created), { decision: 'accept' })
    t.match(
      await browser.press(identity, { decision: 'decline' }),
      { status: 200, title: text('phone-pages.refused.cancelled.title') }
    )
    t.match(await second.row(), { state: 'rejected', identityAt: null })

    const third = await ticket(world, { requires: ['face'] })
    const face = await browser.press(await enter(browser, third.created), { decision: 'accept' })
    t.match(
      await browser.press(face, { decision: 'decline' }),
      { status: 200, title: text('phone-pages.refused.cancelled.title') }
    )
    t.equal((await third.row()).state, 'rejected')
    t.equal((await world.services.db.selectFrom('consent').select('id').execute()).length, 0)
  })

  await t.test('identity: all errors at once, nothing typed is lost', async (t) => {
    const { world, base } = await here(t, sandbox)
    const { created, row } = await ticket(world)
    const browser = new Browser(base)
    const page = await browser.press(await enter(browser, created), { decision: 'accept' })
    const empty = await browser.press(page, { decision: 'submit' })
    t.match(empty, { status: 422, title: text('phone-pages.identity.title') })
    for (const text of ['请输入姓名', '请输入证件号码', '请填写年、月、日', '请选择有效期限', '请单独勾选同意']) {
      t.ok(empty.html.includes(text), text)
    }
    const faulty = await browser.press(page, {
      ...typed,
      name: '扎西"><b>',
      cert_no: '540102199003072516',
      year: '2018',
      month: '13',
      day: '1',
      term: '5'
    })
    t.match(faulty, { status: 422, html: /第 17 位不符|前 17 位不符/ })
    for (const text of ['value="540102199003072516"', 'value="13"', '扎西&quot;&gt;&lt;b&gt;', '没有这一天']) {
      t.ok(faulty.html.includes(text), text)
    }
    t.match(await browser.press(page, { ...typed, term: '10' }), { status: 422, errors: ['fault.term.term_mismatch'] })
    t.match(
      await browser.press(page, { ...typed, cert_type: 'passport' }),
      { status: 422, errors: ['fault.cert_type.unsupported'] }
    )
    const pasted = await browser.press(page, { ...typed, year: '2018.05.01', month: '', day: '' })
    t.match(pasted, { title: text('phone-pages.identity.check'), html: said('format.date', { y: 2038, m: 5, d: 1 }) })
    t.match(
      await browser.press(page, { ...typed, valid_to: '2037-05-01' }),
      { title: text('phone-pages.identity.check') },
      'an end date that does not follow is shown first'
    )
    const other = await browser.press(page, { ...typed, name: '次仁', valid_to: '2038-05-01' })
    t.match(other, { status: 422, html: said('phone-pages.refused.identity_mismatch.title') })
    t.ok(other.html.includes('value="次仁"'))
    world.register.answer = 'unavailable'
    t.match(await browser.press(page, { ...typed, valid_to: '2038-05-01' }), {
      status: 503,
      errors: ['fault.form.unavailable']
    })
    world.register.answer = 'match'
    t.equal((await row()).identityAt, null)
    t.match(await browser.press(page, { ...typed, consent_version: 'old', valid_to: '2038-05-01' }), {
      status: 422,
      errors: ['fault.consent.required']
    })
    t.match(
      await browser.press(page, { ...typed, valid_to: '2038-05-01' }),
      { status: 200, title: text('phone-pages.face.title') },
      'with script the end date was seen'
    )
    t.match(
      await browser.press(page, typed),
      { title: text('phone-pages.face.title') },
      'the form once more from the history'
    )
    for (const audit of await world.services.db.selectFrom('auditEvent').selectAll().orderBy('id').execute()) {
      t.notMatch(JSON.stringify(audit), zhaxi.certNo)
    }
  })

  await t.test('face: failed, again, pending, unavailable, exhausted', async (t) => {
    const { world, base } = await here(t, sandbox)
    const { created, row } = await ticket(world, { requires: ['face'] })
    const browser = new Browser(base)
    const face = await browser.press(await enter(browser, created), { decision: 'accept' })
    const away = await browser.press(face, start)
    const pending = await browser.open(`/v/${created.ticketId}/face/return`)
    t.match(pending, { status: 200, title: text('phone-pages.result.pending.title') })
    t.match(await browser.press(pending), { title: text('phone-pages.result.pending.title') }, 'asked once more')
    const failed = await capture(browser, away, 'mismatch')
    t.match(
      failed,
      { status: 200, title: text('phone-pages.result.failed.title'), html: said('face.reason.not_same_person') }
    )
    t.match(failed.html, said('phone-pages.face.tries', { n: 2 }))
    t.match(failed.html, new RegExp(`/v/${created.ticketId}/counter`))
    t.match(
      await browser.open(`/v/${created.ticketId}/face/return`),
      { title: text('phone-pages.result.failed.title'), html: said('phone-pages.face.tries', { n: 2 }) },
      'a reload counts nothing'
    )
    const again = await browser.press(failed)
    t.match(again, { title: text('phone-pages.face.title'), html: said('phone-pages.face.last') })
    sandbox.outage('down')
    const down = await browser.press(again, start)
    t.match(down, { status: 200, title: '核验服务暂时不可用', html: /没有扣除次数/ })
    sandbox.outage(null)
    await browser.press(await browser.press(down), start)
    sandbox.outage('down')
    const lost = await browser.open(`/v/${created.ticketId}/face/return`)
    t.match(lost, { title: text('phone-pages.refused.face_unavailable.title') })
    const stillLost = await browser.press(lost)
    t.match(stillLost, { title: text('phone-pages.refused.face_unavailable.title') })
    sandbox.outage(null)
    t.match(
      await browser.press(stillLost),
      { title: text('phone-pages.face.title'), html: said('phone-pages.face.tries', { n: 2 }) }
    )
    t.match(await capture(browser, await browser.press(again, start), 'liveness'), {
      title: text('phone-pages.result.failed.title'),
      html: said('phone-pages.face.tries', { n: 1 })
    })
    t.match(await capture(browser, await browser.press(again, start), 'quality'), {
      title: text('phone-pages.result.exhausted.title'),
      html: said('in_person_code.title')
    })
    t.match(await browser.open(`/v/${created.ticketId}/face`), { title: text('phone-pages.result.exhausted.title') })
    t.match(await browser.press(again, start), { title: text('phone-pages.result.exhausted.title') })
    t.equal((await row()).state, 'face')

    await t.test('then the counter code is the way', async (t) => {
      const { services, personId } = world
      const page = await browser.open(`/v/${created.ticketId}/counter`)
      t.match(page, { status: 200, title: text('in_person_code.title') })
      t.match(await browser.press(page, { code: '' }), { status: 422, errors: ['fault.code.required'] })
      t.match(
        await browser.press(page, { code: '12345678' }),
        { status: 422, html: said('phone-pages.refused.code_invalid.title') }
      )
      const issued = await write(services, issueCounterCode, {
        personId,
        issuedBy: 'staff:s1',
        reason: 'face_exhausted'
      })
      const spaced = issued?.code.replace(/(.{4})/, '$1-') ?? ''
      t.match(await browser.press(page, { code: spaced }), { status: 200, title: text('phone-pages.result.ok.title') })
      t.match(await row(), { state: 'confirmed', proof: 'counter' })
      t.match(await browser.press(page, { code: spaced }), { title: text('phone-pages.result.ok.title') }, 'sent twice')
    })
  })

  await t.test('same phone: on into the login that this browser itself has begun', async (t) => {
    const { world, base } = await here(t, sandbox)
    const browser = new Browser(base)
    const { ticket: made, created } = await ticket(world, { browserHash: browser.browserHash(), requires: ['face'] })
    const face = await browser.press(await enter(browser, created), { decision: 'accept' })
    const result = await capture(browser, await browser.press(face, start), 'pass')
    t.match(
      result,
      { title: text('phone-pages.result.ok.title'), html: new RegExp(`href="/i/${made.loginAttemptUid}/qr"`) }
    )
    const elsewhere = browser.copy()
    elsewhere.forget(/browser$/)
    t.notMatch((await elsewhere.open(`/v/${created.ticketId}/result`)).html, /\/i\//)
  })

  await t.test('a linked phone that is only asked whether it is you', async (t) => {
    const { world, base } = await here(t, sandbox)
    const browser = new Browser(base)
    const first = await ticket(world, { requires: ['face'] })
    const face = await browser.press(await enter(browser, first.created), { decision: 'accept' })
    await capture(browser, await browser.press(face, start), 'pass')
    const second = await ticket(world, { requires: [] })
    t.match(
      await browser.press(await enter(browser, second.created), { decision: 'accept' }),
      { title: text('phone-pages.result.ok.title') }
    )
    t.match(await second.row(), { state: 'confirmed', proof: null })
  })
})

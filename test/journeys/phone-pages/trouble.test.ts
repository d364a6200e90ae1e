import t from 'tap'
import { sql } from 'kysely'
import { sandboxOf } from '../../records/scan-tickets/support.ts'
import { Browser, enter, here, pathOf, serve, start, ticket, typed } from './support.ts'
import { said, text } from '../../support/texts.ts'

t.test('what goes wrong on phones', async (t) => {
  const sandbox = await sandboxOf(t)
  const { world, base } = await here(t, sandbox)

  await t.test('a second phone, a second press, a lost cookie', async (t) => {
    const { created, row } = await ticket(world)
    const browser = new Browser(base)
    const landing = await browser.open(pathOf(created.payloadUrl))
    const other = new Browser(base)
    const otherLanding = await other.open(pathOf(created.payloadUrl))
    t.match(await browser.press(landing), { status: 200, title: said('phone-pages.confirm.login') })
    const late = await other.press(otherLanding)
    t.match(late, { status: 409, title: text('phone-pages.refused.already_scanned.title') })
    t.notMatch(late.html, /西藏税务|\*\*\*西/, 'nothing about who or what')
    t.match(
      await browser.press(landing),
      { status: 200, title: said('phone-pages.confirm.login') },
      'back, and "continue" again'
    )
    t.match(
      await other.open(`/v/${created.ticketId}`),
      { status: 404, title: text('phone-pages.refused.not_found.title') }
    )
    t.match(
      await other.open('/v/st_0000000000000000000000'),
      { status: 404, title: text('phone-pages.refused.not_found.title') },
      'no difference'
    )
    browser.forget(/^kora_scan_/)
    t.match(
      await browser.open(`/v/${created.ticketId}/confirm`),
      { status: 404, title: text('phone-pages.refused.not_found.title') }
    )
    t.equal((await row()).state, 'scanned')
  })

  await t.test('two presses at once: one way through', async (t) => {
    const { created } = await ticket(world)
    const browser = new Browser(base)
    const { action, fields } = browser.formOf(await browser.open(pathOf(created.payloadUrl)))
    const presses = await Promise.all([1, 2, 3].map(async () => await browser.send(action, fields)))
    t.equal(presses.filter(({ status }) => status === 303).length, 1)
    t.equal(presses.filter(({ status }) => status === 409).length, 2)
    const confirm = await browser.open(`/v/${created.ticketId}`)
    const form = browser.formOf(confirm, { decision: 'accept' })
    const accepted = await Promise.all([1, 2].map(async () => await browser.send(form.action, form.fields)))
    for (const { status, location } of accepted) t.match([status, location], [303, `/v/${created.ticketId}/identity`])
  })

  await t.test('two confirmations at once: both see success, one happened', async (t) => {
    const { created } = await ticket(world, { requires: ['face'] })
    const browser = new Browser(base)
    const face = await browser.press(await enter(browser, created), { decision: 'accept' })
    const away = await browser.press(face, start)
    await fetch(away.location, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'outcome=pass'
    })
    const windows = [browser.copy(), browser.copy(), browser.copy()]
    const shown = await Promise.all(
      windows.map(async (window) => await window.open(`/v/${created.ticketId}/face/return`))
    )
    t.ok(shown.some(({ title }) => title === '认证成功'))
    t.same(
      [...new Set(shown.map(({ status }) => status))].filter((status) => status >= 500),
      []
    )
    const events = await world.services.db
      .selectFrom('auditEvent')
      .select('type')
      .where(sql<string>`details->>'ticketId'`, '=', created.ticketId)
      .orderBy('id')
      .execute()
    t.equal(events.filter(({ type }) => type === 'scan-ticket.confirmed').length, 1)
    t.equal(windows.filter((window) => window.cookie(/^kora_device$/) !== undefined).length, 1, 'linked once')
  })

  await t.test("cookies of another ticket, changed cookies, another person's form", async (t) => {
    const one = await ticket(world)
    const two = await ticket(world)
    const [mine, yours] = [new Browser(base), new Browser(base)]
    const page = await enter(mine, one.created)
    await enter(yours, two.created)
    const stolen = mine.copy()
    const cookie = yours.cookie(/^kora_scan_/)
    stolen.cookies.push({
      name: `kora_scan_${two.created.ticketId}`,
      value: mine.cookie(/^kora_scan_/)?.value ?? '',
      path: '/v',
      attributes: ''
    })
    t.match(await stolen.open(`/v/${two.created.ticketId}`), { status: 404 }, 'a token opens its own ticket only')
    for (const value of [
      '',
      'x',
      `${cookie?.value}x.y`,
      cookie?.value.replace(/^./, '!') ?? '',
      encodeURIComponent('a\u0000b')
    ]) {
      const broken = new Browser(base)
      broken.cookies.push({ name: `kora_scan_${two.created.ticketId}`, value, path: '/v', attributes: '' })
      t.match(await broken.open(`/v/${two.created.ticketId}`), { status: 404 }, value.slice(0, 8))
    }
    const { action, fields } = mine.formOf(page, { decision: 'accept' })
    t.match(
      await mine.send(action, { ...fields, digest: 'x'.repeat(43) }),
      { status: 409, html: said('phone-pages.refused.digest_mismatch.title') }
    )
    t.match(await yours.send(action, fields), { status: 403 }, "the form's token is this browser's")
    t.match(await yours.send(`/v/${two.created.ticketId}/confirm`, { ...fields, csrf: fields['csrf'] ?? '' }), {
      status: 403
    })
    t.equal((await one.row()).acceptedAt, null)
    for (const step of ['identity', 'face', 'face/return', 'face/again', 'counter', 'confirm']) {
      t.match(
        await mine.send(`/v/${one.created.ticketId}/${step}`, { decision: 'accept' }),
        { status: 403 },
        `${step} without token`
      )
    }
  })

  await t.test('no step can be skipped', async (t) => {
    const { created, row } = await ticket(world)
    const browser = new Browser(base)
    const page = await enter(browser, created)
    const csrf = browser.formOf(page).fields['csrf'] ?? ''
    for (const step of ['identity', 'face', 'face/return', 'counter', 'result']) {
      t.match(
        await browser.open(`/v/${created.ticketId}/${step}`),
        { title: said('phone-pages.confirm.login') },
        `GET ${step}`
      )
    }
    for (const step of ['identity', 'face', 'face/return', 'counter']) {
      t.match(
        await browser.open(`/v/${created.ticketId}/${step}`, {
          csrf,
          ...typed,
          valid_to: '2038-05-01',
          code: '12345678'
        }),
        { title: said('phone-pages.confirm.login') },
        `POST ${step}`
      )
    }
    await browser.press(page, { decision: 'accept' })
    for (const step of ['face', 'counter', 'face/return']) {
      t.match(
        await browser.open(`/v/${created.ticketId}/${step}`, { csrf, ...start }),
        { title: text('phone-pages.identity.title') },
        `POST ${step}`
      )
    }
    t.match(await row(), { state: 'scanned', proof: null, identityAt: null })
  })

  await t.test('too late, garbage, and too much', async (t) => {
    const { created } = await ticket(world)
    const browser = new Browser(base)
    const page = await enter(browser, created)
    await sql`update scan_ticket set expires_at = now() - interval '1 second' where id = ${created.ticketId}`.execute(
      world.services.db
    )
    t.match(
      await browser.press(page, { decision: 'accept' }),
      { status: 410, title: text('phone-pages.refused.expired.title') }
    )
    const late = await ticket(world)
    const landing = await browser.open(pathOf(late.created.payloadUrl))
    await sql`update scan_ticket set expires_at = now() - interval '1 second'
      where id = ${late.created.ticketId}`.execute(world.services.db)
    t.match(await browser.press(landing), { status: 410, title: text('phone-pages.refused.expired.title') })
    for (const path of [
      '/q/short',
      `/q/${'x'.repeat(29)}`,
      '/q/%00',
      `/q/${'%F0%9F%98%80'.repeat(7)}`,
      '/v/x',
      '/v/%00%00%00%00%00%00%00%00%00%00%00',
      `/v/${'x'.repeat(190)}`,
      '/v/..%2f..%2fx/confirm'
    ]) {
      const shown = await browser.open(path)
      t.match(shown, { status: 404 }, path)
      t.match(shown.headers.get('content-type') ?? '', /^text\/html/, path)
    }
    const unknown = await browser.open(`/q/${'A'.repeat(28)}`)
    t.match(await browser.press(unknown), { status: 404, title: text('phone-pages.refused.not_found.title') })
    const fresh = await ticket(world)
    const again = await enter(browser, fresh.created)
    const csrf = browser.formOf(again).fields['csrf'] ?? ''
    t.match(
      await browser.send(`/v/${fresh.created.ticketId}/confirm`, {
        csrf,
        decision: 'accept',
        digest: 'x'.repeat(5000)
      }),
      { status: 400 }
    )
    t.match(await browser.send(`/v/${fresh.created.ticketId}/confirm`, { csrf, filler: 'x'.repeat(70_000) }), {
      status: 413
    })
    t.match(
      await browser.send(`/v/${fresh.created.ticketId}/confirm`, { csrf, decision: 'accept', digest: 'a\u0000b' }),
      { status: 400 },
      'no text has a NUL'
    )
    const identity = await browser.press(again, { decision: 'accept' })
    t.match(await browser.press(identity, { ...typed, name: 'a\u0001b\uD800', year: '٢٠١٨', valid_to: '\u0001' }), {
      status: 422
    })
  })

  await t.test('languages, and no personal data in any address', async (t) => {
    const { created } = await ticket(world)
    const browser = new Browser(base)
    browser.headers['accept-language'] = 'en'
    const page = await enter(browser, created)
    t.match(page.html, /<html lang="en"/)
    const identity = await browser.press(page, { decision: 'accept' })
    t.match(identity.html, /<html lang="en"/)
    t.match(await browser.open(`/v/${created.ticketId}/identity?lang=bo`), { status: 200, html: /<html lang="bo"/ })
    t.match(await browser.open(`/v/${created.ticketId}/identity`), { html: /<html lang="bo"/ }, 'kept')
    t.match(await browser.open('/v/st_0000000000000000000000?lang=en'), { status: 404, html: /<html lang="en"/ })
    t.match(identity.headers.get('cache-control') ?? '', /no-store/)
    t.notMatch(
      identity.headers.get('content-security-policy') ?? '',
      /form-action/,
      'the post to the face page ends at the provider'
    )
  })

  await t.test('doors: pages closed', async (t) => {
    const { services, tickets } = world
    const closed = await serve(t, {
      services: { ...services, config: { ...services.config, phoneChannels: { app: true, pages: false } } },
      tickets
    })
    const { created, row } = await ticket(world)
    const browser = new Browser(closed)
    const landing = await browser.open(pathOf(created.payloadUrl))
    t.match(landing, { status: 200, title: text('phone-pages.landing.title') })
    t.notMatch(landing.html, /<form/)
    t.match(await browser.send(`${pathOf(created.payloadUrl)}/scan`, { csrf: 'x' }), {
      status: 403,
      html: said('phone-pages.refused.channel_closed.title')
    })
    t.match(
      await browser.open(`/v/${created.ticketId}`),
      { status: 403, title: text('phone-pages.refused.channel_closed.title') }
    )
    t.match(await browser.open(`/v/${created.ticketId}/face/return`), { status: 403 })
    t.equal((await row()).state, 'waiting')
  })

  await t.test('https: cookies that only this host can set', async (t) => {
    const { services, tickets } = world
    const secure = await serve(t, {
      services: { ...services, config: { ...services.config, issuer: 'https://sso.example' } },
      tickets
    })
    const { created } = await ticket(world)
    const browser = new Browser(secure)
    const payload = pathOf(created.payloadUrl)
    t.match(await browser.press(await browser.open(payload)), { status: 200, title: said('phone-pages.confirm.login') })
    t.match(browser.cookie(/scan_/), { name: /^__Secure-kora_scan_st_/, attributes: /Secure/ })
    t.match(browser.cookie(/browser/), { name: '__Host-kora_browser', attributes: /Secure/ })
  })
})

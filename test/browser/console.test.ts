/**
 * The console in a real Chromium: from the first link to a passkey (a virtual authenticator answers), in again with it,
 * once more for what asks for it; every page of the frame with axe at 320 and 1280 px, in both languages.
 */
import { mkdirSync } from 'node:fs'
import type { BrowserContext, Page } from 'playwright-core'
import t from 'tap'
import { firstLink } from '../../src/journeys/console/index.ts'
import { startKora } from '../support/driver/index.ts'
import { askedFor, onceOf, signInAs } from '../journeys/console/support.ts'
import { consoleFaultsOf, deskWidths, resize, withChromium } from '../support/chromium.ts'
import { said } from '../support/texts.ts'
import { openConsole } from './administrators.ts'

t.setTimeout(600_000)

const shots = process.env['KORA_SCREENSHOTS']

async function authenticator (context: BrowserContext, page: Page): Promise<void> {
  const session = await context.newCDPSession(page)
  await session.send('WebAuthn.enable')
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true
    }
  })
}

await withChromium(t, 'console in a browser', async (t, chromium) => {
  const kora = await startKora(t)
  const { services } = kora.inside
  if (shots !== undefined) mkdirSync(shots, { recursive: true })
  const complaints: string[] = []
  const watch = async (context: BrowserContext): Promise<void> => {
    context.on('console', (message) => {
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) {
        complaints.push(message.text().slice(0, 300))
      }
    })
    context.on('weberror', (error) => {
      complaints.push(`script: ${error.error().message}`)
    })
  }

  await t.test('first link → passkey → console; in again; once more for what asks for it', async (t) => {
    const context = await chromium.newContext({ viewport: { width: 1280, height: 860 }, locale: 'zh-CN' })
    await watch(context)
    const page = await context.newPage()
    await authenticator(context, page)
    await page.goto((await firstLink(services)) ?? '')
    t.same(await consoleFaultsOf(page), [])
    await page.click('[data-enrol]')
    await page.waitForSelector('[data-says]:not([hidden])')
    t.match(await page.textContent('[data-says]'), said('console.sign-in.enrollment.names'), 'said where it is missing')
    await page.fill('#login_name', 'ops')
    await page.fill('#display_name', '运维 一号')
    await page.click('[data-enrol]')
    await page.waitForURL(`${kora.issuer}/admin`)
    t.match(await page.textContent('.own'), /运维 一号/)
    t.equal(
      await services.db
        .selectFrom('adminCredential')
        .select('id')
        .execute()
        .then((rows) => rows.length),
      1
    )

    await page.click('.own form button')
    await page.waitForURL(/\/administrator$/)
    await page.click('form[data-passkey] button')
    await page.waitForURL(`${kora.issuer}/admin`)

    await services.db
      .updateTable('ownSiteSession')
      .set({ authenticatedAt: new Date(0) })
      .execute()
    await page.goto(`${kora.issuer}/admin/accounts/new`)
    t.match(page.url(), /\/admin\/again/)
    const posted = page.waitForRequest(
      (request) => request.method() === 'POST' && request.url().endsWith('/admin/again')
    )
    await page.click('form[data-passkey] button')
    await page.waitForURL(`${kora.issuer}/admin/accounts/new`)
    const replayed = await context.request.post(`${kora.issuer}/admin/again`, {
      form: Object.fromEntries(new URLSearchParams((await posted).postData() ?? '')),
      headers: { origin: kora.issuer }
    })
    t.equal(replayed.status(), 422, 'an answer of the authenticator counts once')

    await page.goto(`${kora.issuer}/admin/me`)
    t.equal(await page.locator('form[action$="/remove"]').count(), 0, 'the only credential stays')
    await page.fill('#label-1', '办公室的钥匙')
    await page.click('form[action$="/rename"] button')
    await page.waitForURL(/done=passkey_renamed/)
    t.match(await page.textContent('main'), /已改名.*办公室的钥匙/s)
    // a second authenticator beside the first one: afterwards either may go
    const another = await context.newCDPSession(page)
    await another.send('WebAuthn.enable')
    await another.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'usb',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true
      }
    })
    await page.click('form[data-passkey="create"] button')
    await page.waitForURL(/done=passkey_added/)
    t.equal(await page.locator('form[action$="/remove"]').count(), 2)
    t.same(await consoleFaultsOf(page), [])
    if (shots !== undefined) await page.screenshot({ path: `${shots}/console-own-two-passkeys.png`, fullPage: true })
    await page.locator('form[action$="/remove"] button').first().click()
    await page.waitForURL(/done=passkey_removed/)
    t.equal(await page.locator('form[action$="/remove"]').count(), 0)
    await context.close()
  })

  await t.test(
    'new credentials take two halves: the link alone asks for the code, with the code a passkey is made',
    async (t) => {
      const [system, security, subject] = [
        await signInAs(kora, 'system'),
        await signInAs(kora, 'security'),
        await signInAs(kora, 'audit')
      ]
      const asked = await system.browser.submit(
        await system.browser.go(`${kora.issuer}/admin/accounts/${subject.id}/reset`),
        { reason: '钥匙丢失', typed: subject.loginName },
        { form: (form) => form.action.endsWith('/reset') }
      )
      const { code, waits } = await askedFor(system, asked)
      const agreed = await security.browser.submit(
        await security.browser.go(waits.url),
        { reason: '已核实' },
        { form: (form) => form.action.endsWith('/approve') }
      )
      const context = await chromium.newContext({ viewport: { width: 320, height: 700 }, locale: 'zh-CN' })
      await watch(context)
      const page = await context.newPage()
      await authenticator(context, page)
      await page.goto(onceOf(agreed))
      t.same(await consoleFaultsOf(page), [])
      t.equal(await page.locator('[data-enrol], #new_password, .totp-qr').count(), 0, 'nothing before the code')
      if (shots !== undefined) await page.screenshot({ path: `${shots}/console-begin-code.png`, fullPage: true })
      await page.fill('#link_code', 'BBBB-BBBB')
      await page.press('#link_code', 'Enter')
      await page.waitForSelector('#link_code[aria-invalid]')
      t.same(await consoleFaultsOf(page), [])
      await page.fill('#link_code', code.toLowerCase())
      await page.press('#link_code', 'Enter')
      await page.click('[data-enrol]')
      await page.waitForURL(`${kora.issuer}/admin`)
      t.equal(
        await services.db
          .selectFrom('adminCredential')
          .select('id')
          .where('accountId', '=', subject.id)
          .execute()
          .then((rows) => rows.length),
        1
      )
      await context.close()
    }
  )

  await t.test('a passkey of another account, and one that is made up', async (t) => {
    const { browser } = await signInAs(kora, 'system', { secondsAgo: 700 })
    const again = await browser.go(`${kora.issuer}/admin/again?to=/admin/accounts/new`)
    for (const credential of [
      'x',
      '{}',
      JSON.stringify({
        id: 'a'.repeat(43),
        response: { clientDataJSON: Buffer.from('{"challenge":"abc"}').toString('base64url') }
      })
    ]) {
      const refused = await browser.submit(again, { credential }, { form: (form) => 'credential' in form.fields })
      t.equal(refused.status, 422)
      t.match(refused.text, said('fault.passkey_refused'))
    }
  })

  await t.test('every page of the frame, two languages, two widths', async (t) => {
    const [system, security] = [await signInAs(kora, 'system'), await signInAs(kora, 'security')]
    const confirm = await system.browser.go(`${kora.issuer}/admin/accounts/new`)
    const asked = await system.browser.submit(
      confirm,
      { role: 'audit', login_name: 'auditor.one', display_name: '审计 甲', reason: '新同事' },
      { form: (form) => form.action.endsWith('/new') }
    )
    const approval = new URL((await askedFor(system, asked)).waits.url).pathname
    await services.db
      .updateTable('adminAccount')
      .set({ passwordHash: 'x', totpSecretEnc: 'x' })
      .where('id', '=', security.id)
      .execute()
    // as if a program had asked: somebody must vouch for it
    const program = await services.db
      .selectFrom('pendingChange')
      .select('id')
      .where('state', '=', 'pending')
      .executeTakeFirstOrThrow()
    const asks = async (requestedBy: string): Promise<void> => {
      await services.db.updateTable('pendingChange').set({ requestedBy }).where('id', '=', program.id).execute()
    }
    const pages: Array<[string, string, typeof system | null]> = [
      ['sign-in', '/admin/sign-in', null],
      ['overview', '/admin', system],
      ['accounts', '/admin/accounts', system],
      ['invite', '/admin/accounts/new', system],
      ['account', `/admin/accounts/${system.id}`, security],
      ['disable', `/admin/accounts/${system.id}/disable`, security],
      ['approvals', '/admin/approvals?state=all', security],
      ['approval', approval, security],
      ['own', '/admin/me', security],
      ['own-password', '/admin/me/password', security],
      ['own-codes', '/admin/me/codes', security],
      ['vouch', approval, security],
      ['lost', '/admin/nothing', security],
      ['lost-stranger', '/admin/nothing', null],
      ['again', '/admin/again', security],
      ['not-allowed', '/admin/accounts/new', security],
      ['nothing', '/admin/search', security],
      ['settings', '/admin/settings', system],
      ['setting', '/admin/settings/maintenance', system],
      ['setting-reveal', '/admin/settings/reveal', system]
    ]
    const pageOf = async (who: typeof system | null, lang: string): Promise<Page> => {
      const context = await openConsole(chromium, { issuer: kora.issuer, who, lang })
      await watch(context)
      return await context.newPage()
    }
    for (const lang of ['zh-CN', 'en']) {
      for (const reader of [null, system, security]) {
        const page = await pageOf(reader, lang)
        for (const [name, path, who] of pages) {
          if (who !== reader) continue
          await asks(name === 'vouch' ? 'client:ops' : `admin:${system.id}`)
          await resize(page, deskWidths[0][1])
          await page.goto(kora.issuer + path)
          for (const [width, screen] of deskWidths) {
            await resize(page, screen)
            const faults = await consoleFaultsOf(page)
            if (faults.length > 0) t.fail(`${name} ${lang} ${width}: ${faults.join('\n')}`)
            if ((await page.locator('h1').count()) !== 1) t.fail(`${name} ${lang} ${width}: one h1`)
            if (shots !== undefined) {
              await page.screenshot({ path: `${shots}/console-${name}-${lang}-${width}.png`, fullPage: true })
            }
          }
        }
        await page.context().close()
      }
    }
    t.same(complaints, [], 'no script or policy error')
  })
})

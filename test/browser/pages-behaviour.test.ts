/**
 * What the one script adds, and what must work without it: live QR status by push and by polling, rotation,
 * silent renewal, derived end dates, password reveal, focus on errors, the way back to another origin after a post.
 */
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:http'
import Fastify from 'fastify'
import jsqr from 'jsqr'
import { PNG } from 'pngjs'
import type { Page } from 'playwright-core'
import t from 'tap'
import { loadConfig } from '../../src/config.ts'
import { registerHttp, serverOptions } from '../../src/http/index.ts'
import { translator } from '../../src/http/locale.ts'
import { qrSvg } from '../../src/http/qr-svg.ts'
import type { PasswordPage } from '../../src/journeys/login/password-page.ts'
import { statusKeys, statusText, type ScanPage, type ScanTicketView } from '../../src/journeys/scan-code/index.ts'
import { testCrypto } from '../support/database.ts'
import { fixtures } from '../http/fixtures.ts'
import { phoneAgent, withChromium } from '../support/chromium.ts'
import { said } from '../support/texts.ts'

t.setTimeout(300_000)

const model = <M>(id: string): M => fixtures.find((fixture) => fixture.id === id)?.model as M
const decode = jsqr as unknown as (data: Uint8ClampedArray, width: number, height: number) => { data: string } | null

/** A stand-in for the QR step: tests set the ticket's state, the page follows. */
async function serve () {
  const app = Fastify({ ...serverOptions })
  await registerHttp(app, { config: loadConfig({ NODE_ENV: 'test' }), crypto: testCrypto() })
  const site = createServer((_request, response) => {
    response.end('<!doctype html><title>site</title><p>arrived')
  })
  await new Promise<void>((resolve) => {
    site.listen(0, '127.0.0.1', resolve)
  })
  const siteUrl = `http://127.0.0.1:${(site.address() as AddressInfo).port}/callback`

  const streams = new Set<ServerResponse>()
  const state = {
    ticket: { ...(model<ScanPage>('qr').ticket as ScanTicketView) },
    push: true,
    renewed: 0,
    polls: 0,
    /** Tickets whose stream was opened. */
    opened: new Set<string>(),
    posts: [] as Array<Record<string, string>>,
    tell () {
      for (const stream of streams) stream.write(`event: state\ndata: ${JSON.stringify(event())}\n\n`)
    }
  }
  const payload = (): string => `https://sso.example.gov.cn/q/${state.ticket.id}`
  const shown = (): ScanTicketView => ({ ...state.ticket, said: statusKeys(state.ticket) })
  const event = () => ({
    state: state.ticket.state,
    left: state.ticket.secondsLeft,
    text: statusText(translator('zh-CN'), state.ticket),
    ...(state.ticket.state === 'waiting'
      ? { payload: state.ticket.payloadUrl ?? payload(), svg: qrSvg(state.ticket.payloadUrl ?? payload(), 'qr-alt') }
      : {}),
    ...(state.ticket.state === 'confirmed' ? { next: '/i/fixture/done' } : {})
  })

  app.get('/i/fixture/qr', (_request, reply) =>
    reply.page('scan-code/scan', {
      ...model<ScanPage>('qr'),
      counterHref: '/i/fixture/counter',
      ticket: shown(),
      mobile: /Mobile/.test(String(_request.headers['user-agent']))
    })
  )
  app.post('/i/fixture/qr/renew', (_request, reply) => {
    state.renewed++
    state.ticket = {
      ...state.ticket,
      id: `ticket${state.renewed}`,
      state: 'waiting',
      secondsLeft: 180,
      checkNumber: String(10 + state.renewed),
      renewals: state.renewed,
      payloadUrl: `https://sso.example.gov.cn/q/renewed${state.renewed}`
    }
    return reply.redirect('/i/fixture/qr', 303)
  })
  app.post('/i/fixture/qr/:ticket/check', (_request, reply) =>
    state.ticket.state === 'confirmed'
      ? reply.redirect('/i/fixture/done', 303)
      : reply.page('scan-code/scan', { ...model<ScanPage>('qr'), ticket: shown(), notYet: true })
  )
  app.get('/i/fixture/qr/:ticket/state', () => {
    state.polls++
    return event()
  })
  app.get('/i/fixture/qr/:ticket/events', (request, reply) => {
    if (!state.push) {
      reply.code(404).send()
      return
    }
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    streams.add(reply.raw)
    state.opened.add((request.params as { ticket: string }).ticket)
    request.raw.on('close', () => {
      streams.delete(reply.raw)
    })
    reply.raw.write(`retry: 200\n\nevent: state\ndata: ${JSON.stringify(event())}\n\n`)
  })
  app.get('/i/fixture/done', (_request, reply) =>
    reply.page('login/done', { ...model<{ rp: ScanPage['rp'] }>('done'), href: siteUrl } as never)
  )
  app.get('/fixture/:id', (request, reply) => {
    const fixture = fixtures.find(({ id }) => id === (request.params as { id: string }).id)
    return fixture === undefined ? reply.callNotFound() : reply.page(fixture.name, fixture.model)
  })
  app.get('/login', (_request, reply) =>
    reply.page('login/password', { ...model<PasswordPage>('login'), action: '/login' })
  )
  // as a finished login answers: a redirect of ours, then one to the relying site
  app.post('/login', (request, reply) => {
    state.posts.push(request.body as Record<string, string>)
    return reply.redirect('/hop', 303)
  })
  app.get('/hop', (_request, reply) => reply.redirect(siteUrl, 303))
  app.post('/post', (request, reply) => {
    state.posts.push(request.body as Record<string, string>)
    return reply.type('text/html').send('<!doctype html><link rel="icon" href="data:,">posted')
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    state,
    siteUrl,
    origin: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    close: async () => {
      await app.close()
      await new Promise((resolve) => {
        site.close(resolve)
      })
    }
  }
}

await withChromium(t, 'behaviour of pages', async (t, browser) => {
  const open = async (
    options: Parameters<typeof browser.newContext>[0] = {}
  ): Promise<{ page: Page; complaints: string[] }> => {
    const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 1280, height: 860 }, ...options })
    t.teardown(async () => {
      await context.close()
    })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    page.on('pageerror', (error) => {
      complaints.push(error.message)
    })
    return { page, complaints }
  }
  const server = await serve()
  t.teardown(server.close)
  const { state, origin } = server
  const status = async (page: Page, text: RegExp): Promise<void> => {
    await page.locator('#qr-status', { hasText: text }).waitFor({ timeout: 10_000 })
  }
  const fresh = (): void => {
    Object.assign(state, {
      ticket: { ...(model<ScanPage>('qr').ticket as ScanTicketView) },
      push: true,
      renewed: 0,
      polls: 0,
      opened: new Set()
    })
  }

  await t.test('push: states, focus stays, the code rotates, done goes on', async (t) => {
    fresh()
    const { page, complaints } = await open()
    await page.goto(`${origin}/i/fixture/qr`)
    await status(page, said('scan-code.status.waiting'))
    const before = await page.locator('#qr-code').innerHTML()
    await page.locator('#qr-new').focus()
    state.ticket.payloadUrl = 'https://sso.example.gov.cn/q/rotated-payload-0002'
    state.tell()
    await page.waitForFunction(`document.querySelector('#qr-code').innerHTML !== ${JSON.stringify(before)}`)
    const picture = PNG.sync.read(await page.locator('#qr-code').screenshot())
    t.equal(
      decode(new Uint8ClampedArray(picture.data), picture.width, picture.height)?.data,
      'https://sso.example.gov.cn/q/rotated-payload-0002',
      'a camera reads the new code'
    )
    state.ticket.state = 'scanned'
    state.tell()
    await status(page, /已扫码/)
    t.equal(await page.evaluate('document.activeElement.id'), 'qr-new', 'a pushed event moves no focus')
    state.ticket.state = 'confirmed'
    state.tell()
    await page.waitForURL('**/i/fixture/done')
    t.equal(await page.evaluate('document.activeElement.tagName'), 'H1')
    await page.waitForURL(server.siteUrl, { timeout: 10_000 })
    t.same(complaints, [])
  })

  await t.test('expiry: renewed silently three times, then a button', async (t) => {
    fresh()
    const { page, complaints } = await open()
    await page.goto(`${origin}/i/fixture/qr`)
    await status(page, said('scan-code.status.waiting'))
    for (let round = 1; round <= 3; round++) {
      Object.assign(state.ticket, { state: 'expired', secondsLeft: 0 })
      state.tell()
      await page.locator('.qr-side .match-n', { hasText: String(10 + round) }).waitFor({ timeout: 10_000 })
      t.equal(state.renewed, round)
      t.equal(await page.getAttribute('#qr', 'data-id'), `ticket${round}`)
      t.match(await page.getAttribute('#qr-check', 'action'), `/ticket${round}/check`)
      while (!state.opened.has(`ticket${round}`)) await new Promise(setImmediate)
    }
    Object.assign(state.ticket, { state: 'expired', secondsLeft: 0 })
    state.tell()
    await status(page, said('console.approvals.state.expired'))
    t.equal(state.renewed, 3)
    t.match(await page.getAttribute('#qr-new', 'class'), 'main')
    t.notOk(await page.locator('.qr-side .match-n').isVisible(), 'nothing stale is read')
    await page.click('#qr-new')
    await status(page, said('scan-code.status.waiting'))
    t.equal(state.renewed, 4)
    t.same(complaints, [])
  })

  await t.test('no stream: polling finds the result', async (t) => {
    fresh()
    state.push = false
    const { page } = await open()
    await page.goto(`${origin}/i/fixture/qr`)
    state.ticket.state = 'confirmed'
    await page.waitForURL('**/i/fixture/done', { timeout: 10_000 })
    t.ok(state.polls >= 1)
  })

  await t.test('a failed check opens the fold on phones; the reason is read', async (t) => {
    fresh()
    const { page } = await open({ viewport: { width: 360, height: 740 }, userAgent: phoneAgent, isMobile: true })
    await page.goto(`${origin}/i/fixture/qr`)
    t.equal(await page.locator('.same .btn').first().innerText(), '打开“西藏政务”APP 认证', 'same device first')
    t.notOk(await page.locator('#qr-new').isVisible())
    Object.assign(state.ticket, { state: 'failed', failure: 'face_failed', triesLeft: 2 })
    state.tell()
    await status(page, said('scan-code.status.face_failed', { n: 2 }))
    t.ok(await page.locator('#qr-new').isVisible())
  })

  await t.test('without script: ask, renew, finish, log in', async (t) => {
    fresh()
    const { page } = await open({ javaScriptEnabled: false })
    await page.goto(`${origin}/i/fixture/qr`)
    await page.click('#qr-check button')
    await status(page, said('scan-code.status.notyet'))
    await page.click('#qr-new')
    t.equal(state.renewed, 1)
    await status(page, said('scan-code.status.waiting'))
    state.ticket.state = 'confirmed'
    await page.click('#qr-check button')
    await page.waitForURL('**/i/fixture/done')
    await page.click('.btn.main')
    await page.waitForURL(server.siteUrl)
    await page.goto(`${origin}/login`)
    t.notOk(await page.locator('[data-reveal]').isVisible())
    await page.fill('#account', '13900000000')
    await page.fill('#password', 'Demo-2024')
    await page.click('form [type=submit]')
    await page.waitForURL(server.siteUrl)
  })

  await t.test('login: reveal, busy button, the post may end at another origin', async (t) => {
    const { page, complaints } = await open()
    await page.goto(`${origin}/login`)
    await page.fill('#account', '13900000000')
    await page.fill('#password', 'Demo-2024')
    await page.click('[data-reveal]')
    t.equal(await page.getAttribute('#password', 'type'), 'text')
    t.equal(await page.getAttribute('[data-reveal]', 'aria-label'), '隐藏密码')
    state.posts.length = 0
    await page.check('#agree')
    await page.click('form [type=submit]')
    await page.waitForURL(server.siteUrl)
    t.match(state.posts, [{ kind: 'personal', account: '13900000000', password: 'Demo-2024', agree: '1' }])
    await page.goBack()
    t.equal(await page.locator('form [type=submit]').innerText(), '登录', 'usable again after going back')
    t.same(complaints, [])
  })

  await t.test('errors take the focus and lead to their fields', async (t) => {
    const { page } = await open()
    await page.goto(`${origin}/fixture/identity-errors`)
    t.match(await page.evaluate('document.activeElement.className'), 'summary')
    await page.click('.summary a[href="#year"]')
    t.equal(await page.evaluate('document.activeElement.id'), 'year')
    t.match(await page.title(), said('error_summary.prefix'))
  })

  await t.test(
    'identity: a pasted date fills three fields, the end date is derived, the pressed button is sent',
    async (t) => {
      const { page, complaints } = await open()
      await page.goto(`${origin}/fixture/identity`)
      t.notOk(await page.locator('[data-end]').isVisible())
      await page.fill('#cert_no', '540102198006010011')
      await page.evaluate(`(() => {
      const data = new DataTransfer(); data.setData('text', '2016.02.29-2036.02.29')
      document.getElementById('year').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
    })()`)
      const values = async (): Promise<string[]> =>
        await page.evaluate("['year','month','day','valid_to'].map(id => document.getElementById(id).value)")
      t.same(
        await values(),
        ['2016', '02', '29', '2036-02-29'],
        'the term that fits the age is suggested: 35 years, 20 years'
      )
      t.equal(await page.locator('#end').innerText(), '2036年2月29日')
      await page.check('input[value="10"]')
      t.same((await values())[3], '2026-03-01', 'issued on 29 February, the end year has none (GA 214.8)')
      await page.check('input[value="long"]')
      t.equal(await page.locator('#end').innerText(), '长期')
      await page.fill('#day', '31')
      t.notOk(await page.locator('[data-end]').isVisible(), 'no such day')
      t.equal((await values())[3], '')
      await page.fill('#day', '２９')
      t.equal((await values())[3], 'long', 'full-width digits')
      state.posts.length = 0
      await page.fill('#name', '扎西')
      await page.click('button[value=decline]')
      await page.waitForURL('**/post')
      t.match(state.posts, [{ decision: 'decline', name: '扎西', valid_to: 'long' }])
      t.same(complaints, [])
    }
  )

  await t.test('codes are read in large text and in forced colours', async (t) => {
    fresh()
    for (const options of [{ forcedColors: 'active' as const }, { colorScheme: 'dark' as const }]) {
      const { page } = await open(options)
      await page.goto(`${origin}/i/fixture/qr?size=l`)
      const picture = PNG.sync.read(await page.locator('#qr-code').screenshot())
      t.match(
        decode(new Uint8ClampedArray(picture.data), picture.width, picture.height)?.data,
        /^https:\/\/sso\.example\.gov\.cn\/q\//
      )
    }
  })

  await t.test(
    'keyboard: skip link, languages, size, tabs, account, password, show, agree, documents, submit',
    async (t) => {
      const { page } = await open()
      await page.goto(`${origin}/login`)
      const stops: string[] = []
      for (let press = 0; press < 15; press++) {
        await page.keyboard.press('Tab')
        stops.push(await page.evaluate('document.activeElement.id || document.activeElement.textContent.trim()'))
      }
      t.same(stops.slice(0, 15), [
        '跳到主要内容',
        '中文',
        'བོད་ཡིག',
        'English',
        '大字版',
        '个人登录',
        '法人登录',
        '扫码登录',
        'account',
        'password',
        '显示',
        'agree',
        '《隐私政策》',
        '《服务协议》',
        '登录'
      ])
    }
  )
})

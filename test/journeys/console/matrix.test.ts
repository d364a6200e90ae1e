import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import Fastify from 'fastify'
import { adminRoles, type AdminRole } from '../../../src/domain/administration/administration.ts'
import { createConsole } from '../../../src/journeys/console/console.ts'
import { startKora, type Browser } from '../../support/driver/index.ts'
import { enter } from '../user-center/support.ts'
import { signInAs } from './support.ts'

// checked in: who may use a route is never changed by the way. UPDATE_MATRIX=1 writes it anew, for reading in the
// review.
const file = new URL('./matrix.txt', import.meta.url)
const inside = (path: string): string => path.replace(/:\w+/g, 'x').replace(/\*$/, 'x')

t.test('T081: every route under /admin, for nobody, a citizen and every role', { timeout: 300_000 }, async (t) => {
  const kora = await startKora(t)
  const table = kora.inside.kora.adminTable
  const text =
    table
      .map(
        ({ method, path, kind, roles, reauth, scope }) =>
          `${method.padEnd(6)} ${path}  ${kind === 'page' ? roles.join(',') : kind}${reauth ? ' again' : ''}${scope === null ? '' : ` ${scope}`}`
      )
      .sort()
      .join('\n') + '\n'
  if (process.env['UPDATE_MATRIX'] === '1') writeFileSync(file, text)
  t.same(text.split('\n'), readFileSync(file, 'utf8').split('\n'), 'the matrix is as it was agreed on')

  const { browser: citizen } = await enter(kora, 'zhuoma')
  const strangers: Array<[string, Browser]> = [
    ['nobody', kora.newBrowser()],
    ['a citizen', citizen]
  ]
  for (const { method, path, kind } of table) {
    for (const [who, browser] of strangers) {
      const answer = await browser.request(
        kora.issuer + inside(path),
        method === 'GET' ? {} : { method, body: new URLSearchParams({ csrf: 'x' }), headers: { origin: kora.issuer } }
      )
      const refused =
        kind === 'api'
          ? answer.status === 401
          : kind === 'page'
            ? answer.status === 303 && /^\/admin\/sign-in\?to=/.test(answer.headers.get('location') ?? '')
            : answer.status < 500
      if (!refused) t.fail(`${who} ${method} ${path}: ${answer.status} ${answer.headers.get('location') ?? ''}`)
    }
  }

  const csrfOf = async (browser: Browser): Promise<string> =>
    (await browser.go(`${kora.issuer}/admin`)).forms.find((form) => form.action.endsWith('/sign-out'))?.fields[
      'csrf'
    ] as string
  for (const role of adminRoles) {
    let { browser } = await signInAs(kora, role)
    let csrf = await csrfOf(browser)
    for (const { method, path, kind, roles } of table) {
      if (kind !== 'page') continue
      const answer = await browser.request(
        kora.issuer + inside(path),
        method === 'GET' ? {} : { method, body: new URLSearchParams({ csrf }), headers: { origin: kora.issuer } }
      )
      const allowed = roles.includes(role)
      // 404, 422 and the like: the role may, there is only nothing there
      if (answer.status >= 500 || allowed === (answer.status === 403)) {
        t.fail(`${role} ${method} ${path}: ${answer.status}, ${allowed ? 'may' : 'may not'}`)
      }
      if (method === 'POST') {
        const forged = await browser.request(kora.issuer + inside(path), {
          method,
          body: new URLSearchParams({ csrf: 'x'.repeat(43) }),
          headers: { origin: kora.issuer }
        })
        if (forged.status !== 403 && path !== '/admin/sign-out') {
          t.fail(`${role} ${method} ${path} with a forged token: ${forged.status}`)
        }
      }
      if (path === '/admin/sign-out' && method === 'POST') {
        browser = (await signInAs(kora, role)).browser
        csrf = await csrfOf(browser)
      }
    }
  }
  const denied = await kora.inside.services.db
    .selectFrom('auditEvent')
    .select('role')
    .distinct()
    .where('type', '=', 'staff.access-denied')
    .execute()
  t.same(denied.map(({ role }) => role).sort(), [...adminRoles].sort(), 'refusals are in the trail')
})

t.test('T083: who configures does not read the trail, who reads it changes nothing', async (t) => {
  const kora = await startKora(t)
  const of = (role: AdminRole): string[] =>
    kora.inside.kora.adminTable
      .filter(({ roles }) => roles.includes(role))
      .map(({ method, path }) => `${method} ${path}`)
  t.same(
    of('system').filter((route) => /\/admin\/audit/.test(route)),
    []
  )
  // the own account, and what only looks: a search, the tester of an address
  const own = /^POST \/admin\/(me|again|search|sign-out|clients\/:id\/addresses\/test)/
  t.same(
    of('audit').filter((route) => route.startsWith('POST') && !own.test(route) && !/^POST \/admin\/audit/.test(route)),
    []
  )
  t.same(
    of('counter').filter((route) => /\/admin\/(accounts|keys|settings|clients)/.test(route)),
    []
  )
})

t.test('a route under /admin that is not in the table makes the start fail; one of them twice, too', async (t) => {
  const app = Fastify()
  const services = { db: null, crypto: null, audit: null, config: { issuer: 'http://localhost' } } as never
  const console = await createConsole(app, services, null as never)
  app.get('/admin/hidden', async () => 'here')
  await t.rejects(async () => {
    await app.ready()
  }, /GET \/admin\/hidden/)
  console.api({ method: 'GET', path: '/admin/api/v1/things', scope: 'things' })
  t.throws(() => {
    console.api({ method: 'GET', path: '/admin/api/v1/things', scope: 'other' })
  }, /twice/)
  t.throws(() => {
    console.page({ method: 'GET', path: '/admin/nobody', roles: [], handler: (c) => c.redirect('/admin') })
  }, /nobody may/)
  t.throws(() => {
    console.page({ method: 'GET', path: '/elsewhere', roles: ['system'], handler: (c) => c.redirect('/admin') })
  }, /not under/)
})

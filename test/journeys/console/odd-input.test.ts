// Whatever stands in a path, a query or a form of the console and the user centre: an answer, never a fault of ours.
import t from 'tap'
import { adminRoles } from '../../../src/domain/administration/administration.ts'
import { startKora, type Browser } from '../../support/driver/index.ts'
import { enterLegal } from '../user-center/support.ts'
import { signInAs } from './support.ts'

const odd = ['%00', '%ED%A0%80', "'%22%3C", '__proto__', '99999999999999999999', '%2e%2e%2f']
const cursor = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const cursors = [
  ['x'],
  ['\ud800'],
  ['999999999999999999999'],
  ['9999-99-99T00:00:00.000Z'],
  ['0001-01-01T00:00:00.000Z', '1'],
  [1]
].map(cursor)
const queries = [
  ...cursors.map((after) => `after=${after}`),
  'before=%00',
  'after=%00',
  'after=a&after=b',
  'from=0000-01-01',
  'format=csv',
  `format=csv&after=${cursor(['x'])}`,
  ...['status', 'state', 'type', 'topic', 'from', 'number', 'item', 'uri', 'as'].map(
    (name) => `${name}=${'9'.repeat(30)}%00`
  )
]
const names = [
  'reason',
  'text',
  'last_four',
  'q',
  'audience',
  'target',
  'title_0',
  'body_0',
  'sms',
  'typed',
  'code',
  'number',
  'item',
  'grant',
  'name',
  'cert_no',
  'phone',
  'events',
  'from',
  'to',
  'value',
  'client_id',
  'redirect_uris',
  'uri',
  'role',
  'login_name',
  'kind',
  'digest',
  'browser',
  'site',
  'function',
  'starts',
  'ends',
  'new_password',
  'again',
  'version',
  'file',
  'document',
  'check',
  'checks',
  'identifier',
  'scopes',
  'resources',
  'machine_resources',
  'introspectors',
  'ttl_seconds',
  'minimum_level'
]
const values = ['\0\ud800x', '1'.repeat(300), '0000-01-01', 'constructor', '1']

/** Path parameters replaced, one odd value at a time. */
const pathsOf = (pattern: string): string[] =>
  /[:*]/.test(pattern) ? odd.map((value) => pattern.replace(/:\w+/g, value).replace(/\*$/, value)) : [pattern]

function * forms (csrf: string): Generator<URLSearchParams> {
  for (const value of values) {
    yield new URLSearchParams([['csrf', csrf], ...names.map((name) => [name, value] as [string, string])])
  }
  yield new URLSearchParams([
    ['csrf', csrf],
    ...names.flatMap(
      (name) =>
        [
          [name, 'a'],
          [name, 'b']
        ] as Array<[string, string]>
    )
  ])
}

async function attack (
  kora: { issuer: string },
  browser: Browser,
  routes: Array<{ method: string; path: string }>,
  csrf: string
): Promise<string[]> {
  const faults: string[] = []
  const tell = (line: string, { status }: { status: number }): void => {
    if (status >= 500 && status !== 503) faults.push(`${status} ${line}`)
  }
  for (const { method, path } of routes) {
    for (const address of pathsOf(path)) {
      if (method === 'GET') tell(`GET ${address}`, await browser.request(kora.issuer + address))
      else {
        for (const body of /[:*]/.test(path) ? [...forms(csrf)].slice(-1) : forms(csrf)) {
          tell(
            `POST ${address} ${body.toString().slice(0, 120)}`,
            await browser.request(kora.issuer + address, { method, body, headers: { origin: kora.issuer } })
          )
        }
      }
    }
    if (method === 'GET' && !/[:*]/.test(path)) {
      for (const query of queries) {
        tell(`GET ${path}?${query}`, await browser.request(`${kora.issuer}${path}?${query}`))
      }
    }
  }
  return faults
}

t.test('the console, as every role', { timeout: 600_000 }, async (t) => {
  const kora = await startKora(t)
  const tried = new Set<string>()
  for (const role of adminRoles) {
    const { browser } = await signInAs(kora, role)
    const home = await browser.go(`${kora.issuer}/admin`)
    const csrf = home.forms.find((form) => form.action.endsWith('/sign-out'))?.fields['csrf'] as string
    const routes = kora.inside.kora.adminTable.filter(
      ({ kind, roles, method, path }) =>
        kind === 'page' &&
        roles.includes(role) &&
        !/sign-out|\/me\/|\/again/.test(path) &&
        !tried.has(`${method} ${path}`)
    )
    for (const { method, path } of routes) tried.add(`${method} ${path}`)
    t.same(await attack(kora, browser, routes, csrf), [], role)
    t.equal((await browser.go(`${kora.issuer}/admin`)).status, 200, `${role} is still signed in`)
  }
})

t.test('the user centre', { timeout: 600_000 }, async (t) => {
  const kora = await startKora(t)
  const { browser, home } = await enterLegal(kora, 'gongsi')
  const csrf = home.forms.find((form) => form.action.endsWith('/logout'))?.fields['csrf'] as string
  const get = [
    '',
    '/agents',
    '/agents/new',
    '/agents/:id/edit',
    '/agents/:id/:v/approve',
    '/agents/:id/:v/qr',
    '/agents/:id/:v/qr/:t/state',
    '/agents/:id/:v/qr/:t/finish',
    '/agents/:id/:v/reject',
    '/agents/:id/:v/result',
    '/agents/:id/suspend',
    '/agents/:id/revoke',
    '/mine',
    '/mine/:id/resign',
    '/mine/:id/withdraw',
    '/messages',
    '/messages/:id',
    '/browsers',
    '/organization-password',
    '/organization-password/qr',
    '/organization-password/changed',
    '/login',
    '/callback'
  ]
  const post = [
    '/agents/new',
    '/agents/:id/edit',
    '/agents/:id/:v/approve',
    '/agents/:id/:v/qr/renew',
    '/agents/:id/:v/qr/:t/check',
    '/agents/:id/:v/reject',
    '/agents/:id/suspend',
    '/agents/:id/revoke',
    '/mine/:id/resign',
    '/mine/:id/withdraw',
    '/messages/read',
    '/browsers',
    '/organization-password'
  ]
  t.same(
    await attack(
      kora,
      browser,
      [
        ...get.map((path) => ({ method: 'GET', path: `/me${path}` })),
        ...post.map((path) => ({ method: 'POST', path: `/me${path}` }))
      ],
      csrf
    ),
    []
  )
})

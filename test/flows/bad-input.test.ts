/**
 * Bad input at every address: never a 500, always a page in the person's language with a trace id and a way on, or a
 * problem. Wrong passwords, unknown, locked, disabled and unactivated accounts get one answer. Floods are bounded.
 * The addresses come from the router itself, so that a new one is tried without being named here.
 */
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import {
  at,
  continueAfterPhone,
  payloadOf,
  send,
  startKora,
  submitPassword,
  screen,
  words,
  type Answer,
  type Browser,
  type Kora
} from '../support/driver/index.ts'

t.setTimeout(300_000)

const proxied = { TRUSTED_PROXIES: '127.0.0.1,::1' }
const form = 'application/x-www-form-urlencoded'

/** A browser behind an address of its own. */
function browserAt (kora: Kora, ip: string): Browser {
  const browser = kora.newBrowser()
  const own = browser.request.bind(browser)
  browser.request = async (address, init = {}) =>
    await own(address, {
      ...init,
      headers: {
        ...(init.headers as Record<string, string> | undefined),
        'x-forwarded-for': ip,
        'accept-encoding': 'identity'
      }
    })
  return browser
}

interface Route {
  path: string
  methods: string[]
}

/** What the router answers, read from its own drawing. */
function routesOf (drawing: string): Route[] {
  const parts: string[] = []
  return drawing.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods = ''] =
      /^((?:│ {3}| {4})*)(?:├── |└── )(\S+) \(([^)]*)\)$/.exec(line) ?? []
    if (part === '') return []
    parts.length = indent.length / 4
    parts.push(part)
    return [{ path: `/${parts.join('/')}`.replace(/\/+/g, '/'), methods: methods.split(', ') }]
  })
}

/** What is wrong with an answer, in words; '' when it is as it must be. */
function faultOf (method: string, status: number, type: string, text: string): string {
  if (status >= 500) return 'a fault of ours'
  if (status < 400 || method === 'HEAD') return ''
  if (/undefined|\[object |NaN| {4}at /.test(text)) return `leaks: ${text.slice(0, 200)}`
  if (type.startsWith('text/html')) {
    if (!text.includes('<html lang="en"')) return 'not in the language asked for'
    if (!/[\da-f]{4} [\da-f]{4} [\da-f]{4}/.test(text)) return 'no trace id'
    return /class="(btn|plain-link)/.test(text) ? '' : 'no way on'
  }
  if (!/^application\/(problem\+)?json/.test(type)) return `an answer of type "${type}"`
  return /"(trace_id|error|text)":/.test(text) ? '' : `says nothing: ${text.slice(0, 100)}`
}

t.test('every address, with everything that can be wrong', async (t) => {
  const kora = await startKora(t)
  const routes = routesOf(kora.inside.kora.app.printRoutes({ commonPrefix: false }))
  t.ok(routes.length > 60, `${routes.length} addresses`)
  // real ones for the places in the patterns: an attempt at its QR code, scanned by a phone's browser
  const [browser, phone] = [kora.newBrowser(), kora.newBrowser()]
  const person = await kora.sandbox.account('zhaxi')
  const qr = await submitPassword(browser, await browser.go(`${kora.site}/login`), {
    account: person.cert_no,
    password: person.password
  })
  const real: Record<string, string> = {
    uid: at(qr).split('/')[2] ?? '',
    ticket: /data-id="([^"]+)"/.exec(qr.text)?.[1] ?? '',
    payload: payloadOf(qr).split('/q/')[1] ?? ''
  }
  real['ticketId'] = real['ticket'] ?? ''
  t.match(at(await phone.submit(await phone.go(payloadOf(qr)))), /\/confirm$/)
  const cookies = (who: Browser, names: string[]): string =>
    names.flatMap((name) => (who.cookie(name) === undefined ? [] : [`${name}=${who.cookie(name)}`])).join('; ')
  const scan = `kora_scan_${real['ticket']}`
  const cookieOf = (path: string): string =>
    path.startsWith('/v') || path.startsWith('/q')
      ? cookies(phone, ['kora_browser', scan, 'kora_scanned'])
      : cookies(browser, ['kora_browser', 'kora_interaction'])

  const broken: Array<{
    name: string
    query?: string
    headers?: Record<string, string>
    body?: string
    type?: string
  }> = [
    { name: 'as it is' },
    { name: 'no cookie', headers: { cookie: '' } },
    {
      name: 'odd cookies',
      headers: {
        cookie:
          'kora_browser=%00; kora_browser=a; kora_lang=%zz; kora_size=[]; kora_interaction=%00; kora_device=%00; ' +
          'kora_session=x; =;;'
      }
    },
    { name: 'odd query', query: '?lang=en&lang=bo&lang[a]=1&size=l&size=n&__proto__=1&a=%zz&b=%c0%af&c=%00' },
    { name: 'many in the query', query: `?${'a=1&'.repeat(3000)}` },
    {
      name: 'odd headers',
      headers: {
        'user-agent': 'Mobile '.repeat(500),
        'x-forwarded-for': 'a, b'.repeat(500),
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'gopher',
        range: 'bytes=0-0',
        'if-none-match': '*'
      }
    },
    {
      name: 'duplicates',
      body: 'csrf=a&csrf=b&account=a&account=b&password=1&password=2&decision=accept&decision=reject&__proto__=1',
      type: form
    },
    {
      name: 'nested',
      body: 'csrf[a]=1&account[x]=1&account[toString]=1&__proto__[a]=1&constructor.prototype=1',
      type: form
    },
    {
      name: 'NUL, emoji, right to left',
      body: 'csrf=%00&account=%00%F0%9F%98%80&password=%E2%80%AE&code=%00&name=%00&payload=%00&person=%00',
      type: form
    },
    { name: 'no UTF-8', body: 'csrf=%zz&account=%c0%af&password=%', type: form },
    {
      name: 'ten thousand parameters',
      body: Array.from({ length: 5000 }, (_, i) => `a${i}=1&b`).join('&'),
      type: form
    },
    { name: 'too large', body: `account=${'A'.repeat(70_000)}`, type: form },
    { name: 'another charset', body: 'account=1', type: `${form}; charset=gb2312` },
    {
      name: 'JSON of another shape',
      body: '{"csrf":1,"account":{"a":1},"payload":["\\u0000"],"person":"\\u0000","outcomes":[null]}',
      type: 'application/json'
    },
    { name: 'JSON null', body: 'null', type: 'application/json' },
    { name: 'broken JSON', body: '{', type: 'application/json' },
    { name: 'poisoned JSON', body: '{"__proto__":{"a":1}}', type: 'application/json' },
    { name: 'deep JSON', body: '{"a":'.repeat(5000) + '1' + '}'.repeat(5000), type: 'application/json' },
    { name: 'an odd type', body: '{"a":1}', type: 'APPLICATION/JSON\t;' },
    { name: 'no type at all', body: 'x', type: ';;;' },
    { name: 'another type', body: '<a/>', type: 'text/xml' },
    { name: 'multipart', body: '--x\r\n\r\n--x--', type: 'multipart/form-data; boundary=x' }
  ]
  const places = [
    '%00',
    '..%2f..%2fetc',
    '%zz',
    '%c0%af',
    encodeURIComponent('😀\u202e'),
    'a'.repeat(5000),
    '%2f'.repeat(90),
    '__proto__',
    'A'.repeat(21),
    'A'.repeat(28)
  ]
  const others: Route[] = [
    '/nothing',
    '//oidc/auth',
    '/OIDC/auth',
    '/%6fidc/auth',
    '/oidc%2fauth',
    '/i',
    '/i/',
    '/i//login',
    '/q',
    '/v',
    '/sandbox/',
    '/sandbox/api/nothing',
    '/app/v1/nothing',
    '/app',
    '/assets/',
    '/assets/..%2f..%2fpackage.json',
    '/.env',
    '/%',
    '/healthz/'
  ].map((path) => ({ path, methods: ['GET', 'POST'] }))

  const jobs: Array<() => Promise<void>> = []
  const faults: string[] = []
  let sent = 0
  const ask = (
    method: string,
    pattern: string,
    path: string,
    { name, query = '', headers = {}, body, type }: (typeof broken)[number]
  ): void => {
    if (body !== undefined && ['GET', 'HEAD', 'TRACE'].includes(method)) return
    jobs.push(async () => {
      const answer = await send(kora.issuer, {
        method,
        path: path + query,
        headers: {
          accept: 'text/html',
          'accept-language': 'en',
          cookie: cookieOf(path),
          origin: kora.issuer,
          connection: 'close',
          ...(type === undefined ? {} : { 'content-type': type }),
          ...headers
        },
        ...(body === undefined ? {} : { body })
      })
      sent++
      const fault = faultOf(method, answer.status, answer.headers.get('content-type') ?? '', await answer.text())
      if (fault !== '') faults.push(`${method} ${pattern} (${name}): ${answer.status}, ${fault}`)
    })
  }
  for (const { path: pattern, methods } of [...routes, ...others]) {
    // a stream stays open: see the tests of the QR page
    if (pattern.endsWith('/events')) continue
    const path = pattern.replace(/:(\w+)/g, (_, name: string) => real[name] ?? 'x')
    for (const method of methods) for (const one of broken) ask(method, pattern, path, one)
    for (const method of ['OPTIONS', 'PUT', 'DELETE', 'TRACE', 'PROPFIND'].filter((one) => !methods.includes(one))) {
      ask(method, pattern, path, { name: 'a method of nobody' })
    }
    if (pattern.includes(':')) {
      for (const place of places) {
        for (const method of methods) {
          ask(method, pattern, pattern.replace(/:\w+/g, place), { name: place.slice(0, 30) })
        }
      }
    }
  }
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) await job()
    })
  )
  for (const fault of faults.slice(0, 40)) t.fail(fault)
  t.equal(faults.length, 0, `${sent} requests`)
  t.equal(
    kora.logs().filter((line) => line.includes('"level":"error"')).length,
    0,
    'and nothing of it is a fault in the log'
  )
  t.notMatch(kora.logs().join(''), /evil\.example|😀/)
})

t.test('a refused form leads to a page that can be opened', async (t) => {
  const kora = await startKora(t)
  const browser = kora.newBrowser()
  const person = await kora.sandbox.account('zhaxi')
  const qr = await submitPassword(browser, await browser.go(`${kora.site}/login`), {
    account: person.cert_no,
    password: person.password
  })
  const ticket = /data-id="([^"]+)"/.exec(qr.text)?.[1] ?? ''
  const base = qr.url.replace(/\/qr$/, '')
  for (const step of ['/login', '/switch', '/select', '/counter', '/consent', '/qr/renew', `/qr/${ticket}/check`]) {
    const refused = await browser.request(base + step, {
      method: 'POST',
      body: new URLSearchParams({ csrf: 'wrong' })
    })
    t.equal(refused.status, 403, step)
    const on = /class="btn main" href="([^"]+)"/.exec(refused.text)?.[1] ?? ''
    t.equal((await browser.go(new URL(on, kora.issuer).href)).status, 200, `${step} → ${on}`)
  }
})

t.test('what people type as an account', async (t) => {
  const kora = await startKora(t, { env: proxied })
  let next = 0
  const type = async (account: string | string[], password: string | string[] = 'x'): Promise<Answer> => {
    const browser = browserAt(kora, `198.51.100.${++next}`)
    const page = await browser.go(`${kora.site}/login`)
    return await browser.submit(
      page,
      { account, password, agree: '1' },
      { form: (one) => 'password' in one.fields, stop: (url) => url.origin === kora.site }
    )
  }
  const zhuoma = await kora.sandbox.account('zhuoma')
  const ronghe = await kora.sandbox.account('ronghe')
  const fullWidth = (text: string): string =>
    [...text].map((c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)).join('')
  for (const [name, account, { password }] of [
    ['as it is', zhuoma.cert_no, zhuoma],
    ['full-width', fullWidth(zhuoma.cert_no), zhuoma],
    ['in groups', `${zhuoma.cert_no.slice(0, 6)} ${zhuoma.cert_no.slice(6, 14)} ${zhuoma.cert_no.slice(14)}`, zhuoma],
    ['lower-case x', ronghe.cert_no.toLowerCase(), ronghe],
    ['full-width x', ronghe.cert_no.replace('X', 'ｘ'), ronghe],
    ['+86', `+86 ${zhuoma.phone}`, zhuoma],
    ['0086', `0086${zhuoma.phone}`, zhuoma],
    ['86-', `86-${zhuoma.phone}`, zhuoma],
    ['full-width phone', fullWidth(zhuoma.phone), zhuoma],
    ['zero-width spaces', [...zhuoma.phone].join('\u200b'), zhuoma]
  ] as const) {
    const answer = await type(account, password)
    // one of them also acts for organizations, and is asked in whose name
    t.ok(new URL(answer.url).origin === kora.site || at(answer).endsWith('/select'), `${name}: ${account} logs in`)
  }
  for (const [account, ...faults] of [
    ['', 'required'],
    ['540103951121402', 'legacy15'],
    ['540103199511214028', 'check'],
    ['540103199513514025', 'date'],
    ['12345', 'format', 'length', 'phone'],
    ['😀😀', 'format'],
    ['\u202e0009310093 1', 'phone', 'format', 'length'],
    ["' or 1=1 --", 'format'],
    ['<script>alert(1)</script>', 'format'],
    ['9'.repeat(4000), 'length', 'format']
  ] as const) {
    const answer = await type(account)
    t.equal(answer.status, 422, `"${account.slice(0, 30)}"`)
    const [error = ''] = screen(answer.text).errors
    t.ok(faults.some((fault) => error === `fault.account.${fault}`), `${account.slice(0, 30)}: ${error}`)
    t.notMatch(answer.text, /<script>alert/)
  }
  for (const [name, answer] of [
    ['two accounts', await type([zhuoma.cert_no, ronghe.cert_no])],
    ['two passwords', await type(zhuoma.cert_no, ['a', 'b'])],
    ['an endless account', await type('9'.repeat(5000))]
  ] as const) {
    t.equal(answer.status, 400, name)
    t.same(screen(answer.text).errors, ['error.bad_request'])
  }
  for (const password of ['\u0000', 'a\u0000b', '😀'.repeat(300), ' '.repeat(100), '\u202e\u200b']) {
    t.ok([400, 422].includes((await type(zhuoma.cert_no, password)).status), JSON.stringify(password.slice(0, 6)))
  }
})

/** Everything of an answer that must not differ: what is made anew each time is taken out. */
function compared (answer: Answer, typed: string): unknown {
  const text = answer.text
    .replaceAll(typed, '·')
    .replaceAll(at(answer).split('/')[2] ?? '', 'uid')
    .replace(/(name="csrf" value=")[^"]+/g, '$1')
    .replace(/[\da-f]{4} [\da-f]{4} [\da-f]{4}/g, 'trace')
  const headers = [...answer.headers].filter(([name]) => !['date', 'set-cookie', 'content-length'].includes(name))
  return {
    status: answer.status,
    headers,
    cookies: answer.headers.getSetCookie().map((line) => line.replace(/=[^;]*/, '')),
    text
  }
}

t.test('unknown, wrong, locked, disabled, unactivated: one answer, try by try (T042)', async (t) => {
  const kora = await startKora(t, { env: proxied })
  const password = (await kora.sandbox.account('zhaxi')).password
  const of = async (handle: string): Promise<[string, string]> => {
    const { cert_no: certNo, phone } = await kora.sandbox.account(handle)
    return [certNo, phone]
  }
  const accounts: Array<[string, [string, string], string]> = [
    ['wrong password', await of('zhaxi'), 'Not-the-right-1'],
    ['unknown', ['540102199003079995', '13500135000'], password],
    ['locked', await of('suoding'), 'Not-the-right-1'],
    ['disabled', await of('tingyong'), 'Not-the-right-1'],
    ['unactivated', await of('weijihuo'), 'Not-the-right-1']
  ]
  for (const kind of [0, 1] as const) {
    const seen = await Promise.all(
      accounts.map(async ([name, identifiers, given], n) => {
        const browser = browserAt(
          kora,
          `203.0.${100 + kind}.${n + 1}`.replace(
            /\.(\d+)\.(\d+)$/,
            (_, a: string, b: string) => `.${Number(a) + Number(b)}.1`
          )
        )
        const answers: unknown[] = []
        let page = await browser.go(`${kora.site}/login`)
        for (let i = 0; i < 7; i++) {
          page = await submitPassword(browser, page, { account: identifiers[kind], password: given })
          answers.push(compared(page, identifiers[kind]))
        }
        return [name, answers] as const
      })
    )
    const [, first] = seen[0] ?? ['', []]
    t.same(
      first.map((one) => (one as { status: number }).status),
      [422, 422, 422, 422, 422, 429, 429]
    )
    for (const [name, answers] of seen.slice(1)) t.same(answers, first, `${['number', 'phone'][kind]}: ${name}`)
  }
})

t.test('strangers cannot lock somebody out', async (t) => {
  const kora = await startKora(t, { env: proxied })
  const person = await kora.sandbox.account('zhuoma')
  const own = browserAt(kora, '192.0.2.1')
  const home = await submitPassword(own, await own.go(`${kora.site}/login?prompt=login`), {
    account: person.cert_no,
    password: person.password
  })
  t.equal(new URL(home.url).origin, kora.site, 'known from this browser')

  for (let n = 1; n <= 5; n++) {
    const stranger = browserAt(kora, `198.51.${n}.1`)
    let page = await stranger.go(`${kora.site}/login`)
    for (let i = 0; i < 6; i++) {
      page = await submitPassword(stranger, page, { account: person.cert_no, password: 'Guessed-2026' })
    }
    t.equal(page.status, 429, `stranger ${n}`)
    t.ok(screen(page.text).errors.includes('fault.account.throttled'))
  }
  const relogin = await own.go(`${kora.site}/login?prompt=login`)
  t.equal(
    new URL(
      (await own.submit(relogin, { password: person.password }, { form: (one) => 'password' in one.fields })).url
    ).origin,
    kora.site,
    'the own browser logs in'
  )
  const elsewhere = browserAt(kora, '192.0.2.77')
  t.equal(
    new URL(
      (
        await submitPassword(elsewhere, await elsewhere.go(`${kora.site}/login`), {
          account: person.phone,
          password: person.password
        })
      ).url
    ).origin,
    kora.site,
    'and so does a new one at another address'
  )

  // somebody who types nonsense a thousand times does not fill the audit trail
  const { db } = kora.inside.services
  const count = async (): Promise<number> =>
    Number(
      (
        await db
          .selectFrom('auditEvent')
          .select(({ fn }) => fn.countAll().as('n'))
          .where('type', '=', 'login.throttled')
          .executeTakeFirstOrThrow()
      ).n
    )
  const loud = browserAt(kora, '198.51.9.1')
  const page = await loud.go(`${kora.site}/login`)
  const before = await count()
  for (let i = 0; i < 70; i++) await submitPassword(loud, page, { account: person.cert_no, password: 'Guessed-2026' })
  t.equal((await count()) - before, 50)
})

t.test(
  'a flood of begun logins is bounded by address; single sign-on and others are not disturbed (T092)',
  async (t) => {
    const kora = await startKora(t, { env: { ...proxied, LOGIN_STARTS_PER_ADDRESS: '20' } })
    const person = await kora.sandbox.account('zhuoma')
    const member = browserAt(kora, '192.0.2.9')
    await submitPassword(member, await member.go(`${kora.site}/login`), {
      account: person.cert_no,
      password: person.password
    })
    const address = (await kora.newBrowser().request(`${kora.site}/login`)).headers.get('location') ?? ''
    for (let i = 0; i < 30; i++) {
      t.equal(new URL((await member.go(`${kora.site}/login`)).url).origin, kora.site, 'single sign-on')
    }

    const statuses = []
    for (let i = 0; i < 40; i++) statuses.push((await browserAt(kora, '203.0.113.7').request(address)).status)
    t.equal(statuses.filter((status) => status === 303).length, 20)
    t.equal(statuses.filter((status) => status === 429).length, 20)
    const refused = await browserAt(kora, '203.0.113.7').request(address, { headers: { 'accept-language': 'en' } })
    t.match(refused.headers.get('retry-after'), /^\d+$/)
    t.match(words(refused.text), /Try again in about \d|minutes/)
    const rows = async (kind: 'Interaction'): Promise<number> =>
      Number(
        (
          await kora.inside.services.db
            .selectFrom('oidcArtifact')
            .select(({ fn }) => fn.countAll().as('n'))
            .where('model', '=', kind)
            .executeTakeFirstOrThrow()
        ).n
      )
    t.ok((await rows('Interaction')) <= 23, 'rows are bounded')
    t.equal((await browserAt(kora, '203.0.113.8').request(address)).status, 303, 'a neighbour is free')
    for (let i = 0; i < 20; i++) {
      await browserAt(kora, `2001:db8:0:1${i.toString(16).padStart(2, '0')}::1`).request(address)
    }
    t.equal(
      (await browserAt(kora, '2001:db8:0:1ff::1').request(address)).status,
      429,
      'addresses of one IPv6 subscriber are one'
    )
    t.equal((await browserAt(kora, '2001:db8:1:100::1').request(address)).status, 303)
  }
)

t.test('sizes and times of a request are bounded', async (t) => {
  const kora = await startKora(t)
  const { server } = kora.inside.kora.app
  t.equal(server.requestTimeout, 30_000)
  t.ok(server.headersTimeout > 0 && server.headersTimeout <= 60_000)
  const large = await new Promise<number | undefined>((resolve) => {
    const outgoing = request(
      `${kora.issuer}/healthz`,
      { headers: { 'x-a': 'a'.repeat(20_000) }, agent: new Agent() },
      (incoming) => {
        incoming.resume()
        resolve(incoming.statusCode)
      }
    )
    outgoing.on('error', () => {
      resolve(0)
    })
    outgoing.end()
  })
  t.equal(large, 431)
  const raw = async (text: string): Promise<string> =>
    await new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(kora.issuer).port), 'localhost', () => {
        socket.write(text)
      })
      let answer = ''
      socket.on('data', (data) => {
        answer += data.toString('latin1')
      })
      socket.on('close', () => {
        resolve(answer)
      })
      socket.on('error', reject)
    })
  const host = new URL(kora.issuer).host
  t.match(
    await raw(
      `POST /help HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`
    ),
    /^HTTP\/1\.1 400/,
    'two lengths'
  )
  t.match(
    await raw(`GET /help HTTP/1.1\r\nHost: ${host}\r\nHost: evil.example\r\nConnection: close\r\n\r\n`),
    /^HTTP\/1\.1 4\d\d/,
    'two hosts'
  )
  t.match(await raw('GET /help HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 421/)
})

t.test('canaries: nothing of a person in addresses, logs and metrics, over a whole journey', async (t) => {
  const kora = await startKora(t)
  const person = await kora.sandbox.account('zhaxi')
  const browser = kora.newBrowser()
  let qr = await browser.go(`${kora.site}/login`)
  qr = await submitPassword(browser, qr, { account: person.cert_no, password: 'Canary-wrong-77' })
  qr = await submitPassword(browser, qr, { account: person.phone, password: person.password })
  const wrong = await kora.sandbox.journey({
    payload: payloadOf(qr),
    person: 'zhaxi',
    identity: { outcome: 'wrong_name' }
  })
  t.not(wrong.outcome, 'confirmed')
  const renewed = await browser.submit(qr, {}, { form: (one) => one.action.endsWith('/renew') })
  const phone = await kora.sandbox.journey({
    payload: payloadOf(renewed),
    person: 'zhaxi',
    face: ['mismatch', 'pass']
  })
  t.equal(phone.outcome, 'confirmed', JSON.stringify(phone.steps.at(-1)))
  const done = await continueAfterPhone(browser, renewed)
  const home = await browser.go(
    new URL(/href="([^"]*\/oidc\/auth\/[^"]*)"/.exec(done.text)?.[1] ?? '', kora.issuer).href
  )
  t.match(words(home.text), /扎西顿珠/)
  const metrics = await (await fetch(`${kora.issuer}/metrics`)).text()
  const logs = kora.logs().join('')
  t.match(metrics, /logins_total\{/)
  const secrets = [
    person.cert_no,
    person.phone,
    person.name,
    person.password,
    'Canary-wrong-77',
    browser.cookie('kora_browser') ?? '',
    browser.cookie('kora_session') ?? ''
  ]
  t.ok(
    secrets.every((secret) => secret.length > 3),
    'all canaries are there'
  )
  const spellings = secrets.flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('hex'),
    JSON.stringify(secret).slice(1, -1),
    `${secret.slice(0, 6)} ${secret.slice(6)}`
  ])
  for (const [where, text] of [
    ['addresses', browser.history.join('\n')],
    ['logs', logs],
    ['metrics', metrics]
  ] as const) {
    t.same(
      spellings.filter((spelling) => text.includes(spelling)),
      [],
      where
    )
  }
  const codes = browser.history.flatMap((address) => new URL(address).searchParams.get('code') ?? [])
  t.ok(codes.length > 0)
  for (const code of codes) t.notOk(logs.includes(code), 'no code in the log')
})

/** Two processes on one database: single use, one count, one outcome, whoever is asked, and whichever dies. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import * as oidc from 'openid-client'
import t, { type Test } from 'tap'
import { testPostgres } from '../support/database.ts'
import {
  arrivedAt,
  at,
  continueAfterPhone,
  payloadOf,
  RelyingParty,
  scanAndReturn,
  startProcesses,
  submitPassword,
  type Answer,
  type Browser,
  type Processes,
  type RelyingPartyOptions
} from '../support/driver/index.ts'
import { withPostgres } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { loginHash } from '../../src/records/audit/index.ts'

const password = 'Snow-lion-2026'
const accounts = {
  zhuoma: '13900139000',
  ronghe: '15100151000',
  zhaxi: '540102199003072515',
  yangjin: '540126197708125025',
  laoren: '540102195105204015',
  xuesheng: '540202200002291012'
}
const person = (handle: keyof typeof accounts): { account: string; password: string } => ({
  account: accounts[handle],
  password
})
const twenty = Array.from({ length: 20 }, (_, i) => i)
const either = (): (() => number) => {
  let turn = 0
  return () => turn++ % 2
}
const countOf = <T>(values: T[], wanted: T): number => values.filter((value) => value === wanted).length

async function party (
  kora: Processes,
  clientId: string,
  instance: () => number,
  more: Partial<RelyingPartyOptions> = {}
): Promise<RelyingParty> {
  const client = (await kora.sandbox(instance()).clients()).find((one) => one.client_id === clientId)
  const redirectUri = (client?.metadata['redirect_uris'] as string[] | undefined)?.at(-1) ?? ''
  return await RelyingParty.discover({
    issuer: kora.issuer,
    clientId,
    secret: client?.client_secret ?? null,
    redirectUri,
    fetch: kora.fetchVia(instance),
    ...more
  })
}

await withPostgres(t, 'PostgreSQL, two processes', twoProcesses)

async function twoProcesses (t: Test, url: string): Promise<void> {
  const database = await testPostgres(t, url, 2)
  const { db } = database
  const kora = await startProcesses(t, {
    instances: 2,
    databaseUrl: database.url ?? '',
    env: { DATABASE_POOL_SIZE: '8', DRAIN_NOTICE_SECONDS: '3' }
  })
  const site = await party(kora, 'demo-site', either())
  const app = await party(kora, 'demo-public', either())
  const api = await party(kora, 'demo-resource', either())
  const tokenRequest = async (
    body: Record<string, string>,
    clientId: 'demo-site' | 'demo-public',
    instance: number
  ): Promise<{ status: number; body: Record<string, string> }> => {
    const response = await kora.fetchVia(() => instance)(`${kora.issuer}/oidc/token`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(clientId === 'demo-site'
          ? { authorization: `Basic ${btoa('demo-site:demo-site-secret-for-the-sandbox-only')}` }
          : {})
      },
      body: new URLSearchParams({ ...body, ...(clientId === 'demo-public' ? { client_id: clientId } : {}) })
    })
    return { status: response.status, body: (await response.json()) as Record<string, string> }
  }
  const active = async (token: string): Promise<boolean> => (await oidc.tokenIntrospection(api.config, token)).active
  const events = async (type: string, uid?: string): Promise<number> => {
    const {
      rows: [row]
    } = await sql<{
      n: number
    }>`select count(*)::int as n from audit_event where type = ${type} and (${uid ?? null}::text is null
      or login_attempt_uid = ${uid === undefined ? null : loginHash(uid)})`.execute(db)
    return row?.n ?? -1
  }
  const uidOf = (page: Answer): string => at(page).split('/')[2] ?? ''
  const begin = async (
    browser: Browser,
    extra: Record<string, string> = {}
  ): Promise<{ started: Awaited<ReturnType<RelyingParty['start']>>; page: Answer; uid: string }> => {
    const started = await site.start(extra)
    const page = await site.visit(browser, started)
    return { started, page, uid: uidOf(page) }
  }

  await t.test('a login that is spread over both', async (t) => {
    const browser = kora.newBrowser(either())
    const tokens = await site.login(browser, person('zhuoma'))
    t.ok(await active(tokens.access_token))
    t.equal((await site.again(browser, { prompt: 'none' })).claims()?.sub, tokens.claims()?.sub)
  })

  await t.test('twenty redemptions of one code: one answer, and the replays end what it gave', async (t) => {
    for (const clientId of ['demo-site', 'demo-public'] as const) {
      const relying = clientId === 'demo-site' ? site : app
      const browser = kora.newBrowser(either())
      const started = await relying.start()
      const arrival = arrivedAt(
        relying,
        await submitPassword(browser, await relying.visit(browser, started), person('zhuoma'), relying.arrived)
      )
      const body = {
        grant_type: 'authorization_code',
        code: new URL(arrival).searchParams.get('code') ?? '',
        redirect_uri: relying.redirectUri,
        code_verifier: started.verifier
      }
      const answers = await Promise.all(twenty.map(async (i) => await tokenRequest(body, clientId, i % 2)))
      const winners = answers.filter((answer) => answer.status === 200)
      t.equal(winners.length, 1, `${clientId}: exactly one`)
      t.equal(answers.filter((answer) => answer.status === 400 && answer.body['error'] === 'invalid_grant').length, 19)
      t.notOk(await active(winners[0]?.body['access_token'] ?? ''), 'RFC 6749 §4.1.2: its access token is dead')
      t.equal(
        (
          await tokenRequest(
            { grant_type: 'refresh_token', refresh_token: winners[0]?.body['refresh_token'] ?? '' },
            clientId,
            0
          )
        ).status,
        400,
        'and its refresh token'
      )
    }
  })

  await t.test('twenty refreshes with one rotating token: one answer, and the family is dead', async (t) => {
    const tokens = await app.login(kora.newBrowser(either()), person('ronghe'))
    const answers = await Promise.all(
      twenty.map(
        async (i) =>
          await tokenRequest(
            { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' },
            'demo-public',
            i % 2
          )
      )
    )
    const winners = answers.filter((answer) => answer.status === 200)
    t.equal(winners.length, 1)
    t.equal(
      (
        await tokenRequest(
          { grant_type: 'refresh_token', refresh_token: winners[0]?.body['refresh_token'] ?? '' },
          'demo-public',
          1
        )
      ).status,
      400
    )
    t.notOk(await active(winners[0]?.body['access_token'] ?? ''))
    t.notOk(await active(tokens.access_token))
  })

  await t.test('a token that does not rotate may be used twenty times at once', async (t) => {
    const tokens = await site.login(kora.newBrowser(either()), person('ronghe'))
    const answers = await Promise.all(
      twenty.map(
        async (i) =>
          await tokenRequest(
            { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' },
            'demo-site',
            i % 2
          )
      )
    )
    t.equal(
      countOf(
        answers.map((answer) => answer.status),
        200
      ),
      20
    )
  })

  await t.test('one interaction submitted many times at once, by two persons: one outcome', async (t) => {
    const browser = kora.newBrowser(either())
    const { started, page, uid } = await begin(browser)
    const windows = Array.from({ length: 8 }, (_, i) => ({
      window: browser.clone(),
      who: i % 2 === 0 ? ('zhuoma' as const) : ('ronghe' as const)
    }))
    const answers = await Promise.all(
      windows.map(async ({ window, who }) => await submitPassword(window, page, person(who), site.arrived))
    )
    t.same(
      answers.filter((answer) => answer.status >= 500).map((answer) => `${answer.status} ${answer.url}`),
      []
    )
    t.equal(await events('login.succeeded', uid), 1, 'one login')
    const codes = [
      ...new Set(
        answers
          .filter((answer) => site.arrived(new URL(answer.url)))
          .map((answer) => new URL(answer.url).searchParams.get('code'))
      )
    ].filter((code) => code !== null)
    t.equal(codes.length, 1, 'one code')
    const arrival = answers.find(
      (answer) => site.arrived(new URL(answer.url)) && new URL(answer.url).searchParams.has('code')
    )
    const tokens = await site.redeem(started, arrival?.url ?? '')
    const {
      rows: [row]
    } = await sql<{
      same: boolean
    }>`select p.sub = ${tokens.claims()?.sub ?? ''} as same from audit_event e join person p on p.id = e.person_id
      where e.type = 'login.succeeded' and e.login_attempt_uid = ${loginHash(uid)}`.execute(db)
    t.equal(row?.same, true, 'of the person in the audit trail')
  })

  await t.test('one confirmed scan ticket, fetched twenty times at once: used once', async (t) => {
    const browser = kora.newBrowser(either())
    const { started, page, uid } = await begin(browser, { acr_values: 'urn:kora:loa:3' })
    const qr = await submitPassword(browser, page, person('zhuoma'))
    const phone = await kora.sandbox(1).journey({ payload: payloadOf(qr), person: 'zhuoma' })
    t.equal(phone.outcome, 'confirmed', JSON.stringify(phone.steps.at(-1)))
    const windows = twenty.map(() => browser.clone())
    const answers = await Promise.all(
      windows.map(async (window) => await continueAfterPhone(window, qr, site.arrived))
    )
    t.same(
      answers.filter((answer) => answer.status >= 500).map((answer) => `${answer.status} ${answer.url}`),
      []
    )
    t.equal(await events('scan-ticket.consumed', uid), 1)
    t.equal(await events('login.succeeded', uid), 1)
    const back = answers
      .map(
        (answer) =>
          /href="([^"]*\/oidc\/auth\/[^"]*)"/.exec(answer.text)?.[1] ??
          (site.arrived(new URL(answer.url)) ? answer.url : undefined)
      )
      .filter((link) => link !== undefined)
    t.ok(back.length >= 1)
    const arrivals = await Promise.all(
      back.map(async (link, i) =>
        site.arrived(new URL(link, kora.issuer))
          ? link
          : ((await windows[i]?.go(new URL(link, kora.issuer).href, {}, site.arrived))?.url ?? '')
      )
    )
    const codes = arrivals.filter(
      (link) => link !== '' && site.arrived(new URL(link)) && new URL(link).searchParams.has('code')
    )
    t.equal(new Set(codes).size, 1, 'one code')
    t.equal((await site.redeem(started, codes[0] ?? '')).claims()?.acr, 'urn:kora:loa:3')
  })

  await t.test('wrong passwords count together, and after a restart of both', async (t) => {
    const logins = await Promise.all(
      twenty.map(async () => {
        const browser = kora.newBrowser(either())
        return { browser, page: (await begin(browser)).page }
      })
    )
    const answers = await Promise.all(
      logins.map(
        async ({ browser, page }) =>
          await submitPassword(browser, page, { account: accounts.yangjin, password: 'Wrong-password-1' })
      )
    )
    const statuses = answers.map((answer) => answer.status)
    t.ok(countOf(statuses, 422) <= 5, `at most five were evaluated: ${statuses.join()}`)
    t.equal(countOf(statuses, 422) + countOf(statuses, 429), 20)
    await Promise.all([kora.term(0), kora.term(1)])
    await Promise.all([kora.restart(0), kora.restart(1)])
    const browser = kora.newBrowser(either())
    const right = await submitPassword(browser, (await begin(browser)).page, person('yangjin'))
    t.equal(right.status, 429, 'not even the right password, from here')
    t.ok(Number(right.headers.get('retry-after')) > 60)
  })

  await t.test(
    'kill -9 after the password, after the scan, after the face: the person goes on at the other process',
    async (t) => {
      for (const [handle, after] of [
        ['zhaxi', null],
        ['laoren', 'scan'],
        ['xuesheng', 'face']
      ] as const) {
        let instance = 0
        const browser = kora.newBrowser(() => instance)
        const { started, page } = await begin(browser)
        let qr = await submitPassword(browser, page, person(handle))
        t.match(at(qr), /\/qr$/)
        if (after !== null) {
          t.equal(
            (await kora.sandbox(0).journey({ payload: payloadOf(qr), person: handle, stop_after: after })).outcome,
            'stopped'
          )
        }
        await kora.kill9(0)
        instance = 1
        qr = await browser.go(qr.url)
        t.equal(qr.status, 200, `after ${after ?? 'the password'}: the page is there`)
        if (after !== null) qr = await browser.submit(qr, {}, { form: (form) => form.action.endsWith('/renew') })
        const back = await scanAndReturn(browser, kora.sandbox(1), qr, handle, site.arrived)
        await kora.restart(0)
        const tokens = await site.redeem(started, arrivedAt(site, back))
        t.equal(tokens.claims()?.acr, 'urn:kora:loa:3', `after ${after ?? 'the password'}: finished`)
        instance = 0
        t.equal(
          (await site.again(browser, { prompt: 'none' })).claims()?.sub,
          tokens.claims()?.sub,
          'and the session is known everywhere'
        )
      }
    }
  )

  await t.test('SIGTERM under load: no request fails, exit 0 in time', async (t) => {
    const up = [true, true]
    let turn = 0
    // as a load balancer: by readiness, and never again what was sent once
    const instance = (): number => (up[turn++ % 2] === true ? (turn - 1) % 2 : up[0] === true ? 0 : 1)
    const probes = setInterval(() => {
      for (const at of [0, 1]) {
        kora.ready(at).then(
          (ready) => {
            up[at] = ready
          },
          () => {}
        )
      }
    }, 100)
    const balanced = await party(kora, 'demo-site', instance)
    const failures: string[] = []
    let done = 0
    const load = { stopped: false }
    // no more at once than one source may try for one person: each try counts until it is found right
    const loads = Array.from({ length: 5 }, async () => {
      while (!load.stopped) {
        try {
          const browser = kora.newBrowser(instance)
          const tokens = await balanced.login(browser, person('zhuoma'))
          await balanced.again(browser, { prompt: 'none' })
          await oidc.refreshTokenGrant(balanced.config, tokens.refresh_token ?? '')
          done++
        } catch (error) {
          failures.push(String((error as Error).cause ?? error).slice(0, 200))
        }
      }
    })
    await until(() => done >= loads.length || failures.length > 0)
    // in time: what takes too long is ended with another code (drain.ts)
    const stoppedBefore = await events('service.stopped')
    const code = await kora.term(0)
    const before = done
    await until(() => done >= before + loads.length || failures.length > 0)
    load.stopped = true
    await Promise.all(loads)
    clearInterval(probes)
    t.equal(code, 0)
    t.same(failures, [])
    t.ok(before > 0 && done > before, `${before} logins, and ${done - before} when it was gone`)
    t.match(kora.logs(0), /draining/)
    t.match(kora.logs(0), /stopped/)
    t.equal(await events('service.stopped'), stoppedBefore + 1, 'and so says the trail')
    await kora.restart(0)
  })

  await t.test('a deployment that restarts both, one after the other: sessions and tokens go on', async (t) => {
    let instance = 0
    const browser = kora.newBrowser(() => instance)
    const relying = await party(kora, 'demo-site', () => instance)
    const tokens = await relying.login(browser, person('zhuoma'))
    instance = 1
    t.equal(await kora.term(0), 0)
    t.ok((await relying.again(browser, { prompt: 'none' })).access_token)
    await kora.restart(0)
    instance = 0
    t.equal(await kora.term(1), 0)
    await kora.restart(1)
    t.equal((await relying.again(browser, { prompt: 'none' })).claims()?.['sid'], tokens.claims()?.['sid'])
    t.ok((await oidc.refreshTokenGrant(relying.config, tokens.refresh_token ?? '')).access_token)
    const lines = [0, 1].flatMap((at) =>
      kora
        .logs(at)
        .split('\n')
        .filter((line) => line.startsWith('{'))
    )
    t.same(
      lines
        .filter((line) => /"level":"(error|fatal)"/.test(line) && !line.includes('"route":"/readyz"'))
        .map((line) => line.slice(0, 300)),
      [],
      'nothing failed inside in all of this'
    )
    t.notOk(
      lines.some((line) => /13900139000|540102199003072515|Snow-lion/.test(line)),
      'and nothing personal is in the logs'
    )
  })
}

t.test('the embedded database: sessions and tokens survive a restart', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kora-data-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const kora = await startProcesses(t, { instances: 1, env: { DATA_DIR: folder } })
  const site = await party(kora, 'demo-site', () => 0)
  const browser = kora.newBrowser(() => 0)
  const tokens = await site.login(browser, person('zhuoma'))
  t.equal(await kora.term(0), 0)
  await kora.restart(0)
  t.equal((await site.again(browser, { prompt: 'none' })).claims()?.['sid'], tokens.claims()?.['sid'])
  t.ok((await oidc.refreshTokenGrant(site.config, tokens.refresh_token ?? '')).access_token)
})

/**
 * J10: however a representation ends, it is over at once at every process; the sites are told; the person's other
 * contexts live on; both people are told; the trail names both. The same on PGlite with one process and on PostgreSQL
 * with two.
 */
import { createServer } from 'node:http'
import { createLocalJWKSet, decodeJwt, jwtVerify, type JSONWebKeySet } from 'jose'
import { sql, type Kysely } from 'kysely'
import * as oidc from 'openid-client'
import t, { type Test } from 'tap'
import type { Database } from '../../src/database/schema.ts'
import type { MessageKind } from '../../src/records/messages/index.ts'
import { signInAs } from '../journeys/console/support.ts'
import { enter, enterLegal } from '../journeys/user-center/support.ts'
import type { BrowserOptions } from '../support/driver/browser.ts'
import { testPostgres } from '../support/database.ts'
import {
  addClient,
  arrivedAt,
  at,
  chooseIdentity,
  freePort,
  RelyingParty,
  startKora,
  startProcesses,
  type Answer,
  type Browser,
  type Kora,
  type SandboxClient,
  type Started,
  type Tokens
} from '../support/driver/index.ts'
import { withPostgres } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { codeOf } from '../support/organizations.ts'

const [gongsi, cunjiti] = ['西藏示例科技有限公司', '林周县示例村股份经济合作社']
const api = 'urn:kora:demo:property:jwt'
const secret = 'a-secret-of-thirty-two-characters'

/** What both rigs offer. */
interface Rig {
  issuer: string
  processes: number
  db: Kysely<Database>
  fetchVia(instance: () => number): typeof fetch
  newBrowser(instance: () => number, options?: BrowserOptions): Browser
  sandbox(instance: number): SandboxClient
}

/** A relying site's back channel. `refusals`: how often each logout token is answered with an error first. */
async function receiver (t: Test, refusals: number): Promise<{ url: string; accepted: string[]; tried: number }> {
  const port = await freePort()
  const seen = new Map<string, number>()
  const own = { url: `http://localhost:${port}/logout`, accepted: [] as string[], tried: 0 }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      const token = new URLSearchParams(body).get('logout_token') ?? ''
      const { sid } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sid: string }
      own.tried += 1
      const times = (seen.get(sid) ?? 0) + 1
      seen.set(sid, times)
      if (times > refusals) own.accepted.push(token)
      response.writeHead(times > refusals ? 200 : 503, { 'cache-control': 'no-store' }).end()
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(port, 'localhost', resolve)
  })
  t.teardown(() => {
    server.close()
  })
  return own
}

await t.test('PGlite, one process', async (t) => {
  const ears = [await receiver(t, 0), await receiver(t, 2)] as const
  const kora = await startKora(t, { env: { EGRESS_ALLOWED: ears.map((ear) => new URL(ear.url).host).join() } })
  await endings(
    t,
    {
      issuer: kora.issuer,
      processes: 1,
      db: kora.inside.services.db,
      fetchVia: () => fetch,
      newBrowser: (_instance, options) => kora.newBrowser(options),
      sandbox: () => kora.sandbox
    },
    ears
  )
})
await withPostgres(t, 'PostgreSQL, two processes', async (t, url) => {
  const ears = [await receiver(t, 0), await receiver(t, 2)] as const
  const database = await testPostgres(t, url, 2)
  const kora = await startProcesses(t, {
    instances: 2,
    databaseUrl: database.url ?? '',
    env: { DATABASE_POOL_SIZE: '8', EGRESS_ALLOWED: ears.map((ear) => new URL(ear.url).host).join() }
  })
  await endings(t, { ...kora, processes: 2, db: database.db }, ears)
})

async function endings (
  t: Test,
  rig: Rig,
  [quick, slow]: readonly [Awaited<ReturnType<typeof receiver>>, Awaited<ReturnType<typeof receiver>>]
): Promise<void> {
  const { db, issuer } = rig
  const instances = Array.from({ length: rig.processes }, (_, i) => i)
  // for the pages of people and staff, which the support of other tests drives at the first process
  const first = {
    issuer,
    sandbox: rig.sandbox(0),
    newBrowser: (options?: BrowserOptions) => rig.newBrowser(() => 0, options),
    inside: { services: { db, config: { issuer } } }
  } as unknown as Kora
  for (const [clientId, ear] of [
    ['site-opaque', quick],
    ['site-jwt', slow]
  ] as const) {
    await addClient(first, {
      clientId,
      secret,
      metadata: {
        application_type: 'web',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [`http://localhost:9/${clientId}`],
        scope: 'openid profile',
        token_endpoint_auth_method: 'client_secret_basic',
        backchannel_logout_uri: ear.url,
        backchannel_logout_session_required: true
      },
      policy: {
        subjectKinds: ['person', 'organization'],
        functions: [{ code: 'property.query', name: '查询' }],
        introspects: [api]
      },
      resources: { [api]: { scopes: ['property:read'] } }
    })
  }
  const partyAt = async (clientId: string, instance: () => number): Promise<RelyingParty> => {
    const demo = clientId.startsWith('demo-')
      ? (await rig.sandbox(0).clients()).find(({ client_id: id }) => id === clientId)
      : undefined
    return await RelyingParty.discover({
      issuer,
      clientId,
      secret: demo?.client_secret ?? secret,
      redirectUri: (demo?.metadata['redirect_uris'] as string[] | undefined)?.[0] ?? `http://localhost:9/${clientId}`,
      fetch: rig.fetchVia(instance)
    })
  }
  const resourceOf = (party: RelyingParty): Record<string, string> => (jwt.includes(party) ? { resource: api } : {})
  const opaque = await Promise.all(instances.map(async (i) => await partyAt('site-opaque', () => i)))
  const jwt = await Promise.all(instances.map(async (i) => await partyAt('site-jwt', () => i)))
  const tax = await partyAt('demo-tax', () => 0)
  const zhuoma = await rig.sandbox(0).account('zhuoma')
  const gesang = await rig.sandbox(0).account('gesang')
  const uscc = codeOf('cunjiti')
  const organization = await db
    .selectFrom('organization')
    .selectAll()
    .where('uscc', '=', uscc)
    .executeTakeFirstOrThrow()
  await db
    .updateTable('delegation')
    .set({ clientIds: null })
    .where('organizationId', '=', organization.id)
    .where('state', '=', 'active')
    .execute()
  const delegation = await db
    .selectFrom('delegation')
    .selectAll()
    .where('organizationId', '=', organization.id)
    .where('state', '=', 'active')
    .executeTakeFirstOrThrow()
  const scopeOf = (party: RelyingParty): Record<string, string> =>
    jwt.includes(party) ? { scope: 'openid profile property:read', ...resourceOf(party) } : {}

  const personal = async (browser: Browser, page: Answer, stop: (url: URL) => boolean): Promise<Answer> =>
    await browser.submit(
      page,
      { account: zhuoma.cert_no, password: zhuoma.password, agree: '1' },
      { form: (form) => 'password' in form.fields, stop }
    )
  /** To the site, as this; whatever page comes in between. */
  const comeAs = async (
    party: RelyingParty,
    browser: Browser,
    choice: string,
    extra: Record<string, string> = {}
  ): Promise<Tokens> => {
    const started = await party.start({ prompt: 'select_account', ...scopeOf(party), ...extra })
    let page = await party.visit(browser, started)
    if (at(page).endsWith('/login')) page = await personal(browser, page, party.arrived)
    if (at(page).endsWith('/select')) page = await chooseIdentity(browser, page, choice, party.arrived)
    return await party.redeem(started, arrivedAt(party, page), {}, resourceOf(party))
  }
  const silent = async (party: RelyingParty, browser: Browser): Promise<{ started: Started; answer: URL }> => {
    const started = await party.start({ prompt: 'none', ...scopeOf(party) })
    return { started, answer: new URL(arrivedAt(party, await party.visit(browser, started))) }
  }
  const works = async (work: Promise<unknown>): Promise<boolean> =>
    await work.then(
      () => true,
      (error: unknown) => {
        // refused is not the same as failed
        const { status = 400, error: code } = error as { status?: number; error?: string }
        if (status >= 500 || (code === undefined && (error as { code?: string }).code === undefined)) throw error
        return false
      }
    )
  const introspects = async (party: RelyingParty, token: string): Promise<boolean> =>
    (await oidc.tokenIntrospection(party.config, token)).active
  const knowsMe = async (party: RelyingParty, tokens: Tokens): Promise<boolean> =>
    await works(oidc.fetchUserInfo(party.config, tokens.access_token, tokens.claims()?.sub ?? ''))
  const refreshes = async (party: RelyingParty, tokens: Tokens): Promise<boolean> =>
    await works(oidc.refreshTokenGrant(party.config, tokens.refresh_token ?? '', resourceOf(party)))

  interface Login {
    browser: Browser
    pin: { at: number }
    opaque: Tokens
    jwt: Tokens
    own: Tokens
    other: Tokens
    elsewhere: Browser
    codes: Array<{ party: RelyingParty; started: Started; arrival: string; title: string }>
  }
  /**
   * One agent at two sites, with codes that nobody has redeemed; beside it the same person as themself, and for another
   * organization.
   */
  async function login (): Promise<Login> {
    const pin = { at: 0 }
    const browser = rig.newBrowser(() => pin.at)
    const elsewhere = rig.newBrowser(() => 0)
    const tokens = {
      opaque: await comeAs(must(opaque[0]), browser, cunjiti),
      jwt: await comeAs(must(jwt[0]), browser, cunjiti),
      other: await comeAs(tax, browser, gongsi),
      own: await comeAs(must(opaque[0]), elsewhere, 'self')
    }
    const codes: Login['codes'] = []
    for (const i of instances) {
      for (const [name, parties] of [
        ['opaque', opaque],
        ['jwt', jwt]
      ] as const) {
        const party = must(parties[i])
        const { started, answer } = await silent(party, browser)
        codes.push({ party, started, arrival: answer.href, title: `${name} code at process ${i}` })
      }
    }
    return { browser, pin, elsewhere, ...tokens, codes }
  }

  /** What of the agent's context still works: each probe with its name; none may, after the end. */
  function probes ({ browser, pin, codes, ...tokens }: Login): Array<[title: string, alive: () => Promise<boolean>]> {
    const all: Array<[string, () => Promise<boolean>]> = codes.map(({ party, started, arrival, title }) => [
      title,
      async () => await works(party.redeem(started, arrival, {}, resourceOf(party)))
    ])
    for (const i of instances) {
      const [first, second] = [must(opaque[i]), must(jwt[i])]
      all.push(
        [`introspection at process ${i}`, async () => await introspects(first, tokens.opaque.access_token)],
        [
          `introspection of the JWT at process ${i}`,
          async () =>
            await works(
              introspects(second, tokens.jwt.access_token).then((active) => {
                if (!active) throw Object.assign(new Error('inactive'), { error: 'inactive' })
              })
            )
        ],
        [
          `introspection of the refresh token at process ${i}`,
          async () => await introspects(second, tokens.jwt.refresh_token ?? '')
        ],
        [`userinfo at process ${i}`, async () => await knowsMe(first, tokens.opaque)],
        [`refresh at process ${i}`, async () => await refreshes(first, tokens.opaque)],
        [`refresh of the JWT at process ${i}`, async () => await refreshes(second, tokens.jwt)]
      )
    }
    // one browser: one after the other
    // whom the person is at this site otherwise is another context; this one is never taken up again
    all.push([
      'silent sign-on',
      async () => {
        for (const i of instances) {
          pin.at = i
          for (const party of [must(opaque[i]), must(jwt[i])]) {
            const { started, answer } = await silent(party, browser)
            if (answer.searchParams.get('code') === null) continue
            const { representation } = (await party.redeem(started, answer.href, {}, resourceOf(party))).claims() as {
              representation?: { organization?: { uscc: string } }
            }
            if (representation?.organization?.uscc === uscc) return true
          }
        }
        return false
      }
    ])
    return all
  }

  /** All of them refused, from the first one that is sent when `end` has been answered. */
  async function overAtOnce (t: Test, given: Login, end: () => Promise<unknown>): Promise<void> {
    const before = probes(given).filter(([title]) => !title.includes('code') && !title.includes('of the JWT at'))
    t.same(
      (await Promise.all(before.map(async ([title, alive]) => ((await alive()) ? null : title)))).filter(
        (title) => title !== null
      ),
      [],
      'before: everything works'
    )
    await end()
    const late = await Promise.all(probes(given).map(async ([title, alive]) => ((await alive()) ? title : null)))
    t.same(
      late.filter((title) => title !== null),
      [],
      'at once, at every process'
    )
    const after = await Promise.all(
      probes(given)
        .filter(([title]) => !title.includes('code'))
        .map(async ([title, alive]) => ((await alive()) ? title : null))
    )
    t.same(
      after.filter((title) => title !== null),
      [],
      'and it stays so'
    )
  }

  const lives = async (t: Test, { own, other, elsewhere, browser, pin }: Login): Promise<void> => {
    for (const i of instances) {
      pin.at = i
      const site = must(opaque[i])
      t.ok(
        (await knowsMe(site, own)) && (await introspects(site, own.access_token)) && (await refreshes(site, own)),
        `as oneself at the same site, process ${i}`
      )
    }
    t.ok(
      (await knowsMe(tax, other)) && (await introspects(tax, other.access_token)) && (await refreshes(tax, other)),
      'for another organization at another site, in the same session'
    )
    t.equal((await silent(tax, browser)).answer.searchParams.get('error'), null, 'single sign-on there goes on')
    t.equal((await silent(must(opaque[0]), elsewhere)).answer.searchParams.get('error'), null, 'and as oneself')
  }

  /** As it was: by the register, and by the row of the delegation. */
  async function restore (): Promise<void> {
    await rig.sandbox(0).call('PUT', `/companies/${uscc}`, { status: 'active', legal_representative: 'gesang' })
    const { createdAt: _created, ...row } = delegation
    await db
      .updateTable('delegation')
      .set({ ...row, functions: JSON.stringify(row.functions), clientIds: null } as never)
      .where('id', '=', delegation.id)
      .where('version', '=', delegation.version)
      .execute()
    await db
      .updateTable('organization')
      .set({ status: 'active', legalRepresentativeId: gesang.person_id, passwordMustChange: false })
      .where('id', '=', organization.id)
      .execute()
  }

  const register = async (change: Record<string, unknown>): Promise<void> => {
    const { status, body } = await rig.sandbox(0).call<{ applied: boolean }>('PUT', `/companies/${uscc}`, change)
    if (status !== 200 || !body.applied) throw new Error(`register: ${status} ${JSON.stringify(body)}`)
  }
  const posts =
    (end: string) =>
      (form: { method: string; action: string }): boolean =>
        form.method === 'post' && new URL(form.action).pathname.endsWith(end)
  const byRepresentative = async (act: 'revoke' | 'suspend'): Promise<() => Promise<unknown>> => {
    const { browser } = await enterLegal(first, 'cunjiti')
    const page = await browser.go(`${issuer}/me/agents/${delegation.id}/${act}`)
    if (page.status !== 200 || !at(page).endsWith(act)) throw new Error(`${act}: ${page.status} ${page.url}`)
    return async () => await browser.submit(page, {}, { form: posts(`/${act}`) })
  }

  interface Ending {
    prepare: () => Promise<() => Promise<unknown>>
    event: string
    by: 'representative' | 'agent' | 'system'
    message: MessageKind
    toRepresentative?: MessageKind
  }
  const list: Record<string, Ending> = {
    revoked: {
      prepare: async () => await byRepresentative('revoke'),
      event: 'delegation.revoked',
      by: 'representative',
      message: 'delegation-revoked'
    },
    suspended: {
      prepare: async () => await byRepresentative('suspend'),
      event: 'delegation.suspended',
      by: 'representative',
      message: 'delegation-suspended'
    },
    resigned: {
      prepare: async () => {
        const { browser } = await enter(first, 'zhuoma')
        const page = await browser.go(`${issuer}/me/mine/${delegation.id}/resign`)
        return async () => await browser.submit(page, {}, { form: posts('/resign') })
      },
      event: 'delegation.resigned',
      by: 'agent',
      message: 'delegation-resigned'
    },
    // midnight: the last day is over
    expired: {
      prepare: async () => async () =>
        await db
          .updateTable('delegation')
          .set({ validFrom: '2020-01-01', validTo: '2020-12-31' })
          .where('id', '=', delegation.id)
          .execute(),
      event: 'delegation.expired',
      by: 'system',
      message: 'delegation-expired'
    },
    'another legal representative': {
      prepare: async () => async () => {
        await register({ legal_representative: 'awang' })
      },
      event: 'delegation.suspended',
      by: 'system',
      message: 'delegation-suspended',
      toRepresentative: 'legal-representative-changed'
    },
    dissolved: {
      prepare: async () => async () => {
        await register({ status: 'dissolved' })
      },
      event: 'delegation.revoked',
      by: 'system',
      message: 'organization-dissolved'
    }
  }
  const sids: Array<{ ear: typeof quick; clientId: string; sid: string }> = []
  const heard = (given: Login): void => {
    for (const [ear, clientId, tokens] of [
      [quick, 'site-opaque', given.opaque],
      [slow, 'site-jwt', given.jwt]
    ] as const) {
      sids.push({ ear, clientId, sid: String(tokens.claims()?.['sid']) })
    }
  }
  const smsTo = async (phone: string, kind: string): Promise<number> =>
    (
      await Promise.all(
        instances.map(
          async (i) =>
            (
              await rig
                .sandbox(i)
                .call<{ messages: Array<Record<string, unknown>> }>('GET', `/sms?phone=${encodeURIComponent(phone)}`)
            ).body.messages.filter((message) => JSON.stringify(message).includes(kind)).length
        )
      )
    ).reduce((sum, n) => sum + n, 0)

  for (const [title, ending] of Object.entries(list)) {
    await t.test(title, async (t) => {
      const given = await login()
      const since = new Date((await sql<{ now: Date }>`select now() as now`.execute(db)).rows[0]?.now ?? 0)
      const told = async (personId: string, kind: MessageKind): Promise<number> =>
        (
          await db
            .selectFrom('message')
            .select('id')
            .where('personId', '=', personId)
            .where('kind', '=', kind)
            .where('createdAt', '>=', since)
            .execute()
        ).length
      const forRepresentative = ending.toRepresentative ?? ending.message
      const before = {
        agent: await smsTo(zhuoma.phone, ending.message),
        representative: await smsTo(gesang.phone, forRepresentative)
      }
      await overAtOnce(t, given, await ending.prepare())
      await lives(t, given)
      heard(given)

      // (the worker that ends what has expired comes by twice a minute; nothing works meanwhile)
      t.ok(await until(async () => (await told(zhuoma.person_id, ending.message)) === 1), 'the agent is told, once')
      t.equal(await told(gesang.person_id, forRepresentative), 1, 'and the legal representative')
      t.ok(
        await until(
          async () =>
            (await smsTo(zhuoma.phone, ending.message)) === before.agent + 1 &&
            (await smsTo(gesang.phone, forRepresentative)) === before.representative + 1
        ),
        'both by short message'
      )
      const events = await db
        .selectFrom('auditEvent')
        .selectAll()
        .where('type', '=', ending.event as never)
        .where('delegationId', '=', delegation.id)
        .where('at', '>=', since)
        .orderBy('id')
        .execute()
      t.equal(events.length, 1, 'one event')
      const [event] = events
      t.match(
        JSON.stringify([event?.personId, event?.details]),
        new RegExp(`(?=.*${zhuoma.person_id}).*"representative":"per_`),
        'names both'
      )
      t.equal(
        event?.actor,
        ending.by === 'system' ? 'system' : `person:${ending.by === 'agent' ? zhuoma.person_id : gesang.person_id}`
      )
      await restore()
    })
  }

  await t.test('news of the register that come late end nothing', async (t) => {
    const given = await login()
    await register({ status: 'dissolved', legal_representative: 'awang', version: 1 })
    const dead = await Promise.all(
      probes(given)
        .filter(([title]) => !title.includes('of the JWT at'))
        .map(async ([title, alive]) => ((await alive()) ? null : title))
    )
    t.same(
      dead.filter((one) => one !== null),
      []
    )
    await lives(t, given)
    // the register's own entry says it again as it is
    await restore()
  })

  await t.test('the person is locked: nothing of theirs is left anywhere, whoever they were', async (t) => {
    const given = await login()
    const { browser: staff } = await signInAs(first, 'security')
    const page = await staff.go(`${issuer}/admin/people/${zhuoma.person_id}/act/lock`)
    await overAtOnce(
      t,
      given,
      async () => await staff.submit(page, { reason: '疑似盗用' }, { form: posts('/act/lock') })
    )
    for (const i of instances) {
      t.same(
        [
          await knowsMe(must(opaque[i]), given.own),
          await introspects(must(opaque[i]), given.own.access_token),
          await refreshes(must(opaque[i]), given.own),
          await introspects(tax, given.other.access_token)
        ],
        [false, false, false, false]
      )
    }
    t.equal((await silent(tax, given.browser)).answer.searchParams.get('code'), null)
    heard(given)
    sids.push({ ear: quick, clientId: 'site-opaque', sid: String(given.own.claims()?.['sid']) })
  })

  await t.test('logout tokens: each site once, with retries, for exactly those sids', async (t) => {
    const keys = createLocalJWKSet(
      (await (await rig.fetchVia(() => 0)(`${issuer}/oidc/jwks`)).json()) as JSONWebKeySet
    )
    const sidOf = async (token: string, clientId: string): Promise<string> => {
      // they live two minutes; some came before that
      const { iat = 0 } = decodeJwt(token)
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience: clientId,
        typ: 'logout+jwt',
        currentDate: new Date(iat * 1000)
      })
      t.ok((payload['events'] as Record<string, unknown>)['http://schemas.openid.net/event/backchannel-logout'])
      return String(payload['sid'])
    }
    for (const [ear, clientId] of [
      [quick, 'site-opaque'],
      [slow, 'site-jwt']
    ] as const) {
      const wanted = sids
        .filter((one) => one.ear === ear)
        .map(({ sid }) => sid)
        .toSorted()
      t.ok(
        await until(() => wanted.every((sid) => ear.accepted.some((token) => decodeJwt(token)['sid'] === sid))),
        clientId
      )
      const left = async (): Promise<unknown> =>
        await db
          .selectFrom('outbox')
          .select('id')
          .where('dedupeKey', 'like', `backchannel-logout:${clientId}:%`)
          .where('doneAt', 'is', null)
          .executeTakeFirst()
      t.ok(await until(async () => (await left()) === undefined), 'nothing more comes')
      const told = await Promise.all(ear.accepted.map(async (token) => await sidOf(token, clientId)))
      t.same(told.filter((sid) => wanted.includes(sid)).toSorted(), wanted, 'each once')
    }
    t.ok(slow.tried >= 3 * sids.filter((one) => one.ear === slow).length, 'the one that failed twice was asked again')
  })
}

function must<T> (value: T | undefined): T {
  if (value === undefined) throw new Error('missing')
  return value
}

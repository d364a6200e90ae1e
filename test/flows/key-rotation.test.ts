/** T070: keys rotate, and leak, while people log in at sites that keep the key set. */
import { decodeProtectedHeader } from 'jose'
import { sql } from 'kysely'
import t from 'tap'
import { emergencyRemoval, publishNext, rotateNow } from '../../src/records/keys/index.ts'
import { keyTimes } from '../../src/tokens/signing-keys.ts'
import { demoParty, startKora, type Browser, type RelyingParty, type Tokens } from '../support/driver/index.ts'
import { until } from '../support/until.ts'

const kora = await startKora(t)
const { services } = kora.inside
const { db } = services
const act = { actor: 'operator:lhamo', reason: 'drill', address: null, traceId: null } as const
const person = await kora.sandbox.account('zhuoma')
const credentials = { account: person.cert_no, password: person.password }

let fetches = 0
const counting: typeof fetch = async (input, init) => {
  if (String(input).endsWith('/oidc/jwks')) fetches += 1
  return await fetch(input, init)
}
const keySet = async (): Promise<{ kids: string[]; cacheControl: string | null }> => {
  const response = await fetch(`${kora.issuer}/oidc/jwks`)
  return {
    kids: ((await response.json()) as { keys: { kid: string; alg: string }[] }).keys
      .filter(({ alg }) => alg === 'ES256')
      .map(({ kid }) => kid),
    cacheControl: response.headers.get('cache-control')
  }
}
/** Processes look once a second. */
const published = async (kids: string[]): Promise<void> => {
  if (!(await until(async () => JSON.stringify((await keySet()).kids) === JSON.stringify(kids)))) {
    throw new Error(`the key set is ${(await keySet()).kids.join()}, not ${kids.join()}`)
  }
}
const kidOf = (tokens: Tokens): string => String(decodeProtectedHeader(tokens.id_token ?? '').kid)
const sites = async (): Promise<{ party: RelyingParty; browser: Browser }[]> =>
  await Promise.all(
    ['demo-site', 'demo-public', 'demo-site'].map(async (clientId) => {
      const party = await demoParty(kora, clientId, { scope: 'openid profile', fetch: counting })
      const browser = kora.newBrowser()
      await party.login(browser, credentials)
      return { party, browser }
    })
  )
const grown = async (): Promise<void> => {
  await sql`update signing_key set created_at = now() - interval '3 hours' where state = 'pre-published'`.execute(db)
}

t.test('the keys of the first start are in the trail', async (t) => {
  const events = await db
    .selectFrom('auditEvent')
    .select(['actor', 'details', 'reason'])
    .where('type', '=', 'signing-key.created')
    .orderBy('id')
    .execute()
  t.match(events, [
    { actor: 'system', reason: 'first_start', details: { alg: 'ES256' } },
    { actor: 'system', reason: 'first_start', details: { alg: 'RS256' } }
  ])
})

t.test('sites may keep the key set for an hour less than a key is published before it signs', async (t) => {
  t.equal((await keySet()).cacheControl, `public, max-age=${keyTimes.published - 3600}`)
})

t.test('rotation: every token verifies with the key set as the site has it, nobody logs in again', async (t) => {
  const [first = ''] = (await keySet()).kids
  const next = await publishNext(services, act, 'ES256')
  await published([first, next])
  const all = await sites()
  t.equal(fetches, 3, 'each site has fetched the key set once')
  await grown()
  const kids = new Set<string>()
  let rotated = false
  let began = 0
  const login = async ({ party, browser }: (typeof all)[number]): Promise<string> => {
    // single sign-on: a form would make `again` fail
    const kid = kidOf(await party.again(browser))
    kids.add(kid)
    return kid
  }
  for (const one of all) t.equal(await login(one), first)
  const logins = all.map(async (one) => {
    for (let n = 0; n < 500; n++) {
      began += 1
      if ((await login(one)) === next && rotated) return
    }
    throw new Error('the new key never signed')
  })
  await db.transaction().execute(async (trx) => await rotateNow(trx, services, act, 'ES256'))
  await published([next, first])
  rotated = true
  await Promise.all(logins)
  t.ok(began >= 3)
  t.same([...kids].sort(), [first, next].sort(), 'tokens of both keys were among them')
  t.equal(fetches, 3, 'no site had to ask again')
})

t.test('a key leaks: its published successor signs at once, and sites that keep the key set verify', async (t) => {
  const [leaked = '', retired = ''] = (await keySet()).kids
  const next = await publishNext(services, act, 'ES256')
  await published([leaked, next, retired])
  await grown()
  fetches = 0
  const all = await sites()
  const { party, browser } = all[0]!
  const before = await party.again(browser)
  t.match(await emergencyRemoval(services, act, leaked), { active: next, successorKnown: true })
  await published([next, retired])
  for (const site of all) t.equal(kidOf(await site.party.again(site.browser)), next)
  t.equal(fetches, 3)
  const hint = await kora
    .newBrowser()
    .go(`${kora.issuer}/oidc/logout?${new URLSearchParams({ id_token_hint: before.id_token ?? '' }).toString()}`)
  t.equal(hint.status, 400, 'what it signed is not accepted any more')
  t.equal(
    (await fetch(`${kora.issuer}/oidc/userinfo`, { headers: { authorization: `Bearer ${before.access_token}` } }))
      .status,
    200,
    'opaque access tokens were never signed by it'
  )
  // written once a minute, and when the process stops
  await kora.inside.kora.oidc.close()
  t.match(
    await db.selectFrom('removedKeyUse').select(['kid', 'clientId', 'place', 'uses']).execute(),
    [{ kid: leaked, clientId: 'demo-site', place: 'id_token_hint', uses: 1 }],
    'and that a site still uses it is known'
  )
})

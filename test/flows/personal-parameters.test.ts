/** S38: what a running login leaves in the database that names a person, or lets somebody else go on with it. */
import { sql } from 'kysely'
import * as oidc from 'openid-client'
import t from 'tap'
import { at, demoParty, startKora, submitPassword, arrivedAt } from '../support/driver/index.ts'

const kora = await startKora(t)
const { db } = kora.inside.services
const person = await kora.sandbox.account('zhuoma')
const credentials = { account: person.cert_no, password: person.password }
const party = await demoParty(kora, 'demo-site', { scope: 'openid profile offline_access' })

/** Everything that is stored, as a backup would have it. */
const dump = async (): Promise<string> => {
  const { rows } = await sql<{ row: string }>`select to_jsonb(a)::text as row from oidc_artifact a
    union all select to_jsonb(l)::text from login_attempt l union all select to_jsonb(e)::text from audit_event e`
    .execute(db)
  return rows.map(({ row }) => row).join('\n')
}
/** Where it is found; the whole would be too long to read. */
const found = (stored: string, secret: string): string | null => {
  const place = stored.indexOf(secret)
  return place === -1 || secret === '' ? null : stored.slice(Math.max(0, place - 150), place)
}
const named = 'S38-somebody-else'

await t.test('S38: hints and values of claims are not stored in clear, and still work', async (t) => {
  const browser = kora.newBrowser()
  const { id_token: idToken = '' } = await party.login(browser, credentials)
  const claims = JSON.stringify({ userinfo: { nickname: { value: named } } })
  const started = await party.start({ prompt: 'login', login_hint: person.cert_no, id_token_hint: idToken, claims })
  const page = await party.visit(browser, started)
  t.match(at(page), /\/login$/)
  const stored = await dump()
  t.equal(found(stored, person.cert_no), null)
  t.equal(found(stored, idToken), null)
  t.equal(found(stored, named), null)
  const stranger = await party.visit(kora.newBrowser(), await party.start({ login_hint: person.cert_no }))
  t.ok(stranger.text.includes(`value="${person.cert_no}"`), 'the hint is filled in')
  t.equal(found(await dump(), person.cert_no), null)
  const back = await submitPassword(browser, page, credentials, party.arrived)
  t.equal(found(await dump(), named), null, 'nor in the code')
  const tokens = await party.redeem(started, arrivedAt(party, back))
  t.equal(found(await dump(), named), null, 'nor in the tokens')
  t.ok(await oidc.fetchUserInfo(party.config, tokens.access_token, tokens.claims()?.sub ?? ''))
  t.ok((await oidc.refreshTokenGrant(party.config, tokens.refresh_token ?? '')).access_token)
  t.equal(found(await dump(), named), null, 'nor in those after them')
})

await t.test('S38: a pushed request is stored in clear only while it names nobody', async (t) => {
  const push = async (more: Record<string, string>): Promise<string> => {
    const { url } = await party.start(more)
    const pushed = await oidc.buildAuthorizationUrlWithPAR(party.config, url.searchParams)
    t.ok(pushed.searchParams.get('request_uri'))
    const stored = await dump()
    const page = await kora.newBrowser().go(pushed.href, {}, party.arrived)
    t.match(at(page), /\/login$/, 'it is used')
    return stored
  }
  const inClear = async (more: Record<string, string>): Promise<number> =>
    (await push(more)).split('"request": "').length - 1
  t.equal(await inClear({}), 1)
  t.equal(await inClear({ login_hint: person.cert_no }), 1, 'the second is not')
})

await t.test('S38: the uid of a running login stands in no event', async (t) => {
  const browser = kora.newBrowser()
  const started = await party.start({ prompt: 'login' })
  const page = await party.visit(browser, started)
  const uid = /\/i\/([^/]+)\//.exec(page.url)?.[1] ?? ''
  await submitPassword(browser, page, { ...credentials, password: 'wrong-Password-1' }, party.arrived)
  const { rows } = await sql<{ uid: string }>`select login_attempt_uid as uid from audit_event
    where type = 'login.failed' order by id desc limit 1`.execute(db)
  t.match(rows[0]?.uid, /^[\w-]{43}$/)
  const events = await sql<{ row: string }>`select to_jsonb(e)::text as row from audit_event e`.execute(db)
  t.equal(found(events.rows.map(({ row }) => row).join(), uid), null)
})

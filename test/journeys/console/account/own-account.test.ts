import { createHash, randomBytes } from 'node:crypto'
import t from 'tap'
import { Secret, TOTP } from 'otpauth'
import { newTotpSecret } from '../../../../src/records/administrators/totp.ts'
import { startKora, words, type Answer, type Browser, type Kora } from '../../../support/driver/index.ts'
import { foreignCode, openConsoleSession, signInAs, wrongCode, type SignedIn } from '../support.ts'
import { screen } from '../../../support/driver/screen.ts'
import { said, saidInOrder } from '../../../support/texts.ts'

t.setTimeout(300_000)

const former = 'Kora-高原-2026-x9'
const next = 'Tibet-湖水-2027-y4'
const posts =
  (end: string) =>
    (form: { action: string }): boolean =>
      form.action.endsWith(end)
const codeOf = (secret: string): string => new TOTP({ secret: Secret.fromBase32(secret) }).generate()
const secretOn = (page: Answer): string =>
  (/<code>([A-Z2-7 ]{39})<\/code>/.exec(page.text)?.[1] ?? '').replaceAll(' ', '')

/** Signs in with a password and codes. */
async function withPassword (kora: Kora): Promise<SignedIn & { secret: string }> {
  const { db, crypto, hasher } = kora.inside.services
  const one = await signInAs(kora, 'security')
  const secret = newTotpSecret()
  await db
    .updateTable('adminAccount')
    .set({
      passwordHash: await hasher.hash(former),
      totpSecretEnc: crypto.encrypt('admin_account', 'totp_secret_enc', one.id, secret)
    })
    .where('id', '=', one.id)
    .execute()
  return { ...one, secret }
}
/** One more session of the account, in a browser of its own. */
async function elsewhere (kora: Kora, id: string): Promise<Browser> {
  const { config } = kora.inside.services
  const browser = kora.newBrowser({ language: 'zh-CN' })
  const secret = randomBytes(32).toString('base64url')
  browser.keepCookie(config.issuer, 'kora_browser', secret)
  await openConsoleSession(kora, browser, {
    accountId: id,
    browserHash: createHash('sha256').update(secret).digest('base64url'),
    browserLabel: 'elsewhere'
  })
  return browser
}
const isIn = async (kora: Kora, browser: Browser): Promise<boolean> =>
  (await browser.go(`${kora.issuer}/admin/me`)).url === `${kora.issuer}/admin/me`
const passkey = async (kora: Kora, accountId: string, label: string): Promise<string> => {
  const id = randomBytes(16).toString('base64url')
  await kora.inside.services.db
    .insertInto('adminCredential')
    .values({ id, accountId, publicKey: 'x', transports: '[]', label })
    .execute()
  return id
}
const signIn = async (kora: Kora, loginName: string, password: string, code: string): Promise<number> => {
  const browser = kora.newBrowser()
  return (
    await browser.submit(
      await browser.go(`${kora.issuer}/admin/sign-in`),
      { login_name: loginName, password, code },
      { form: (form) => 'password' in form.fields }
    )
  ).status
}
const eventsOf = async (kora: Kora, id: string): Promise<string[]> =>
  (
    await kora.inside.services.db
      .selectFrom('auditEvent')
      .select('type')
      .where('actor', '=', `admin:${id}`)
      .orderBy('id')
      .execute()
  ).map(({ type }) => type)

t.test('own password: the old one and a new one by the rules; everything else is signed out', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const { browser, id, loginName, secret } = await withPassword(kora)
  const other = await elsewhere(kora, id)
  const page = await browser.go(`${kora.issuer}/admin/me/password`)
  const change = async (fields: Record<string, string>): Promise<Answer> =>
    await browser.submit(page, { former, new_password: next, again: next, ...fields }, { form: posts('/me/password') })
  const hash = async (): Promise<string | null> =>
    (await db.selectFrom('adminAccount').select('passwordHash').where('id', '=', id).executeTakeFirstOrThrow())
      .passwordHash
  const before = await hash()
  for (const [fields, says] of [
    [{ former: '' }, said('fault.former.required')],
    [{ former: 'wrong-Password-1' }, said('fault.former.wrong')],
    [{ new_password: 'short', again: 'short' }, /位/],
    [{ again: 'other' }, said('fault.again.different')],
    [{ new_password: former, again: former }, said('fault.new_password.as_before')],
    [{ new_password: '', again: '' }, said('fault.new_password.required')],
    [{ new_password: `${loginName}-Aa1-xyz`, again: `${loginName}-Aa1-xyz` }, said('fault.new_password.personal')]
  ] as Array<[Record<string, string>, RegExp]>) {
    const refused = await change(fields)
    t.equal(refused.status, 422)
    t.match(words(refused.text), says)
    t.notMatch(refused.text, new RegExp(`value="(${former}|${next})"`))
  }
  t.equal(await hash(), before)
  t.ok(await isIn(kora, other))
  const done = await change({})
  t.equal(new URL(done.url).pathname, '/admin/me')
  t.match(words(done.text), saidInOrder('console.done.password_changed', 'console.account.event.credential_changed'))
  t.ok(await isIn(kora, browser), 'this session goes on')
  t.notOk(await isIn(kora, other))
  t.equal(await signIn(kora, loginName, former, codeOf(secret)), 422)
  t.equal(await signIn(kora, loginName, next, codeOf(secret)), 200)
  t.ok((await eventsOf(kora, id)).includes('staff.credential-changed'))
})

t.test(
  'own password: guesses from a session are limited, at once as one after another; two changes at once are one',
  async (t) => {
    const kora = await startKora(t)
    const { db } = kora.inside.services
    const { browser, id } = await withPassword(kora)
    const page = await browser.go(`${kora.issuer}/admin/me/password`)
    const change = async (fields: Record<string, string>): Promise<Answer> =>
      await browser.submit(
        page,
        { former, new_password: next, again: next, ...fields },
        { form: posts('/me/password') }
      )
    const both = await Promise.all([
      change({ new_password: `${next}-a`, again: `${next}-a` }),
      change({ new_password: `${next}-b`, again: `${next}-b` })
    ])
    t.same(both.map(({ status }) => status).sort(), [200, 422])
    const guesses = await Promise.all(
      Array.from({ length: 12 }, async (_, at) => await change({ former: `Wrong-guess-${at}` }))
    )
    const statuses = guesses.map(({ status }) => status)
    t.ok(statuses.filter((status) => status === 422).length <= 5, statuses.join())
    t.ok(statuses.includes(429))
    t.equal((await change({ former: `${next}-a` })).status, 429, 'the right one too')
    t.equal(
      (
        await db
          .selectFrom('auditEvent')
          .select('id')
          .where('type', '=', 'staff.sign-in-failed')
          .where('actor', '=', `admin:${id}`)
          .execute()
      ).length <= 6,
      true
    )
  }
)

t.test(
  'one-time codes: the new secret is shown to this session, a code of it makes the change, the old one is worth ' +
    'nothing',
  async (t) => {
    const kora = await startKora(t)
    const { db } = kora.inside.services
    const { browser, id, loginName, secret } = await withPassword(kora)
    const other = await elsewhere(kora, id)
    const page = await browser.go(`${kora.issuer}/admin/me/codes`)
    const fresh = secretOn(page)
    t.match(fresh, /^[A-Z2-7]{32}$/)
    t.not(fresh, secret)
    t.equal(secretOn(await browser.go(`${kora.issuer}/admin/me/codes`)), fresh, 'loaded again after scanning')
    t.not(secretOn(await other.go(`${kora.issuer}/admin/me/codes`)), fresh, 'another session has another one')
    t.notMatch(JSON.stringify(await db.selectFrom('adminTotpDraft').selectAll().execute()), fresh)
    const change = async (code: string): Promise<Answer> =>
      await browser.submit(page, { code }, { form: posts('/me/codes') })
    t.match(words((await change(wrongCode(fresh))).text), /动态码不正确/)
    t.equal((await change(foreignCode(secret, fresh))).status, 422, 'a code of the old one')
    const code = codeOf(fresh)
    const answers = await Promise.all([change(code), change(code), change(code)])
    t.equal(answers.filter(({ status }) => status === 200).length, 1, 'once')
    t.notOk(await isIn(kora, other))
    t.equal(await signIn(kora, loginName, former, foreignCode(secret, fresh)), 422)
    t.equal(await signIn(kora, loginName, former, code), 422, 'the code that made the change is used')
    await db.updateTable('adminAccount').set({ totpLastStep: 0 }).where('id', '=', id).execute()
    t.equal(await signIn(kora, loginName, former, codeOf(fresh)), 200)
  }
)

t.test("passkeys: named, removed, and never the last way in; nobody else's", async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const [own, stranger] = [await signInAs(kora, 'counter'), await signInAs(kora, 'system')]
  const [first, second, theirs] = [
    await passkey(kora, own.id, '旧钥匙'),
    await passkey(kora, own.id, '新钥匙'),
    await passkey(kora, stranger.id, '别人的')
  ]
  const other = await elsewhere(kora, own.id)
  const page = await own.browser.go(`${kora.issuer}/admin/me`)
  t.notMatch(page.text, '/admin/me/password', 'no password, nothing to change')
  t.equal((await own.browser.go(`${kora.issuer}/admin/me/password`)).status, 404)
  t.equal((await own.browser.go(`${kora.issuer}/admin/me/codes`)).status, 404)
  const post = async (act: string, fields: Record<string, string>): Promise<Answer> =>
    await own.browser.submit(page, fields, { form: posts(`/passkeys/${act}`) })
  t.match(
    words((await post('rename', { id: first, label: '  办公室 <b> ' })).text),
    saidInOrder('console.done.passkey_renamed', /办公室 <b>/)
  )
  t.notMatch((await own.browser.go(`${kora.issuer}/admin/me`)).text, '办公室 <b>', 'escaped')
  for (const label of ['', ' ', 'x'.repeat(41), '\u202e\u200b']) {
    t.equal((await post('rename', { id: first, label })).status, 422, JSON.stringify(label))
  }
  t.match(words((await post('rename', { id: first, label: 'a\u202eb' })).text), /ab/, 'S43: what nobody sees is taken out')
  t.equal(
    (await db.selectFrom('adminCredential').select('label').where('id', '=', first).executeTakeFirstOrThrow()).label,
    'ab'
  )
  await post('rename', { id: theirs, label: '改掉' })
  await post('remove', { id: theirs })
  t.equal(
    (await db.selectFrom('adminCredential').select('label').where('id', '=', theirs).executeTakeFirstOrThrow()).label,
    '别人的'
  )

  t.ok(await isIn(kora, other))
  const both = await Promise.all([post('remove', { id: first }), post('remove', { id: second })])
  t.same(both.map(({ status }) => status).sort(), [200, 422], 'two removals at once leave one')
  t.notOk(await isIn(kora, other), 'a lost key may have a session')
  const left = await db.selectFrom('adminCredential').select('id').where('accountId', '=', own.id).execute()
  t.equal(left.length, 1)
  t.match(screen((await post('remove', { id: left[0]?.id ?? '' })).text).errors, ['fault.last_credential'])
  t.equal((await eventsOf(kora, own.id)).filter((type) => type === 'staff.credential-removed').length, 1)
})

t.test('sessions: one by one, only the own; what changes a credential asks for the credentials first', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const own = await withPassword(kora)
  const [stranger, one, two] = [
    await signInAs(kora, 'system'),
    await elsewhere(kora, own.id),
    await elsewhere(kora, own.id)
  ]
  const page = await own.browser.go(`${kora.issuer}/admin/me`)
  const marks = page.forms.filter(posts('/sessions/end')).map(({ fields }) => fields['session'])
  t.equal(marks.filter((mark) => mark !== undefined).length, 2, 'not this one')
  const hashes = await db.selectFrom('ownSiteSession').select('idHash').execute()
  for (const { idHash } of hashes) t.notMatch(page.text, idHash)
  await stranger.browser
    .submit(await stranger.browser.go(`${kora.issuer}/admin/me`), {}, { form: posts('/sign-out') })
    .catch(() => null)
  const theirs = await signInAs(kora, 'system')
  const csrf = (await theirs.browser.go(`${kora.issuer}/admin/me`)).forms.find(posts('/sign-out'))?.fields[
    'csrf'
  ] as string
  await theirs.browser.request(`${kora.issuer}/admin/me/sessions/end`, {
    method: 'POST',
    body: new URLSearchParams({ csrf, session: String(marks[0]) }),
    headers: { origin: kora.issuer }
  })
  t.same([await isIn(kora, one), await isIn(kora, two)], [true, true], 'a mark is worth nothing to others')
  await own.browser.submit(page, {}, { form: posts('/sessions/end') })
  t.equal([await isIn(kora, one), await isIn(kora, two)].filter(Boolean).length, 1)
  await own.browser.submit(page, { session: '' }, { form: posts('/sessions/end') })
  t.same([await isIn(kora, own.browser), await isIn(kora, one), await isIn(kora, two)], [true, false, false])

  await db
    .updateTable('ownSiteSession')
    .set({ authenticatedAt: new Date(0) })
    .where('accountId', '=', own.id)
    .execute()
  for (const path of ['/admin/me/password', '/admin/me/codes']) {
    t.match(new URL((await own.browser.go(kora.issuer + path)).url).pathname, '/admin/again')
  }
  const token = (await own.browser.go(`${kora.issuer}/admin/me`)).forms.find(posts('/sign-out'))?.fields[
    'csrf'
  ] as string
  for (const path of [
    '/admin/me/password',
    '/admin/me/codes',
    '/admin/me/passkeys/rename',
    '/admin/me/passkeys/remove'
  ]) {
    const refused = await own.browser.request(kora.issuer + path, {
      method: 'POST',
      body: new URLSearchParams({ csrf: token, former, new_password: next, again: next, label: 'x', id: 'x' }),
      headers: { origin: kora.issuer }
    })
    t.match(refused.headers.get('location'), '/admin/again', path)
  }
  t.notOk((await eventsOf(kora, own.id)).includes('staff.credential-changed'))
})

import t from 'tap'
import { write } from '../../../../src/database/transaction.ts'
import { createClient, deleteDraft, findClient } from '../../../../src/records/clients/index.ts'
import { startKora, words, type Answer, type Kora } from '../../../support/driver/index.ts'
import { AdminApi } from '../../admin-api/support.ts'
import { askedFor, signInAs, type SignedIn } from '../support.ts'
import { screen } from '../../../support/driver/screen.ts'
import { said } from '../../../support/texts.ts'

t.setTimeout(300_000)

const acts = (form: { action: string }): boolean => /chg_[\w-]+\/(vouch|approve|reject|withdraw)$/.test(form.action)
/** Posts this act with what the page has, whatever the page offers. */
async function decide (
  kora: Kora,
  { browser }: SignedIn,
  path: string,
  act: string,
  reason = '已核对'
): Promise<Answer> {
  const page = await browser.go(kora.issuer + path)
  const offered = page.forms.find(acts)
  if (offered !== undefined) {
    return await browser.submit(
      { ...page, forms: [{ ...offered, action: `${kora.issuer}${path}/${act}` }] },
      { reason }
    )
  }
  const csrf = page.forms.find((form) => form.action.endsWith('/sign-out'))?.fields['csrf'] as string
  return await browser.request(`${kora.issuer}${path}/${act}`, {
    method: 'POST',
    body: new URLSearchParams({ csrf, digest: 'x'.repeat(43), reason }),
    headers: { origin: kora.issuer }
  })
}
const high = {
  kind: 'server',
  metadata: { redirect_uris: ['https://a.gov.cn/cb'], scope: 'openid profile identity' },
  policy: { names: { 'zh-CN': '社保' }, purposes: { profile: '显示姓名', identity: '核对身份' } }
}
const scopeOf = async (kora: Kora, clientId: string): Promise<string | undefined> =>
  (await findClient(kora.inside.services.db, clientId))?.metadata.scope
const stateOf = async (kora: Kora, path: string): Promise<string> =>
  (
    await kora.inside.services.db
      .selectFrom('pendingChange')
      .select('state')
      .where('id', '=', path.split('/').at(-1) ?? '')
      .executeTakeFirstOrThrow()
  ).state

/** Asked for by a program; the console's path of what waits. */
async function askedByProgram (kora: Kora, clientId: string): Promise<string> {
  const made = await (await AdminApi.open(kora)).call('POST', '/clients', { client_id: clientId, ...high })
  if (made.status !== 201) throw new Error(JSON.stringify(made.body))
  return String(made.body.change).replace('/admin/api/v1/changes/', '/admin/approvals/')
}

t.test('who holds the credentials of a program, and asks through it, does not decide alone', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const [system, security] = [await signInAs(kora, 'system'), await signInAs(kora, 'security')]
  const path = await askedByProgram(kora, 'by-program')
  const waiting = await security.browser.go(kora.issuer + path)
  t.match(words(waiting.text), /由程序提出.*先由一位管理员担保/)
  t.match(words(waiting.text), /审批 1/, 'the count tells who may vouch')
  await decide(kora, security, path, 'approve')
  t.same(
    [await scopeOf(kora, 'by-program'), await stateOf(kora, path)],
    ['openid profile', 'pending'],
    'one administrator and a program are not two people'
  )

  t.match(screen((await decide(kora, security, path, 'vouch')).text).notices, ['console.done.change_endorse'])
  await decide(kora, security, path, 'approve')
  t.same(
    [await scopeOf(kora, 'by-program'), await stateOf(kora, path)],
    ['openid profile', 'pending'],
    'nor is one who vouches and agrees'
  )
  await decide(kora, system, path, 'vouch')
  t.equal(
    (await db.selectFrom('pendingChange').select('vouchedBy').executeTakeFirstOrThrow()).vouchedBy,
    `admin:${security.id}`,
    'vouched for once'
  )
  await decide(kora, system, path, 'approve')
  t.equal(await stateOf(kora, path), 'pending', 'a second one, but not of the role that decides')

  const other = await signInAs(kora, 'security')
  t.match(words((await other.browser.go(kora.issuer + path)).text), /担保人 security 测试 担保的原因 已核对/)
  await decide(kora, other, path, 'approve')
  t.same([await scopeOf(kora, 'by-program'), await stateOf(kora, path)], ['openid profile identity', 'approved'])
  const events = await db
    .selectFrom('auditEvent')
    .select(['type', 'actor'])
    .where('type', 'like', 'change.%')
    .orderBy('id')
    .execute()
  t.same(events, [
    { type: 'change.requested', actor: 'client:demo-admin' },
    { type: 'change.vouched', actor: `admin:${security.id}` },
    { type: 'change.approved', actor: `admin:${other.id}` }
  ])
})

t.test(
  'one system and one security administrator are enough; refusing needs one; who vouched may take it back',
  async (t) => {
    const kora = await startKora(t)
    const [system, security, audit, counter] = [
      await signInAs(kora, 'system'),
      await signInAs(kora, 'security'),
      await signInAs(kora, 'audit'),
      await signInAs(kora, 'counter')
    ]
    const path = await askedByProgram(kora, 'two-people')
    t.equal((await decide(kora, audit, path, 'vouch')).status, 403)
    t.equal((await decide(kora, counter, path, 'vouch')).status, 403)
    await decide(kora, system, path, 'vouch')
    t.match(words((await system.browser.go(kora.issuer + path)).text), said('console.approvals.withdraw'))
    t.notMatch((await system.browser.go(kora.issuer + path)).text, /\/approve/)
    await decide(kora, security, path, 'approve')
    t.equal(await scopeOf(kora, 'two-people'), 'openid profile identity')

    const refused = await askedByProgram(kora, 'refused')
    await decide(kora, security, refused, 'reject')
    t.equal(await stateOf(kora, refused), 'rejected')
    const back = await askedByProgram(kora, 'taken-back')
    await decide(kora, system, back, 'vouch')
    await decide(kora, system, back, 'withdraw')
    t.equal(await stateOf(kora, back), 'withdrawn')
  }
)

t.test("the database as well refuses a program's change that nobody else vouched for", async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  await askedByProgram(kora, 'by-hand')
  const approved = { state: 'approved' as const, decidedBy: 'admin:adm_one', decidedAt: new Date() }
  await t.rejects(db.updateTable('pendingChange').set(approved).execute(), /pending_change_vouched/)
  await t.rejects(
    db
      .updateTable('pendingChange')
      .set({ ...approved, vouchedBy: 'admin:adm_one' })
      .execute(),
    /pending_change_vouched/
  )
})

t.test('twenty at once: one vouches, and at most one decides, who is another one', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const both = [await signInAs(kora, 'security'), await signInAs(kora, 'security')]
  const path = await askedByProgram(kora, 'at-once')
  await Promise.all(
    Array.from(
      { length: 20 },
      async (_, at) => await decide(kora, both[at % 2] as SignedIn, path, at % 4 < 2 ? 'vouch' : 'approve')
    )
  )
  const events = await db
    .selectFrom('auditEvent')
    .select(['type', 'actor'])
    .where('type', 'like', 'change.%')
    .orderBy('id')
    .execute()
  const of = (type: string): Array<string | null> =>
    events.filter((event) => event.type === type).map(({ actor }) => actor)
  t.equal(of('change.vouched').length, 1)
  t.ok(of('change.approved').length <= 1)
  t.not(of('change.approved')[0], of('change.vouched')[0])
})

t.test('a draft goes: what waits about it ends with it, and never comes to the next one of that name', async (t) => {
  const kora = await startKora(t)
  const { services } = kora.inside
  const security = await signInAs(kora, 'security')
  const system = await signInAs(kora, 'system')
  const act = { actor: `admin:${system.id}` as const, reason: '不再需要', address: null, traceId: null }
  const api = await AdminApi.open(kora)
  const draft = async (): Promise<{ path: string; etag: string }> => {
    const made = await api.call('POST', '/clients', { client_id: 'again', status: 'draft', ...high })
    t.equal(made.status, 201)
    return {
      path: String(made.body.change).replace('/admin/api/v1/changes/', '/admin/approvals/'),
      etag: made.headers.get('etag') ?? ''
    }
  }
  const innocent = {
    kind: 'server',
    metadata: { redirect_uris: ['https://b.gov.cn/cb'] },
    policy: { names: { 'zh-CN': '别的系统' } }
  }

  const first = await draft()
  await decide(kora, system, first.path, 'vouch')
  t.equal(await write(services, deleteDraft, { act, clientId: 'again' }), 'deleted')
  t.equal(await stateOf(kora, first.path), 'withdrawn')
  t.match(
    await services.db
      .selectFrom('auditEvent')
      .select(['actor', 'reason'])
      .where('type', '=', 'change.withdrawn')
      .orderBy('id')
      .execute(),
    [{ actor: act.actor, reason: '不再需要' }]
  )
  await write(services, createClient, { act, content: innocent, clientId: 'again', status: 'draft' })
  await decide(kora, security, first.path, 'approve')
  t.not(await scopeOf(kora, 'again'), 'openid profile identity')
  t.equal(await write(services, deleteDraft, { act, clientId: 'again' }), 'deleted')

  // deleted by hand, or at the moment in which it was asked for: the change still waits, and the name is there again
  const second = await draft()
  await decide(kora, system, second.path, 'vouch')
  const digest = (await security.browser.go(kora.issuer + second.path)).forms.find(acts)?.fields['digest']
  await services.db.deleteFrom('client').where('clientId', '=', 'again').execute()
  await write(services, createClient, { act, content: innocent, clientId: 'again', status: 'draft' })
  const page = await security.browser.go(kora.issuer + second.path)
  t.equal(page.forms.find(acts), undefined, 'nothing to decide any more')
  const csrf = page.forms.find((form) => form.action.endsWith('/sign-out'))?.fields['csrf'] as string
  const late = await security.browser.request(`${kora.issuer}${second.path}/approve`, {
    method: 'POST',
    body: new URLSearchParams({ csrf, digest: String(digest), reason: '同意' }),
    headers: { origin: kora.issuer }
  })
  t.equal(late.status, 422)
  t.match(screen(late.text).errors, ['fault.change_gone'])
  t.match((await findClient(services.db, 'again'))?.metadata.redirect_uris, ['https://b.gov.cn/cb'])
  t.same(api.faults, [])
})

t.test('an account that is ended: the reset that was asked for it ends too', async (t) => {
  const kora = await startKora(t)
  const [system, security, subject] = [
    await signInAs(kora, 'system'),
    await signInAs(kora, 'security'),
    await signInAs(kora, 'counter')
  ]
  const form =
    (end: string) =>
      (one: { action: string }): boolean =>
        one.action.endsWith(end)
  const { waits } = await askedFor(
    system,
    await system.browser.submit(
      await system.browser.go(`${kora.issuer}/admin/accounts/${subject.id}/reset`),
      { reason: '丢失', typed: subject.loginName },
      { form: form('/reset') }
    )
  )
  await security.browser.submit(
    await security.browser.go(`${kora.issuer}/admin/accounts/${subject.id}/disable`),
    { reason: '离职', typed: subject.loginName },
    { form: form('/disable') }
  )
  t.equal(await stateOf(kora, new URL(waits.url).pathname), 'withdrawn')
})

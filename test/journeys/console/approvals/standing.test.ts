// Whoever stands for a request still stands when it is decided, and nobody takes over an account of another role.
import t from 'tap'
import { sql } from 'kysely'
import { inTransaction, write } from '../../../../src/database/transaction.ts'
import { changeClient, findClient, setClientStatus } from '../../../../src/records/clients/index.ts'
import { startKora, type Answer, type Kora } from '../../../support/driver/index.ts'
import { AdminApi } from '../../admin-api/support.ts'
import { withPostgres } from '../../../support/needs.ts'
import { testPostgres } from '../../../support/database.ts'
import { until } from '../../../support/until.ts'
import { askedFor, onceOf, signInAs, type SignedIn } from '../support.ts'

const posts =
  (act: string) =>
    (form: { action: string }): boolean =>
      form.action.endsWith(`/${act}`)

const askReset = async (kora: Kora, by: SignedIn, subject: SignedIn): Promise<Answer> => {
  const { waits } = await askedFor(
    by,
    await by.browser.submit(
      await by.browser.go(`${kora.issuer}/admin/accounts/${subject.id}/reset`),
      { reason: '手机丢失', typed: subject.loginName },
      { form: posts('reset') }
    )
  )
  return waits
}
/** Posts the act whether or not the page offers it. */
const decide = async (kora: Kora, { browser }: SignedIn, waits: Answer, act: string): Promise<Answer> => {
  const page = await browser.go(waits.url)
  const csrf = page.forms.find((form) => form.action.endsWith('/sign-out'))?.fields['csrf'] as string
  const digest = String(page.forms.find(({ fields }) => fields['digest'] !== undefined)?.fields['digest'] ?? '')
  return await browser.request(`${waits.url.split('?')[0] ?? ''}/${act}`, {
    method: 'POST',
    body: new URLSearchParams({ csrf, digest, reason: '已核对' }),
    headers: { origin: kora.issuer }
  })
}
const stateOf = async (kora: Kora, waits: Answer): Promise<string> =>
  (
    await kora.inside.services.db
      .selectFrom('pendingChange')
      .select('state')
      .where('id', '=', new URL(waits.url).pathname.split('/').at(-1) ?? '')
      .executeTakeFirstOrThrow()
  ).state
const statusOf = async (kora: Kora, { id }: SignedIn): Promise<string> =>
  (
    await kora.inside.services.db
      .selectFrom('adminAccount')
      .select('status')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
  ).status

t.test('S36: two of one role do not take over an account of another exclusive role', async (t) => {
  const kora = await startKora(t)
  const [one, two, security, other] = [
    await signInAs(kora, 'system'),
    await signInAs(kora, 'system'),
    await signInAs(kora, 'security'),
    await signInAs(kora, 'security')
  ]
  const audit = await signInAs(kora, 'audit')
  for (const subject of [security, audit]) {
    const waits = await askReset(kora, one, subject)
    await decide(kora, two, waits, 'approve')
    t.same([await stateOf(kora, waits), await statusOf(kora, subject)], ['pending', 'active'])
  }
  const system = await askReset(kora, security, one)
  await decide(kora, other, system, 'approve')
  t.same([await stateOf(kora, system), await statusOf(kora, one)], ['pending', 'active'])
  t.notMatch((await other.browser.go(system.url)).text, /\/approve"/, 'it is not offered')
  t.match(onceOf(await decide(kora, two, system, 'approve')), /\/admin\/begin\//, 'with one of that role')
  const counter = await signInAs(kora, 'counter')
  t.match(onceOf(await decide(kora, other, await askReset(kora, security, counter), 'approve')), /\/admin\/begin\//)
  const mine = await askReset(kora, security, other)
  t.match(onceOf(await decide(kora, two, mine, 'approve')), /\/admin\/begin\//)
})

t.test('S37: what a disabled administrator asked for ends with the account', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const [system, security, other] = [
    await signInAs(kora, 'system'),
    await signInAs(kora, 'security'),
    await signInAs(kora, 'security')
  ]
  const invited = await system.browser.submit(
    await system.browser.go(`${kora.issuer}/admin/accounts/new`),
    { reason: '新同事', role: 'counter', login_name: 'desk.one', display_name: '窗口 甲' },
    { form: posts('new') }
  )
  const { waits } = await askedFor(system, invited)
  const shown = await security.browser.go(waits.url)
  // by hand: as if the account were disabled while the decision is made
  await db.updateTable('adminAccount').set({ status: 'disabled' }).where('id', '=', system.id).execute()
  await security.browser.submit(shown, { reason: '同意' }, { form: posts('approve') })
  t.equal(await stateOf(kora, waits), 'pending')
  t.same(await db.selectFrom('adminAccount').select('id').where('loginName', '=', 'desk.one').execute(), [])
  await db.updateTable('adminAccount').set({ status: 'active' }).where('id', '=', system.id).execute()

  await other.browser.submit(
    await other.browser.go(`${kora.issuer}/admin/accounts/${system.id}/disable`),
    { reason: '离职', typed: system.loginName },
    { form: posts('disable') }
  )
  t.equal(await stateOf(kora, waits), 'withdrawn')
  const told = await db.selectFrom('auditEvent').select('actor').where('type', '=', 'change.withdrawn').execute()
  t.same(told, [{ actor: `admin:${other.id}` }])
})

t.test(
  'S37: what a program asked for ends with the program, and what an administrator endorsed with the account',
  async (t) => {
    const kora = await startKora(t)
    const { services } = kora.inside
    const [system, security, other] = [
      await signInAs(kora, 'system'),
      await signInAs(kora, 'security'),
      await signInAs(kora, 'security')
    ]
    const ask = async (clientId: string): Promise<Answer> => {
      const made = await (
        await AdminApi.open(kora)
      ).call('POST', '/clients', {
        client_id: clientId,
        kind: 'server',
        metadata: { redirect_uris: ['https://a.gov.cn/cb'], scope: 'openid identity' },
        policy: { names: { 'zh-CN': '社保' }, purposes: { identity: '核对身份' } }
      })
      const id = String(made.body.change).split('/').at(-1) ?? ''
      return await system.browser.go(`${kora.issuer}/admin/approvals/${id}`)
    }
    const endorsed = await ask('one')
    await decide(kora, system, endorsed, 'vouch')
    await other.browser.submit(
      await other.browser.go(`${kora.issuer}/admin/accounts/${system.id}/disable`),
      { reason: '离职', typed: system.loginName },
      { form: posts('disable') }
    )
    t.equal(await stateOf(kora, endorsed), 'withdrawn')

    const fresh = await signInAs(kora, 'system')
    system.browser = fresh.browser
    const [waits, again] = [await ask('two'), await ask('three')]
    await decide(kora, fresh, waits, 'vouch')
    const act = { actor: 'operator:test', reason: 'x', address: null, traceId: null } as const
    const program = await findClient(services.db, 'demo-admin')
    if (program === null) throw new Error('no demo-admin')
    // without its rights it stands for nothing
    const { adminScopes: _rights, ...policy } = program.policy
    const content = { kind: program.kind, metadata: program.metadata, policy }
    const changed = await write(services, changeClient, {
      act,
      clientId: 'demo-admin',
      version: null,
      content,
      approved: true
    })
    t.equal(changed.outcome, 'changed')
    await decide(kora, security, waits, 'approve')
    t.equal(await stateOf(kora, waits), 'pending')
    await decide(kora, fresh, again, 'vouch')
    t.match(
      await services.db.selectFrom('pendingChange').select('vouchedBy').where('subject', '=', 'three').execute(),
      [{ vouchedBy: null }]
    )
    t.match(
      await write(services, setClientStatus, { act, clientId: 'demo-admin', version: null, status: 'disabled' }),
      {
        outcome: 'changed'
      }
    )
    t.same([await stateOf(kora, waits), await stateOf(kora, again)], ['withdrawn', 'withdrawn'])
  }
)

await withPostgres(t, 'S37: a decision waits for a disabling that began before it', async (t, url) => {
  const database = await testPostgres(t, url)
  const kora = await startKora(t, { databaseUrl: database.url ?? '' })
  const [system, security] = [await signInAs(kora, 'system'), await signInAs(kora, 'security')]
  const counter = await signInAs(kora, 'counter')
  const waits = await askReset(kora, system, counter)
  const shown = await security.browser.go(waits.url)
  const waiting = async (): Promise<boolean> => {
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(database.db)
    return (rows[0]?.n ?? 0) > 0
  }
  const decided = await inTransaction(database.db, async (trx) => {
    await trx.updateTable('adminAccount').set({ status: 'disabled' }).where('id', '=', system.id).execute()
    const decision = security.browser.submit(shown, { reason: '同意' }, { form: posts('approve') })
    t.ok(await until(waiting), 'it waits')
    return { decision }
  })
  await decided.decision
  t.same([await stateOf(kora, waits), await statusOf(kora, counter)], ['pending', 'active'])
})

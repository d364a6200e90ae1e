import t from 'tap'
import { startKora, words, type Answer, type Kora } from '../../../support/driver/index.ts'
import { askedFor, onceOf, signInAs, type SignedIn } from '../support.ts'
import { screen } from '../../../support/driver/screen.ts'
import { said } from '../../../support/texts.ts'

const inviteForm = (form: { action: string }): boolean => form.action.endsWith('/admin/accounts/new')
const decision = (form: { action: string }): boolean => /approvals\/chg_[\w-]+\/(approve|withdraw)$/.test(form.action)
const to = (page: Answer, act: string): Answer => ({
  ...page,
  forms: page.forms.map((form) => ({ ...form, action: form.action.replace(/\/(approve|withdraw)$/, `/${act}`) }))
})

const ask = async (kora: Kora, { browser }: SignedIn, fields: Record<string, string>): Promise<Answer> =>
  await browser.submit(
    await browser.go(`${kora.issuer}/admin/accounts/new`),
    { reason: '新同事', ...fields },
    { form: inviteForm }
  )
const pathOf = (answer: Answer): string => new URL(answer.url).pathname

t.test('T083: a new account needs two: asked by one, allowed by another, exactly as shown', async (t) => {
  const kora = await startKora(t)
  const system = await signInAs(kora, 'system')
  const alone = await system.browser.go(`${kora.issuer}/admin/accounts/new`)
  t.match(words(alone.text), said('console.administrators.invite.alone'))
  const { waits } = await askedFor(
    system,
    await ask(kora, system, { role: 'counter', login_name: 'desk.one', display_name: '窗口 甲' })
  )
  t.match(pathOf(waits), /^\/admin\/approvals\/chg_/, 'nobody else is invited by one alone')
  t.match(words(waits.text), /现在没有另一位可以审批的管理员（ ?安全管理员/)
  t.same(
    await kora.inside.services.db.selectFrom('adminAccount').select('id').where('role', '=', 'counter').execute(),
    []
  )
  t.equal(
    (await system.browser.submit(to(waits, 'approve'), { reason: '自己批' }, { form: decision })).status,
    422,
    'not by the one who asked, nor by this role'
  )

  const first = await ask(kora, system, { role: 'security', login_name: 'sec.one', display_name: '安全 甲' })
  t.match(onceOf(first), /\/admin\/begin\/[\w-]{43}$/, 'the first security administrator: directly')
  const { waits: next } = await askedFor(
    system,
    await ask(kora, system, { role: 'security', login_name: 'sec.two', display_name: '安全 乙' })
  )
  t.match(pathOf(next), /approvals\/chg_/, 'the second: not any more')

  const security = await signInAs(kora, 'security')
  t.equal((await security.browser.go(`${kora.issuer}/admin/accounts/new`)).status, 403, 'security cannot ask')
  const shown = await security.browser.go(`${kora.issuer}${pathOf(waits)}`)
  t.match(words(shown.text), /窗口 甲.*desk\.one/)
  t.equal((await security.browser.submit(shown, { reason: '' }, { form: decision })).status, 422, 'a reason is needed')
  const changed = await security.browser.submit(shown, { reason: '同意', digest: 'x'.repeat(43) }, { form: decision })
  t.match(screen(changed.text).errors, ['fault.change_changed'])
  const approved = await security.browser.submit(shown, { reason: '同意' }, { form: decision })
  t.match(onceOf(approved), /\/admin\/begin\//)
  t.same(
    await kora.inside.services.db
      .selectFrom('adminAccount')
      .select(['loginName', 'status'])
      .where('role', '=', 'counter')
      .execute(),
    [{ loginName: 'desk.one', status: 'invited' }]
  )
  const events = await kora.inside.services.db
    .selectFrom('auditEvent')
    .select(['type', 'actor', 'reason'])
    .where('type', 'like', 'change.%')
    .orderBy('id')
    .execute()
  t.same(
    events.map(({ type }) => type),
    ['change.requested', 'change.requested', 'change.approved']
  )
  t.same(events.at(-1), { type: 'change.approved', actor: `admin:${security.id}`, reason: '同意' })
  t.match(
    words((await security.browser.submit(shown, { reason: '再来' }, { form: decision })).text),
    said('fault.review_unchanged')
  )
})

t.test('the requester never decides, others of the role do; twenty at once make one decision', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const [one, two] = [await signInAs(kora, 'security'), await signInAs(kora, 'security')]
  const subject = await signInAs(kora, 'audit')
  const confirm = await one.browser.go(`${kora.issuer}/admin/accounts/${subject.id}/reset`)
  const form = (each: { action: string }): boolean => each.action.endsWith('/reset')
  t.equal((await one.browser.submit(confirm, { reason: '丢失', typed: 'wrong' }, { form })).status, 422)
  const { waits } = await askedFor(
    one,
    await one.browser.submit(confirm, { reason: '丢失', typed: subject.loginName }, { form })
  )
  t.match(pathOf(waits), /chg_/)
  t.match(
    words((await one.browser.submit(to(waits, 'approve'), { reason: '自己' }, { form: decision })).text),
    said('fault.change_not_waiting')
  )
  const again = await one.browser.submit(confirm, { reason: '再申请', typed: subject.loginName }, { form })
  t.equal(pathOf(again), pathOf(waits), 'the same request is one')

  const shown = await two.browser.go(`${kora.issuer}${pathOf(waits)}`)
  const answers = await Promise.all(
    Array.from(
      { length: 20 },
      async (_, at) =>
        await two.browser.submit(
          to(shown, at % 2 === 0 ? 'approve' : 'reject'),
          { reason: `第 ${at} 次` },
          { form: (each) => /chg_[\w-]+\/(approve|reject)$/.test(each.action) }
        )
    )
  )
  t.equal(answers.filter((answer) => !said('fault.review_unchanged').test(words(answer.text))).length, 1)
  const decided = await db
    .selectFrom('auditEvent')
    .select('type')
    .where('type', 'in', ['change.approved', 'change.rejected'])
    .orderBy('id')
    .execute()
  t.equal(decided.length, 1)
  const row = await db
    .selectFrom('adminAccount')
    .select('status')
    .where('id', '=', subject.id)
    .executeTakeFirstOrThrow()
  t.equal(row.status, decided[0]?.type === 'change.approved' ? 'invited' : 'active')
})

t.test(
  'T079, T083: a reset shows nobody a password and ends everything at once; roles never change, also by hand',
  async (t) => {
    const kora = await startKora(t)
    const { db } = kora.inside.services
    const [system, security, subject] = [
      await signInAs(kora, 'system'),
      await signInAs(kora, 'security'),
      await signInAs(kora, 'counter')
    ]
    const { code, waits } = await askedFor(
      system,
      await system.browser.submit(
        await system.browser.go(`${kora.issuer}/admin/accounts/${subject.id}/reset`),
        { reason: '手机丢失', typed: subject.loginName },
        { form: (form) => form.action.endsWith('/reset') }
      )
    )
    const done = await security.browser.submit(
      await security.browser.go(`${kora.issuer}${pathOf(waits)}`),
      { reason: '已当面核实' },
      { form: decision }
    )
    t.match(onceOf(done), /\/admin\/begin\//)
    t.match((await subject.browser.go(`${kora.issuer}/admin`)).url, /administrator$/, 'out at the next request')
    const asks = await subject.browser.go(onceOf(done))
    t.match(words(asks.text), said('console.administrators.code.label'))
    t.match(
      words(
        (await subject.browser.submit(asks, { link_code: code }, { form: (form) => form.action.endsWith('/code') }))
          .text
      ),
      said('console.sign-in.enrollment.reset')
    )
    await t.rejects(
      db.updateTable('adminAccount').set({ role: 'system' }).where('id', '=', subject.id).execute(),
      /never changes/
    )
    await t.rejects(
      db
        .updateTable('pendingChange')
        .set({ decidedBy: `admin:${system.id}` })
        .execute(),
      /check/,
      'four eyes also by hand'
    )

    const gone = await security.browser.submit(
      await security.browser.go(`${kora.issuer}/admin/accounts/${subject.id}/disable`),
      { reason: '离职', typed: subject.loginName },
      { form: (form) => form.action.endsWith('/disable') }
    )
    t.match(screen(gone.text).notices, ['console.done.account_disabled'])
    t.equal((await subject.browser.go(onceOf(done))).status, 404, 'its link is over')
    t.equal(
      (await system.browser.go(`${kora.issuer}/admin/accounts/${security.id}/disable`)).status,
      404,
      'the one who configures does not end those who watch'
    )
  }
)

t.test(
  'what nobody decides is over after seven days; credentials older than ten minutes are asked for again',
  async (t) => {
    const kora = await startKora(t)
    const { db, audit } = kora.inside.services
    const { sweepApprovalRequests } = await import('../../../../src/records/approvals/index.ts')
    const [system, security] = [await signInAs(kora, 'system'), await signInAs(kora, 'security', { secondsAgo: 601 })]
    const { waits } = await askedFor(
      system,
      await ask(kora, system, { role: 'audit', login_name: 'auditor', display_name: '审计 甲' })
    )
    const shown = await security.browser.go(`${kora.issuer}${pathOf(waits)}`)
    t.match(words(shown.text), said('console.approvals.again'))
    t.match(pathOf(await security.browser.go(`${kora.issuer}/admin/accounts/${system.id}/disable`)), /\/admin\/again/)
    t.match(
      pathOf(
        await security.browser.request(`${kora.issuer}${pathOf(waits)}/approve`, {
          method: 'POST',
          body: new URLSearchParams({
            csrf: shown.forms.find((form) => form.action.endsWith('/sign-out'))?.fields['csrf'] as string,
            reason: 'x'
          }),
          headers: { origin: kora.issuer }
        })
      ),
      /approve/
    )
    t.equal((await db.selectFrom('pendingChange').select('state').executeTakeFirstOrThrow()).state, 'pending')
    await db
      .updateTable('pendingChange')
      .set({ expiresAt: new Date(0) })
      .execute()
    const fresh = await signInAs(kora, 'security')
    const late = await fresh.browser.go(`${kora.issuer}${pathOf(waits)}`)
    t.match(words(late.text), said('console.approvals.state.expired'))
    t.notMatch(late.text, /\/approve"/)
    t.equal(await sweepApprovalRequests({ db, audit }, 100), 1)
    t.equal(await sweepApprovalRequests({ db, audit }, 100), 0)
    t.match(
      words((await fresh.browser.go(`${kora.issuer}/admin/approvals?state=expired`)).text),
      said('console.approvals.change.account.invite')
    )
    for (const cursor of [
      'x',
      Buffer.from('["a","b"]').toString('base64url'),
      Buffer.from('["2026-99-01T00:00:00.000Z","b"]').toString('base64url'),
      '%00'
    ]) {
      t.equal((await fresh.browser.go(`${kora.issuer}/admin/approvals?after=${cursor}`)).status, 200, cursor)
    }
    const csv = await fresh.browser.go(`${kora.issuer}/admin/approvals?state=all&format=csv`)
    t.match(csv.headers.get('content-type'), 'text/csv')
    t.match(csv.text, /account\.invite,auditor/)
  }
)

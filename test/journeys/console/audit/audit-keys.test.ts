/** A8, A9 and dead letters: what the pages say and do, as each role. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import t from 'tap'
import { command } from '../../../../src/cli/audit.ts'
import { sealBatch } from '../../../../src/records/audit/index.ts'
import { startKora, words, type Answer, type Browser } from '../../../support/driver/index.ts'
import { signInAs } from '../support.ts'
import { screen } from '../../../support/driver/screen.ts'
import { said, saidInOrder } from '../../../support/texts.ts'

const kora = await startKora(t)
const { services } = kora.inside
const { db, crypto } = services
const [auditor, system, security] = [
  await signInAs(kora, 'audit'),
  await signInAs(kora, 'system'),
  await signInAs(kora, 'security')
]
const at = async (browser: Browser, path: string): Promise<Answer> => await browser.go(kora.issuer + path)
const submit = async (browser: Browser, page: Answer, end: string, fields: Record<string, string>): Promise<Answer> =>
  await browser.submit(page, fields, { form: (form) => form.action.endsWith(end) })
const types = async (
  type: string
): Promise<Array<{ actor: string | null; reason: string | null; details: Record<string, unknown> }>> =>
  await db
    .selectFrom('auditEvent')
    .select(['actor', 'reason', 'details'])
    .where('type', '=', type)
    .orderBy('id')
    .execute()

t.test('audit: searching, one event, the chain, the file', async (t) => {
  const { browser } = auditor
  const [person, organization] = [`per_${'t'.repeat(22)}`, `org_${'t'.repeat(22)}`]
  await db.transaction().execute(async (trx) => {
    await services.audit.record(trx, {
      type: 'delegation.revoked',
      personId: person,
      organizationId: organization,
      address: '10.1.2.3',
      traceId: 'abcdef012345',
      reason: '<script>alert(1)</script>',
      details: { version: 2 }
    })
    await services.audit.record(trx, { type: 'login.failed', clientId: '=cmd', address: '10.10.2.3' })
  })
  const all = await at(browser, '/admin/audit')
  t.equal(all.status, 200)
  t.match(words(all.text), /代理授权撤销 delegation\.revoked 成功/)
  const found = await at(browser, `/admin/audit?person=${person}&address=10.1.0.0/16&type=delegation.revoked`)
  t.match(words(found.text), `${person} · ${organization}`)
  t.notMatch(found.text, /10\.10\.2\.3/)
  t.match(found.text, `value="${person}"`, 'filters stay in the form')
  t.match(words((await at(browser, `/admin/audit?person=per_${'n'.repeat(22)}`)).text), said('console.list.none'))
  const wrong = await at(browser, '/admin/audit?address=nonsense&from=2026-99-99&outcome=perhaps')
  t.equal(wrong.status, 422, 'what is not understood is not left out')
  t.equal((await at(browser, `/admin/audit?after=${Buffer.from('["x"]').toString('base64url')}`)).status, 404)
  t.match(
    (await types('audit.searched')).at(-1),
    { actor: `admin:${auditor.id}`, details: { person: `per_${'n'.repeat(22)}` } },
    'every search is in the trail'
  )

  // what is no id of ours may be somebody's number or name: the trail, which forgets nothing, must not get it
  const searches = (await types('audit.searched')).length
  for (const filter of [
    'person=540102199003072515',
    'person=%E6%89%8E%E8%A5%BF',
    'actor=person:540102199003072515',
    'actor=13800138000',
    'organization=91540102MA6T1A2BXK',
    'client=540102199003072515',
    'trace=540102199003072515',
    'from=0000-01-01',
    'to=9999-12-31'
  ]) {
    t.equal((await at(browser, `/admin/audit?${filter}`)).status, 422, filter)
  }
  t.equal((await types('audit.searched')).length, searches)
  for (const filter of [
    `actor=person:${person}`,
    `actor=admin:${auditor.id}`,
    'actor=client:demo-site',
    'actor=operator:root',
    'actor=operator:%E6%89%8E%E8%A5%BF',
    'actor=system',
    'client=demo-site',
    'trace=abcdef012345',
    'trace=abcd+ef01+2345'
  ]) {
    t.equal((await at(browser, `/admin/audit?${filter}`)).status, 200, filter)
  }

  const href = /href="(\/admin\/audit\/events\/\d+)"/.exec(found.text)?.[1] ?? ''
  const one = await at(browser, href)
  t.match(words(one.text), /代理授权撤销 内容与签名一致 (?:还未入链|时间)/)
  t.match(one.text, /&lt;script&gt;alert\(1\)/)
  t.match(words(one.text), /version 2/)
  t.equal((await at(browser, '/admin/audit/events/99999999')).status, 404)
  t.equal((await at(browser, '/admin/audit/events/x')).status, 404)

  const csv = await at(browser, '/admin/audit?type=login.failed&format=csv')
  t.match(csv.text, /"?'=cmd/, 'cells are safe')
  t.match((await types('audit.exported')).at(-1), { details: { format: 'csv' } })

  while ((await sealBatch(db, crypto)).sealed > 0);
  const chain = await at(browser, '/admin/audit/chain')
  t.match(words((await submit(browser, chain, '/chain', { events: '1000' })).text), /完整：核对 \d+ 条/)
  t.match((await types('audit.verified')).at(-1), { details: { whole: true } })

  const form = await at(browser, '/admin/audit/export')
  const today = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10)
  t.equal(
    (await submit(browser, form, '/export', { from: today, to: today, reason: '' })).status,
    422,
    'a reason is needed'
  )
  t.equal((await submit(browser, form, '/export', { from: '2001-01-01', to: '2001-01-02', reason: 'x' })).status, 422)
  const file = await submit(browser, form, '/export', { from: today, to: today, reason: '检查 2026/3' })
  t.equal(file.status, 200)
  t.match(file.headers.get('content-disposition'), /attachment; filename="audit-1-\d+\.jsonl"/)
  const folder = mkdtempSync(join(tmpdir(), 'kora-export-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  writeFileSync(join(folder, 'a.jsonl'), file.text)
  const out: string[] = []
  t.equal(
    await command.runWithoutServices(
      ['verify', '--file', join(folder, 'a.jsonl'), '--jwks', `${kora.issuer}/oidc/jwks`],
      (line) => {
        out.push(line)
      }
    ),
    0,
    out.join()
  )
  t.match(out.join(), /signature of key .* is valid/)
  t.match((await types('audit.exported')).at(-1), { reason: '检查 2026/3', details: { from: 1 } })
  for (const { browser } of [system, security]) {
    t.equal((await at(browser, '/admin/audit')).status, 403, 'only the auditor reads the trail')
  }
})

t.test('keys: four eyes for rotation, one for a leak', async (t) => {
  const page = await at(system.browser, '/admin/keys')
  t.match(words(page.text), said('console.keys.cache', { m: 60 }))
  t.match(words(page.text), saidInOrder(/ES256 /, 'console.keys.state.active'))
  const first = (
    await db
      .selectFrom('signingKey')
      .select('kid')
      .where('alg', '=', 'ES256')
      .where('state', '=', 'active')
      .executeTakeFirstOrThrow()
  ).kid
  t.notMatch(
    (await at(auditor.browser, '/admin/keys')).text,
    /\/admin\/keys\/(leak|rotate|publish)/,
    'the auditor looks only'
  )

  const publish = await at(system.browser, '/admin/keys/publish/ES256')
  t.equal((await submit(system.browser, publish, '/publish/ES256', { reason: '' })).status, 422)
  t.match(
    screen((await submit(system.browser, publish, '/publish/ES256', { reason: '例行' })).text).notices,
    ['console.done.key_published']
  )
  t.match(words((await at(system.browser, '/admin/keys')).text), said('console.keys.rotate.early'))
  const set = await at(system.browser, '/admin/keys/set')
  t.match(set.text, new RegExp(first))
  t.notMatch(set.text, /&quot;d&quot;/, 'public parts only')

  await sql`update signing_key set created_at = now() - interval '3 hours' where state = 'pre-published'`.execute(db)
  t.match((await at(system.browser, '/admin/keys')).text, /\/admin\/keys\/rotate\/ES256/)
  const rotate = await at(system.browser, '/admin/keys/rotate/ES256')
  t.match(
    words(rotate.text),
    saidInOrder(said('console.keys.rotate.lead', { m: 10 }), 'console.keys.rotate.dual_control')
  )
  const asked = await submit(system.browser, rotate, '/rotate/ES256', { reason: '例行轮换' })
  t.match(new URL(asked.url).pathname, /^\/admin\/approvals\/chg_/)
  const active = async (): Promise<string | undefined> =>
    (
      await db
        .selectFrom('signingKey')
        .select('kid')
        .where('alg', '=', 'ES256')
        .where('state', '=', 'active')
        .executeTakeFirst()
    )?.kid
  t.equal(await active(), first, 'nothing happened yet')
  const change = await at(security.browser, new URL(asked.url).pathname)
  t.match(words(change.text), /轮换 ES256 签名密钥/)
  const done = await security.browser.submit(
    change,
    { reason: '同意' },
    { form: (form) => form.action.endsWith('/approve') }
  )
  t.equal(done.status, 200)
  t.not(await active(), first)
  t.match((await types('signing-key.retired')).at(-1), { actor: `admin:${security.id}`, details: { kid: first } })

  const second = await active()
  const leak = await at(security.browser, `/admin/keys/leak/${second}`)
  t.equal(
    (await submit(security.browser, leak, `/leak/${second}`, { reason: '笔记本丢失', typed: 'wrong' })).status,
    422,
    'the kid must be typed'
  )
  t.match(
    words(
      (
        await submit(security.browser, leak, `/leak/${second}`, {
          reason: '笔记本丢失',
          typed: String(second).slice(0, 8)
        })
      ).text
    ),
    said('console.done.key_expelled_unknown')
  )
  t.not(await active(), second)
  t.equal((await at(security.browser, `/admin/keys/leak/${second}`)).status, 404)
  t.equal((await at(system.browser, '/admin/keys/rotate/HS256')).status, 404)

  await sql`insert into removed_key_use (kid, client_id, place, uses)
    values (${second}, 'demo-site', 'id_token_hint', 3)`.execute(db)
  t.match(words((await at(system.browser, '/admin/keys')).text), saidInOrder('console.keys.alarm', /demo-site/))
})

t.test('dead letters: sent again, with a reason', async (t) => {
  const { browser } = system
  t.match(words((await at(browser, '/admin/outbox')).text), said('console.outbox.none'))
  await sql`insert into outbox (topic, payload_enc, attempts, dead_at, last_error, run_at)
    values ('sms', 'secret', 12, now(), 'ECONNREFUSED', now()), ('sms', 'secret', 12, now(), 'ECONNREFUSED', now()),
      ('logout', 'secret', 12, now(), '500', now())`.execute(db)
  const page = await at(browser, '/admin/outbox')
  t.match(words(page.text), /全部重发：logout（1）.*全部重发：sms（2）/)
  t.notMatch(page.text, /secret/)
  t.notMatch((await at(browser, '/admin/outbox?topic=logout')).text, /ECONNREFUSED/)
  const one = /\/admin\/outbox\/(\d+)\/resend/.exec(page.text)?.[1] ?? ''
  const confirm = await at(browser, `/admin/outbox/${one}/resend`)
  t.equal((await submit(browser, confirm, '/resend', { reason: '' })).status, 422)
  await submit(browser, confirm, '/resend', { reason: '对方已恢复' })
  const all = await at(browser, '/admin/outbox/sms/resend')
  t.match(
    screen((await submit(browser, all, '/resend', { reason: '网关恢复' })).text).notices,
    ['console.done.outbox_resent']
  )
  t.match(
    (await types('outbox.resent')).map(({ details, reason }) => [details, reason]),
    [
      [{ count: 1 }, '对方已恢复'],
      [{ topic: 'sms', count: 2 }, '网关恢复']
    ]
  )
  t.equal((await at(browser, '/admin/outbox/sms/resend')).status, 404)
  t.equal((await at(security.browser, '/admin/outbox')).status, 403)
})

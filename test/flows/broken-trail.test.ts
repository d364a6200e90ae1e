/** S5: what a running Kora does when somebody has changed its audit trail. */
import { sql } from 'kysely'
import t from 'tap'
import { demoParty, startKora } from '../support/driver/index.ts'
import { signInAs } from '../journeys/console/support.ts'
import { until } from '../support/until.ts'

const kora = await startKora(t)
const { db } = kora.inside.services
const ready = async (): Promise<unknown> => {
  const answer = await fetch(`${kora.issuer}/readyz`)
  return { code: answer.status, ...((await answer.json()) as object) }
}
const sealed = async (): Promise<number> =>
  Number((await sql<{ sequence: number }>`select sequence from audit_head`.execute(db)).rows[0]!.sequence)

await t.test('S5: a broken trail is told, nothing is sealed, logins go on', async (t) => {
  const person = await kora.sandbox.account('zhuoma')
  const credentials = { account: person.cert_no, password: person.password }
  const party = await demoParty(kora, 'demo-site', { scope: 'openid profile' })
  t.ok((await party.login(kora.newBrowser(), credentials)).access_token)
  await until(async () => (await sealed()) > 0)
  t.strictSame(await ready(), { code: 200, status: 'ready' })

  await sql`alter table audit_event disable trigger all`.execute(db)
  await sql`delete from audit_event where sequence = (select max(sequence) from audit_event)`.execute(db)
  await until(async () => JSON.stringify(await ready()).includes('broken'))
  t.strictSame(await ready(), { code: 200, status: 'ready', audit: 'broken' })
  const before = await sealed()
  t.ok((await party.login(kora.newBrowser(), credentials)).access_token, 'people sign in')
  t.equal(await sealed(), before)
  t.match(await (await fetch(`${kora.issuer}/metrics`)).text(), /^kora_alarm\{code="audit_broken"\} 1$/m)
  const told = await db.selectFrom('auditEvent').select('id').where('type', '=', 'audit.broken').execute()
  t.equal(told.length, 1)

  const { browser } = await signInAs(kora, 'audit')
  const page = await browser.go(`${kora.issuer}/admin/audit/chain`)
  const answer = await browser.submit(page, { events: '1000' }, { form: ({ action }) => action.endsWith('/chain') })
  t.match(answer.text, /data-fault="truncated"/)
})

/** S43: signs that nobody sees, in texts of the staff and of programs. */
import { sql } from 'kysely'
import t from 'tap'
import { startKora } from '../../support/driver/index.ts'
import { signInAs } from './support.ts'

const kora = await startKora(t)
const { db, audit } = kora.inside.services
const { browser } = await signInAs(kora, 'audit')
const reversed = 'abc\u202efed\u2028x\u200b\u001b[31m'

const hides = (text: string): boolean => ['\u202e', '\u2028', '\u200b', '\u001b'].some((sign) => text.includes(sign))

await t.test('S43: they are taken out of a reason on its way in', async (t) => {
  const person = `per_${'s'.repeat(22)}`
  await audit.recordSingle(db, {
    type: 'login.failed',
    personId: person,
    reason: reversed,
    details: { why: reversed }
  })
  const row = await db
    .selectFrom('auditEvent')
    .select(['reason', 'details'])
    .where('personId', '=', person)
    .executeTakeFirstOrThrow()
  t.equal(row.reason, 'abcfed x[31m')
  t.match(row.details, { why: 'abcfed x[31m' })
})

await t.test('S43: where an older row has them they are seen', async (t) => {
  const person = `per_${'o'.repeat(22)}`
  await sql`insert into audit_event (type, outcome, person_id, reason, mac)
    values ('login.failed', 'failure', ${person}, ${reversed}, 'x')`.execute(db)
  const id = (await db.selectFrom('auditEvent').select('id').where('personId', '=', person).executeTakeFirstOrThrow())
    .id
  const event = await browser.go(`${kora.issuer}/admin/audit/events/${id}`)
  t.match(event.text, 'abc⟨U+202E⟩fed⟨U+2028⟩x⟨U+200B⟩⟨U+001B⟩[31m')
  t.notOk(hides(event.text))
  const csv = await browser.go(`${kora.issuer}/admin/audit?person=${person}&format=csv`)
  t.match(csv.text, '⟨U+202E⟩')
  t.notOk(hides(csv.text))
})

await t.test('S43: a form of the console keeps what is seen only', async (t) => {
  const form = await browser.go(`${kora.issuer}/admin/audit/export`)
  const today = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10)
  await browser.submit(
    form,
    { from: today, to: today, reason: 'inspec\u202etion' },
    {
      form: ({ action }) => action.endsWith('/export')
    }
  )
  const { reason } = await db
    .selectFrom('auditEvent')
    .select('reason')
    .where('type', '=', 'audit.exported')
    .orderBy('id', 'desc')
    .executeTakeFirstOrThrow()
  t.equal(reason, 'inspection')
})

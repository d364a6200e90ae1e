import t from 'tap'
import { sql } from 'kysely'
import { payloadOf, phoneAgent, startKora, submitPassword } from '../../support/driver/index.ts'

t.test('a slow reader: the code was on the screen when the page was opened, and has changed since', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const person = await kora.sandbox.account('zhaxi')
  const computer = kora.newBrowser()
  const qr = await submitPassword(computer, await computer.go(`${kora.site}/login`), {
    account: person.phone,
    password: person.password
  })
  const payload = payloadOf(qr)
  const slow = kora.newBrowser({ userAgent: phoneAgent })
  const landing = await slow.go(payload)

  // script runs on the computer, and a minute passes: the code has rotated three times
  await sql`update scan_ticket set rotating_at = now() - interval '60 seconds',
    created_at = now() - interval '60 seconds'`.execute(db)
  const late = kora.newBrowser({ userAgent: phoneAgent })
  const tooLate = await late.submit(await late.go(payload))
  t.match(new URL(tooLate.url).pathname, /\/scan$/, 'who opens the old code only now is refused')
  t.equal(tooLate.status, 410)

  const borrowed = kora.newBrowser({ userAgent: phoneAgent })
  await borrowed.go(payload)
  const stolen = await borrowed.submit(landing)
  t.equal(stolen.status, 403, "the first browser's form is worth nothing in another")

  const on = await slow.submit(landing)
  t.match(new URL(on.url).pathname, /^\/v\/.+\/confirm$/, 'who had opened it in time goes on')
})

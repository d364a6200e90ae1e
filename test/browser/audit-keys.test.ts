/**
 * Audit, keys and undelivered messages in a real Chromium: axe, no sideways scrolling, no script error, two languages
 * and widths.
 */
import { mkdirSync } from 'node:fs'
import { sql } from 'kysely'
import t from 'tap'
import { publishNext } from '../../src/records/keys/index.ts'
import { startKora } from '../support/driver/index.ts'
import { signInAs } from '../journeys/console/support.ts'
import { consoleFaultsOf, deskWidths, resize, withChromium } from '../support/chromium.ts'
import { openConsole } from './administrators.ts'

t.setTimeout(600_000)

const shots = process.env['KORA_SCREENSHOTS']
const act = { actor: 'operator:lhamo', reason: '例行', address: null, traceId: null } as const

await withChromium(t, 'audit and keys in a browser', async (t, chromium) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  if (shots !== undefined) mkdirSync(shots, { recursive: true })
  const [auditor, system] = [await signInAs(kora, 'audit'), await signInAs(kora, 'system')]
  await publishNext(kora.inside.services, act, 'ES256')
  await sql`update signing_key set created_at = now() - interval '3 hours' where state = 'pre-published'`.execute(db)
  const { kid } = await db
    .selectFrom('signingKey')
    .select('kid')
    .where('state', '=', 'active')
    .where('alg', '=', 'ES256')
    .executeTakeFirstOrThrow()
  await sql`insert into removed_key_use (kid, client_id, place, uses)
    values (${kid}, 'demo-site', 'id_token_hint', 3)`.execute(db)
  await sql`insert into outbox (topic, payload_enc, attempts, dead_at, last_error)
    values ('sms', 'x', 12, now(), 'ECONNREFUSED')`.execute(db)
  const { id } = await db
    .selectFrom('auditEvent')
    .select('id')
    .where('type', '=', 'signing-key.created')
    .orderBy('id')
    .executeTakeFirstOrThrow()

  const complaints: string[] = []
  const pages = [
    ['audit', '/admin/audit', auditor],
    ['audit-wrong', '/admin/audit?address=nonsense', auditor],
    ['audit-event', `/admin/audit/events/${id}`, auditor],
    ['audit-chain', '/admin/audit/chain', auditor],
    ['audit-export', '/admin/audit/export', auditor],
    ['keys', '/admin/keys', system],
    ['keys-set', '/admin/keys/set', system],
    ['keys-rotate', '/admin/keys/rotate/ES256', system],
    ['keys-leak', `/admin/keys/leak/${kid}`, system],
    ['outbox', '/admin/outbox', system]
  ] as const
  for (const lang of ['zh-CN', 'en']) {
    for (const who of [auditor, system]) {
      const context = await openConsole(chromium, { issuer: kora.issuer, who, lang, complaints })
      const page = await context.newPage()
      for (const [name, path, reader] of pages) {
        if (reader !== who) continue
        await resize(page, deskWidths[0][1])
        await page.goto(kora.issuer + path)
        for (const [width, screen] of deskWidths) {
          await resize(page, screen)
          t.same(await consoleFaultsOf(page), [], `${name} ${lang} ${width}`)
          t.equal(await page.locator('h1').count(), 1)
          if (shots !== undefined) {
            await page.screenshot({ path: `${shots}/${name}-${lang}-${width}.png`, fullPage: true })
          }
        }
      }
      await context.close()
    }
  }
  t.same(complaints, [], 'no script or policy error')
})

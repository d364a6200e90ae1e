// Consents: what was agreed to, word for word; withdrawn, never erased.
import { createHash } from 'node:crypto'
import t from 'tap'
import {
  consentText,
  recordConsent,
  recordRelease,
  textHash
} from '../../../src/records/consents/index.ts'
import { eachDatabase } from '../../support/database.ts'
import { events, sandboxOf, version, world } from '../scan-tickets/support.ts'

const sandbox = await sandboxOf(t)

t.test('texts', async (t) => {
  const kinds = ['privacy', 'terms', 'identity-verification', 'face-check'] as const
  const all = kinds.flatMap((kind) => ['zh-CN', 'bo', 'en'].map((locale) => consentText(kind, locale)))
  t.equal(new Set(all).size, 12, 'each kind has its words in each language')
  t.equal(consentText('face-check', 'fr'), consentText('face-check', 'zh-CN'))
  t.equal(
    textHash('face-check', version, 'en'),
    createHash('sha256')
      .update(`face-check\n${version}\n${consentText('face-check', 'en')}`)
      .digest('base64url')
  )
})

await eachDatabase(t, 'records', async (t, database) => {
  const w = await world(database, sandbox)
  const { db } = w.services
  const give = async (source: string) =>
    await db.transaction().execute(
      async (trx) =>
        await recordConsent(trx, w.services, {
          personId: w.personId,
          kind: 'face-check',
          version,
          locale: 'bo',
          source
        })
    )
  const first = await give('a')
  t.equal(await give('a'), first, 'a page sent twice')
  t.not(await give('b'), first)
  t.equal(await events(w, 'consent.given'), 2)
  t.equal((await db.selectFrom('consent').select('id').execute()).length, 2)

  await db.transaction().execute(async (trx) => {
    for (const [scope, given] of [
      ['phone', true],
      ['identity', false]
    ] as const) {
      await recordRelease(trx, w.services, {
        personId: w.personId,
        clientId: 'tax',
        scope,
        given,
        locale: 'zh-CN',
        source: 'attempt-1'
      })
    }
  })
  const releases = await db
    .selectFrom('consent')
    .select(['scope', 'withdrawnAt', 'clientId', 'version'])
    .where('kind', '=', 'release')
    .orderBy('scope')
    .execute()
  t.match(releases, [
    { scope: 'identity', withdrawnAt: Date },
    { scope: 'phone', withdrawnAt: null, clientId: 'tax', version }
  ])
})

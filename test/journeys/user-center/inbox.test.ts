import t from 'tap'
import { notify } from '../../../src/records/messages/index.ts'
import { startKora, words } from '../../support/driver/index.ts'
import { enter, organizationId } from './support.ts'
import { said, saidInOrder } from '../../support/texts.ts'

t.test(
  "messages: the number beside the link, pages, one read by opening it, all by a button; somebody else's do not exist",
  async (t) => {
    const kora = await startKora(t)
    const { services } = kora.inside
    const { person_id: personId } = await kora.sandbox.account('zhuoma')
    const { person_id: otherId } = await kora.sandbox.account('gesang')
    let foreign = ''
    await services.db.transaction().execute(async (trx) => {
      for (let i = 0; i < 23; i++) {
        await notify(trx, services, {
          personId,
          kind: 'delegation-expired',
          data: {
            organization: `单位${i}`,
            uscc: '91540102MA6T1A2BXK',
            agent: '*瓦',
            validTo: '2026-01-01',
            reason: null
          }
        })
      }
      foreign = await notify(trx, services, { personId: otherId, kind: 'security-new-device', data: {} })
    })
    const { browser, home } = await enter(kora, 'zhuoma')
    t.match(words(home.text), said('user-center.inbox.unread', { n: 23 }))
    const first = await browser.go(`${kora.issuer}/me/messages`)
    t.equal(first.text.match(/未读<\/strong>/g)?.length, 20)
    const older = await browser.go(
      new URL(/href="(\/me\/messages\?before=[^"]*)"/.exec(first.text)?.[1] ?? '', kora.issuer).href
    )
    t.equal(older.text.match(/未读<\/strong>/g)?.length, 3)
    const message = await browser.go(
      new URL(/href="(\/me\/messages\/msg_[^"]*)"/.exec(first.text)?.[1] ?? '', kora.issuer).href
    )
    t.match(words(message.text), saidInOrder('user-center.message.delegation-expired', /单位\d+/, 'user-center.act.mine'))
    t.match(words((await browser.go(`${kora.issuer}/me`)).text), said('user-center.inbox.unread', { n: 22 }))
    t.equal((await browser.request(`${kora.issuer}/me/messages/${foreign}`)).status, 404)
    t.equal((await browser.request(`${kora.issuer}/me/messages?before=${foreign}`)).status, 200)
    const read = await browser.submit(first, {}, { form: (form) => form.action.endsWith('/me/messages/read') })
    t.notMatch(words(read.text), said('user-center.unread'))
    t.match(
      words((await (await enter(kora, 'gesang')).browser.go(`${kora.issuer}/me/messages`)).text),
      /未读 您的账号在新设备上登录/,
      'theirs stays unread'
    )
  }
)

t.test('trusted browsers: listed with what is known of them, revoked one by one', async (t) => {
  const kora = await startKora(t)
  const { services } = kora.inside
  const { browser } = await enter(kora, 'zhuoma')
  const { person_id: personId } = await kora.sandbox.account('zhuoma')
  const { person_id: otherId } = await kora.sandbox.account('gesang')
  const known = await services.db
    .selectFrom('knownBrowser')
    .select('browserHash')
    .where('personId', '=', personId)
    .executeTakeFirstOrThrow()
  const expiresAt = new Date(Date.now() + 86_400_000 * 30)
  await services.db
    .insertInto('trustedBrowser')
    .values([
      { personId, organizationId: await organizationId(kora, 'gongsi'), browserHash: known.browserHash, expiresAt },
      { personId, organizationId: await organizationId(kora, 'cunjiti'), browserHash: 'elsewhere', expiresAt },
      { personId: otherId, organizationId: await organizationId(kora, 'simiao'), browserHash: 'theirs', expiresAt }
    ])
    .execute()
  const page = await browser.go(`${kora.issuer}/me/browsers`)
  t.match(words(page.text), said('user-center.trusted-browsers.here'))
  t.match(words(page.text), /Windows · Chrome/)
  t.notMatch(words(page.text), /示例寺/)
  t.notMatch(page.text, known.browserHash)
  const form = page.forms.find(({ fields }) => fields['browser'] !== undefined)
  const after = await browser.submit(page, {}, { form: (one) => one === form })
  t.equal(after.text.match(/name="browser"/g)?.length, 1)
  await browser.submit(page, { browser: 'x'.repeat(22) }, { form: (one) => one === form })
  const rows = await services.db
    .selectFrom('trustedBrowser')
    .select('personId')
    .where('revokedAt', 'is', null)
    .execute()
  t.equal(rows.length, 2)
})

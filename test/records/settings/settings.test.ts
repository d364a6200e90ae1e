import t from 'tap'
import { startKora, words, type Answer } from '../../support/driver/index.ts'
import { checkSetting, createSettings } from '../../../src/records/settings/index.ts'
import { signInAs } from '../../journeys/console/support.ts'

const form = (each: { action: string; method: string }): boolean =>
  /\/admin\/settings\/\w+$/.test(each.action) && each.method === 'post'

t.test(
  'a setting: what it is, who changed it, seen on every page and by every process; two at once are told apart',
  async (t) => {
    const kora = await startKora(t)
    const { services } = kora.inside
    const [system, other, security] = [
      await signInAs(kora, 'system'),
      await signInAs(kora, 'system'),
      await signInAs(kora, 'security')
    ]
    const address = `${kora.issuer}/admin/settings/maintenance`
    const list = await security.browser.go(`${kora.issuer}/admin/settings`)
    t.match(words(list.text), /维护通知.*从未更改/)
    t.equal((await security.browser.go(address)).status, 403, 'security reads only')

    const page = await system.browser.go(address)
    const stale = await other.browser.go(address)
    t.equal(
      (await system.browser.submit(page, { zh: '', bo: '', en: 'Tonight', reason: 'x' }, { form })).status,
      422,
      'Chinese is needed'
    )
    t.equal(
      (await system.browser.submit(page, { zh: '今晚维护', reason: '' }, { form })).status,
      422,
      'a reason is needed'
    )
    const saved = await system.browser.submit(
      page,
      { zh: '今晚 22 点 <维护>', en: 'Maintenance tonight', reason: '升级' },
      { form }
    )
    t.match(words(saved.text), /已保存.*今晚 22 点 <维护>.*system 测试.*升级/)
    const shown = await kora.newBrowser().go(`${kora.issuer}/help`)
    t.match(shown.text, /<p class="note-strip" role="note"><span class="wrap">今晚 22 点 &lt;维护&gt;</)
    t.match((await kora.newBrowser({ language: 'en' }).go(`${kora.issuer}/help`)).text, /Maintenance tonight/)
    t.match(
      (await kora.newBrowser({ language: 'bo' }).go(`${kora.issuer}/help`)).text,
      /note-strip" role="note" lang="zh-CN"/
    )

    const late = await other.browser.submit(stale, { zh: '别的', reason: '同时' }, { form })
    t.equal(late.status, 412)
    t.match(words(late.text), /另一位管理员已经更改.*现在是：今晚 22 点/)
    t.match(late.text, /value="别的"/, 'both versions are shown')
    t.match(words((await other.browser.submit(late, { zh: '别的', reason: '同时' }, { form })).text), /已保存/)

    const elsewhere = createSettings(services)
    t.equal(elsewhere.current().maintenance.zh, '')
    await elsewhere.load()
    t.equal(elsewhere.current().maintenance.zh, '别的', 'another process reads it')
    t.same(
      (
        await services.db
          .selectFrom('auditEvent')
          .select(['type', 'actor', 'reason'])
          .where('type', '=', 'setting.changed')
          .orderBy('id')
          .execute()
      ).map(({ actor, reason }) => [actor, reason]),
      [
        [`admin:${system.id}`, '升级'],
        [`admin:${other.id}`, '同时']
      ]
    )
    await services.db
      .updateTable('setting')
      .set({ value: JSON.stringify({ zh: 'x'.repeat(999) }) })
      .execute()
    await elsewhere.load()
    t.equal(elsewhere.current().maintenance.zh, '', 'what does not fit is as if not set')
  }
)

t.test('the test button asks the adapter: an answer, and an outage', async (t) => {
  const kora = await startKora(t)
  const { browser } = await signInAs(kora, 'system')
  const press = async (vendor: string): Promise<Answer> =>
    await browser.submit(
      await browser.go(`${kora.issuer}/admin/settings`),
      {},
      { form: (each) => each.action.includes(`/${vendor}/test`) }
    )
  for (const vendor of ['face', 'population', 'companies']) {
    t.match(words((await press(vendor)).text), /连接正常/, vendor)
  }
  await kora.inside.services.sandbox?.close()
  t.match(words((await press('face')).text), /连接不上：unreachable/)
  t.match(words((await press('population')).text), /连接不上：unreachable/)
})

t.test('values that are refused', async (t) => {
  const codes = (name: 'contact' | 'brand', values: Record<string, string>): string[] =>
    checkSetting(name, values).errors.map(({ field, code }) => `${field} ${code}`)
  t.same(codes('contact', { hotline: '12345', email: 'a@b.gov.cn' }), [])
  t.same(codes('contact', { hotline: 'javascript:1', email: 'x' }), ['hotline invalid', 'email invalid'])
  t.same(codes('contact', { hotline: '' }), ['hotline required'])
  t.same(codes('brand', { zh: '甲'.repeat(41) }), ['zh too_long'])
  t.same(codes('brand', { zh: 'a\u202eb' }), ['zh characters'])
})

import t from 'tap'
import { shanghaiDate } from '../../../src/ports/clock.ts'
import { at, startKora, words, type Answer } from '../../support/driver/index.ts'
import { enter, enterLegal, link, organizationId, scan, toCode } from './support.ts'
import { screen } from '../../support/driver/screen.ts'
import { said, saidInOrder, text } from '../../support/texts.ts'

const agent = { name: '王小梅', cert_no: '11010519491231002x', phone: '151 0015 1000' }
const formOf = (page: Answer) => ({ form: (form: { fields: object }) => 'starts' in form.fields, page })
const mainForm = (form: { action: string; method: string }): boolean =>
  form.method === 'post' && !form.action.endsWith('/logout')

t.test('J8: the legal representative adds an agent, approves, changes, suspends, resumes, revokes', async (t) => {
  const kora = await startKora(t)
  const { browser } = await enterLegal(kora, 'cunjiti')
  const form = await browser.go(`${kora.issuer}/me/agents/new`)
  t.match(form.text, /name="ends" value="\d{4}-\d{2}-\d{2}"/, 'one year is filled in')

  await t.test('what is wrong is said at its field, and nothing typed is lost', async (t) => {
    const nothing = await browser.submit(
      form,
      { sites: 'some', functions: 'some', starts: '', ends: '2026-02-30' },
      formOf(form)
    )
    t.equal(nothing.status, 422)
    t.match(
      words(nothing.text),
      /请输入姓名.*请输入证件号码.*请输入手机号.*请选择网站.*请选择事项.*请填写这一项.*没有这一天/
    )
    const wrong = await browser.submit(
      form,
      { ...agent, cert_no: '110105194912310021', phone: '123', ends: '2020-01-01' },
      formOf(form)
    )
    t.match(words(wrong.text), /最后一位与前 17 位不符.*手机号应为 11 位/)
    t.match(wrong.text, /value="110105194912310021"/)
    const long = await browser.submit(form, { ...agent, ends: '2049-01-01' }, formOf(form))
    t.match(screen(long.text).errors, ['fault.ends.term_too_long'])
    const tomorrow = shanghaiDate(Date.now() + 86_400_000)
    const past = await browser.submit(form, { ...agent, starts: '2020-01-01', ends: tomorrow }, formOf(form))
    t.match(screen(past.text).errors, ['fault.starts.term_past'])
    const mismatch = await browser.submit(form, { ...agent, name: '李小梅' }, formOf(form))
    t.equal(mismatch.status, 422)
    t.match(screen(mismatch.text).errors, ['fault.form.identity_mismatch'], 'never which of name and number')
    const self = await browser.submit(
      form,
      { name: '格桑', cert_no: '542621198209182019', phone: '18900189001' },
      formOf(form)
    )
    t.match(screen(self.text).errors, ['fault.form.self_delegation'])
    const both = await browser.submit(form, { ...agent, sites: 'all', site: ['demo-site'] }, formOf(form))
    t.match(screen(both.text).errors, ['fault.site.ambiguous'], 'not guessed')
    const forged = await browser.submit(form, { ...agent, sites: 'some', site: ['no-such-site'] }, formOf(form))
    t.equal(forged.status, 422)
    t.match(screen(forged.text).errors, ['fault.site.unknown_client'])
    const { count } = await kora.inside.services.db
      .selectFrom('delegation')
      .select((query) => query.fn.countAll().as('count'))
      .where('version', '>', 1)
      .executeTakeFirstOrThrow()
    t.equal(Number(count), 0)
  })

  const content = await browser.submit(
    form,
    { ...agent, sites: 'some', site: ['demo-site'], functions: 'some', function: ['property.query'] },
    formOf(form)
  )
  t.match(at(content), /\/1\/approve$/)
  t.match(words(content.text), /授权事项 不动产登记查询 授权网站 不动产登记（演示）/)
  const again = await browser.submit(form, agent, formOf(form))
  t.match(screen(again.text).errors, ['fault.form.already_waiting'])

  const { phone, page } = await scan(kora, browser, await toCode(browser, content), 'gesang')
  t.equal(phone.outcome, 'confirmed', JSON.stringify(phone.steps.at(-1)))
  t.match(words(page.text), said('user-center.result.approved'))

  let list = await browser.go(`${kora.issuer}/me/agents`)
  const edit = await browser.go(link(list, '修改 **梅'))
  t.match(edit.text, /value="demo-site" checked/, 'what holds is filled in')
  const changed = await browser.submit(edit, { functions: 'all', function: [] }, formOf(edit))
  t.match(at(changed), /\/2\/approve$/, 'a new version, approved like the first')
  list = await browser.go(`${kora.issuer}/me/agents`)
  t.match(
    words(list.text),
    saidInOrder(said('user-center.agents.waiting', { n: 1 }), said('user-center.agents.active', { n: 2 })),
    'until then the old one holds'
  )
  t.match(
    (await scan(kora, browser, await toCode(browser, changed), 'gesang')).page.text,
    said('user-center.result.approved')
  )
  list = await browser.go(`${kora.issuer}/me/agents`)
  t.match(
    words(list.text),
    saidInOrder(
      said('user-center.agents.waiting', { n: 0 }),
      said('user-center.agents.active', { n: 2 }),
      'user-center.state.superseded'
    )
  )

  const suspended = await browser.submit(
    await browser.go(link(list, '停用 **梅')),
    { text: '出差' },
    { form: mainForm }
  )
  t.match(words(suspended.text), said('user-center.result.suspended'))
  list = await browser.go(`${kora.issuer}/me/agents`)
  t.match(words(list.text), /出差/)
  const resumed = await browser.submit(await browser.go(link(list, '恢复 **梅')), {}, formOf(list))
  t.match(
    words((await scan(kora, browser, await toCode(browser, resumed), 'gesang')).page.text),
    said('user-center.result.approved')
  )
  list = await browser.go(`${kora.issuer}/me/agents`)
  const revoke = await browser.go(link(list, '撤销 **梅'))
  t.match(words((await browser.submit(revoke, {}, { form: mainForm })).text), said('user-center.result.revoked'))
  t.equal((await browser.submit(revoke, {}, { form: mainForm })).status, 409, 'once')

  const person = await enter(kora, 'ronghe')
  const mine = await person.browser.go(`${kora.issuer}/me/mine`)
  t.match(words(mine.text), saidInOrder('user-center.result.revoked', 'user-center.reason.by_legal_representative'))
  const messages = await person.browser.go(`${kora.issuer}/me/messages`)
  t.match(words(messages.text), /未读 代理授权已撤销.*未读 代理授权已停用/)
})

t.test(
  'somebody new becomes one person who has no password; a phone that names somebody else is not taken',
  async (t) => {
    const kora = await startKora(t)
    const { browser } = await enterLegal(kora, 'cunjiti')
    const {
      sandbox,
      inside: { services }
    } = kora
    const form = await browser.go(`${kora.issuer}/me/agents/new`)
    const certNo = '540102199001011233'
    await sandbox.call('PUT', `/population/${certNo}`, { name: '旺堆' })
    const content = await browser.submit(form, { name: '旺堆', cert_no: certNo, phone: '13800138000' }, formOf(form))
    t.match(at(content), /\/approve$/, words(content.text))
    const row = await services.db
      .selectFrom('delegation')
      .innerJoin('person', 'person.id', 'delegation.agentId')
      .select(['person.id', 'person.status', 'person.passwordHash', 'person.phoneIndex', 'person.assuranceLevel'])
      .where('delegation.id', '=', /agents\/([\w-]+)\//.exec(content.url)?.[1] ?? '')
      .executeTakeFirstOrThrow()
    t.match(row, { status: 'active', passwordHash: null, phoneIndex: null, assuranceLevel: 1 })

    const another = '540102199001011313'
    await sandbox.call('PUT', `/population/${another}`, { name: '巴桑' })
    const again = await browser.go(`${kora.issuer}/me/agents/new`)
    const added = await browser.submit(
      again, { name: '巴桑', cert_no: another, phone: '13800138099' }, formOf(again))
    t.match(at(added), /\/approve$/, words(added.text))
    const { phoneEnc, phoneVerifiedAt } = await services.db
      .selectFrom('delegation')
      .innerJoin('person', 'person.id', 'delegation.agentId')
      .select(['person.phoneEnc', 'person.phoneVerifiedAt'])
      .where('delegation.id', '=', /agents\/([\w-]+)\//.exec(added.url)?.[1] ?? '')
      .executeTakeFirstOrThrow()
    t.ok(phoneEnc)
    t.equal(phoneVerifiedAt, null, 'S11: the representative typed it')
  }
)

t.test('rejecting needs a reason and no code; the agent reads it; withdrawing and resigning', async (t) => {
  const kora = await startKora(t)
  const { browser } = await enterLegal(kora, 'simiao')
  const list = await browser.go(`${kora.issuer}/me/agents`)
  const form = await browser.go(link(list, text('user-center.reject')))
  t.equal((await browser.submit(form, {}, { form: mainForm })).status, 422)
  t.match(
    words((await browser.submit(form, { reason: 'other', text: ' ' }, { form: mainForm })).text),
    said('fault.reason.required')
  )
  t.equal((await browser.submit(form, { reason: 'approved' }, { form: mainForm })).status, 422)
  t.match(
    words((await browser.submit(form, { reason: 'wrong_data', text: '<b>证件</b>' }, { form: mainForm })).text),
    said('user-center.result.rejected')
  )
  t.equal((await browser.submit(form, { reason: 'wrong_data' }, { form: mainForm })).status, 409)

  const agent = await enter(kora, 'renzeng')
  const messages = await agent.browser.go(`${kora.issuer}/me/messages`)
  const message = await agent.browser.go(
    new URL(/href="(\/me\/messages\/msg_[^"]*)"/.exec(messages.text)?.[1] ?? '', kora.issuer).href
  )
  t.match(words(message.text), saidInOrder('user-center.message.delegation-rejected', /信息有误：<b>证件<\/b>/))
  t.notMatch(message.text, '<b>证件', 'escaped')
  t.notMatch(words((await agent.browser.go(`${kora.issuer}/me/messages`)).text), said('user-center.unread'), 'read')

  const dawa = await enter(kora, 'dawa')
  const mine = await dawa.browser.go(`${kora.issuer}/me/mine`)
  t.match(words(mine.text), /西藏示例科技有限公司/)
  const resign = await dawa.browser.go(link(mine, '辞去代理：西藏示例科技有限公司'))
  t.match(words(resign.text), said('user-center.resign.lead'))
  const after = await dawa.browser.submit(resign, {}, { form: mainForm })
  t.equal(at(after), '/me/mine')
  t.match(words(after.text), saidInOrder(/西藏示例科技有限公司 状态 已撤销/, 'user-center.reason.resigned'))
  t.ok(await organizationId(kora, 'gongsi'))
})

import t from 'tap'
import { at, startKora, words } from '../../support/driver/index.ts'
import { enter, enterLegal, link, scan, toCode } from './support.ts'

t.test('J7: the legal representative reads, scans, sees the same on the phone, shows the face: the delegation is in force', async (t) => {
  const kora = await startKora(t)
  const { browser, home } = await enterLegal(kora, 'simiao')
  t.equal(at(home), '/me')
  t.match(words(home.text), /您正在代表 拉萨市示例寺管理委员会 （法定代表人）/)

  const list = await browser.go(`${kora.issuer}/me/agents`)
  t.match(words(list.text), /待审核（1）/)
  const content = await browser.go(link(list, '通过'))
  t.match(words(content.text), /拉萨市示例寺管理委员会（71540102MC1234566M）/)
  t.match(words(content.text), /\*增 5\*{16}9/)
  const qr = await toCode(browser, content)
  t.match(at(qr), /\/qr$/)
  t.match(words(qr.text), /请在手机上输入这个号码/, 'number matching, also in a known browser')

  const { phone, page } = await scan(kora, browser, qr, 'awang')
  t.equal(phone.outcome, 'confirmed', JSON.stringify(phone.steps.at(-1)))
  const shown = phone.steps.find(({ step }) => step === 'scan')?.response as { context: { subject: Record<string, unknown> }, requires: string[] }
  const mark = /<code>([\w -]+)<\/code>/.exec(content.text)?.[1]
  t.match(shown.context.subject, { organization: '拉萨市示例寺管理委员会（71540102MC1234566M）', agent: /^\*增 5\*{16}9$/, digest: mark })
  t.ok(shown.requires.includes('face'), 'a face check, though the phone is bound or not')
  t.match(words(page.text), /审核成功/)
  t.match(at(page), /\/result$/)
  t.match(words((await browser.go(`${kora.issuer}/me/agents`)).text), /待审核（0）.*有效与停用（1）/)

  const agent = await enter(kora, 'renzeng')
  t.match(words(agent.home.text), /消息（\d 条未读）/, 'the agent is told')
  t.match(words((await agent.browser.go(`${kora.issuer}/me/mine`)).text), /拉萨市示例寺管理委员会.*有效/)
})

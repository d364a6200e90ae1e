/**
 * The journeys of organizations (J5, J6, J7, J9) in a real Chromium, against the whole of Kora with the demo site:
 * login with code and password by the legal representative, registration by herself and by an agent, approval, the
 * agent's first login. axe at every state, and nothing scrolls sideways at 320 px. KORA_SCREENSHOTS=<folder> writes
 * pictures.
 */
import t from 'tap'
import type { Page } from 'playwright-core'
import { lastCode, office, people as typed, school } from '../journeys/registration/support.ts'
import { confirm, organization, password, press, says, status } from './journeys.ts'
import { codeOf, organizationWalk } from './organization-walk.ts'
import { withChromium } from '../support/chromium.ts'
import { said, saidInOrder } from '../support/texts.ts'

t.setTimeout(600_000)

const chosen = 'Prayer-flag-77'

await withChromium(t, 'organizations', async (t, browser) => {
  const { atSite, audit, come, complaints, desktop, kora, labelled, look, of, phoneOf, told } = await organizationWalk(
    t,
    browser
  )
  const secret = of('zhuoma').password

  await t.test('J5: the legal representative — code, password, and the phone of exactly that person', async (t) => {
    // dawa's phone is his: he was here before
    const [his, dawa] = [await desktop(), await phoneOf('dawa')]
    await his.goto(`${kora.site}/login?acr_values=urn:kora:loa:3`)
    await password(his, of('dawa').cert_no, secret)
    await confirm(dawa, his, of('dawa'))
    await his.waitForURL(/\/select$/)

    const [pc, phone] = [await desktop(), await phoneOf('zhuoma')]
    await come(pc)
    await press(pc, '.tabs a[href*="tab=legal"]')
    await look(pc, 'J5 organization tab')
    t.equal(await pc.isChecked('#role'), true, 'legal representative by default')
    await organization(pc, { uscc: codeOf('gongsi').replace('1', 'I'), password: secret })
    await says(pc, /不能有字母.*I|I.*1/)
    await look(pc, 'J5 letter that no code has')
    await organization(pc, { uscc: codeOf('gongsi'), password: secret })
    await pc.waitForURL(/\/qr$/)
    await says(pc, saidInOrder('scan-code.title.legal-representative', /\*\*\*玛/))
    await look(pc, 'J5 QR code')

    await dawa.goto((await pc.locator('#qr-code').getAttribute('data-payload')) ?? '')
    await press(dawa, 'form[action$="/scan"] button')
    await says(dawa, saidInOrder('phone-pages.refused.wrong_person.title', 'phone-pages.refused.wrong_person.body'))
    await audit(dawa, 'J5 wrong person on the phone')
    await status(pc, /扫码人.*不是/)
    await look(pc, 'J5 wrong person on the computer')

    await press(pc, '#qr-new')
    await status(pc, said('scan-code.status.waiting'))
    await confirm(phone, pc, of('zhuoma'), async (page) => {
      await audit(page, 'J5 who asks')
    })
    await atSite(pc)
    await says(pc, saidInOrder(/代表单位办理/, /西藏示例科技有限公司/, 'login.representation.legal_representative', /经办人：次仁卓玛/))
    await audit(pc, 'J5 at the site')
  })

  await t.test('J6: registered by its legal representative, who may log in at once', async () => {
    const pc = await desktop()
    await register(pc, 'legal_representative', office.uscc, 'zhaxi')
    await says(pc, /注册完成|可以登录/)
    await look(pc, 'J6 registered')
    await come(pc)
    await organization(pc, { uscc: office.uscc, password: chosen })
    await atSite(pc)
    await says(pc, saidInOrder(/西藏示例律师事务所/, 'login.representation.legal_representative'))
  })

  await t.test(
    'J6 and J7: registered by an agent; the legal representative is told, comes in for the first time, approves; the ' +
      'agent comes in (J9)',
    async (t) => {
      const registering = await desktop()
      await register(registering, 'agent', school.uscc, 'yangjin')
      await says(registering, said('registration.done.waiting.lead'))
      await look(registering, 'J6 waits for approval')
      await told('laoren', 'delegation-submitted', '有新的代理授权申请待您审核')

      const early = await desktop()
      await come(early)
      await organization(early, { uscc: school.uscc, password: chosen, role: 'agent' })
      await says(early, /代理申请还在等待审核.*提交于/)
      await look(early, 'J9 agent too early')

      const [pc, phone] = [await desktop(), await phoneOf('laoren')]
      await come(pc)
      await organization(pc, { uscc: school.uscc, password: chosen })
      await says(pc, said('login.not-authorized.to_decide.title'))
      await look(pc, 'J7 organization waits for her')
      await press(pc, 'a.main')
      await organization(pc, { uscc: school.uscc, password: chosen })
      await pc.waitForURL(/\/qr$/)
      await confirm(phone, pc, of('laoren'))
      await pc.waitForURL(`${kora.issuer}/me/agents`)
      await says(pc, said('user-center.agents.waiting', { n: 1 }))
      await look(pc, 'J7 list')
      await pc.goto(`${kora.issuer}/me/messages`)
      await says(pc, /未读 有新的代理授权申请待审核|有新的代理授权申请待审核/)
      await look(pc, 'J7 messages')
      await pc.goto(`${kora.issuer}/me/agents`)

      await labelled(pc, '通过')
      await look(pc, 'J7 content')
      const content = (await pc.locator('dl.facts.strong').innerText()).replace(/\s+/g, ' ')
      await press(pc, 'main form[data-once] button[type=submit]')
      await look(pc, 'J7 code')
      await confirm(phone, pc, of('laoren'), async (page) => {
        await audit(page, 'J7 content on the phone')
        t.equal(
          (await page.locator('dl.facts.strong').innerText()).replace(/\s+/g, ' '),
          content,
          'word for word what the computer shows'
        )
      })
      await pc.waitForURL(/\/result$/)
      await says(pc, said('user-center.result.approved'))
      await look(pc, 'J7 approved')

      await come(early)
      await organization(early, { uscc: school.uscc, password: chosen, role: 'agent' })
      await early.waitForURL(/\/qr$/)
      await audit(early, 'J9 first login of the agent')
      await confirm(await phoneOf('yangjin'), early, of('yangjin'))
      await atSite(early)
      await says(early, saidInOrder(/西藏示例职业学校/, 'login.representation.agent', /经办人：白玛央金，可办理：不动产登记申请、不动产登记查询/))
    }
  )

  t.same(complaints, [], 'no complaint of the browser')

  async function register (
    pc: Page,
    applicant: 'legal_representative' | 'agent',
    uscc: string,
    handle: string
  ): Promise<void> {
    const byAgent = applicant === 'agent'
    await pc.goto(`${kora.issuer}/register`)
    await press(pc, `button[value=${applicant}]`)
    await pc.fill('#uscc', uscc)
    await press(pc, 'button.main[value=next]')
    const person = of(handle)
    await pc.fill('#name', person.name)
    await pc.fill('#cert_no', person.cert_no)
    await pc.fill('#phone', person.phone)
    if (byAgent) {
      const [year = '', month = '', day = ''] = person.card.valid_from.split('-')
      for (const [id, value] of Object.entries({ year, month, day })) await pc.fill(`#${id}`, value)
      await pc.locator(`input[name=term][value="${person.card.term}"]`).check()
    }
    await press(pc, 'main button.main')
    await pc.waitForSelector('#send')
    await pc.click('#send')
    await pc.waitForSelector('#sms_code')
    await pc.fill('#sms_code', await lastCode(kora, person.phone))
    await press(pc, 'form[action$="/code"] button')
    if (byAgent) {
      await pc.fill('#name', typed.laoren.name)
      await pc.fill('#cert_no', typed.laoren.cert_no)
      await pc.fill('#phone', typed.laoren.phone)
      await press(pc, 'main button.main')
    }
    await pc.waitForSelector('#agreement')
    await pc.check('#agreement')
    await pc.check('#consent')
    await press(pc, 'main button.main')
    await pc.waitForSelector('#qr-code[data-payload]')
    await confirm(await phoneOf(handle), pc, person)
    await pc.waitForSelector('#new_password')
    await pc.fill('#new_password', chosen)
    await pc.fill('#again', chosen)
    await press(pc, 'form:has(#new_password) button.main')
    t.ok(await pc.locator('h1.ok').isVisible())
  }
})

/**
 * Agents (J7–J11) in a real Chromium, against the whole of Kora with the demo site: added, first login at 320 px
 * without script, revoked under the agent's eyes, the organization's password, an application refused, several hats.
 * axe at every state, and nothing scrolls sideways at 320 px. KORA_SCREENSHOTS=<folder> writes pictures.
 */
import t from 'tap'
import { confirm, goOn, organization, password, press, says } from './journeys.ts'
import { bare, codeOf, organizationWalk } from './organization-walk.ts'
import { until } from '../support/until.ts'
import { withChromium } from '../support/chromium.ts'

t.setTimeout(600_000)

const chosen = 'Prayer-flag-77'

await withChromium(t, 'agents', async (t, browser) => {
  const { atSite, audit, come, complaints, desktop, kora, labelled, look, of, phoneOf, told } = await organizationWalk(
    t,
    browser
  )
  const secret = of('zhuoma').password

  await t.test(
    'J8 and J9: an agent is added who was never here; first login at 320 px without script; J10: revoked under the ' +
      "agent's eyes",
    async (t) => {
      const [pc, phone] = [await desktop(), await phoneOf('zhuoma')]
      await pc.goto(`${kora.issuer}/me/login?to=/me/agents`)
      await organization(pc, { uscc: codeOf('gongsi'), password: secret })
      await confirm(phone, pc, of('zhuoma'))
      await pc.waitForURL(`${kora.issuer}/me/agents`)
      await look(pc, 'J8 list with states')
      await press(pc, 'a[href="/me/agents/new"]')
      await press(pc, 'main form[novalidate] button[type=submit]')
      await look(pc, 'J8 form with errors')
      for (const [id, value] of [
        ['name', '仁增'],
        ['cert_no', of('renzeng').cert_no],
        ['phone', of('renzeng').phone]
      ] as const) {
        await pc.fill(`#${id}`, value)
      }
      await pc.check('#site-some')
      await pc.getByLabel('不动产登记（演示）').check()
      await press(pc, 'main form[novalidate] button[type=submit]')
      await says(pc, /审核代理人.*\*增.*不动产登记（演示）/)
      await press(pc, 'main form[data-once] button[type=submit]')
      await confirm(phone, pc, of('zhuoma'))
      await pc.waitForURL(/\/result$/)
      await says(pc, /审核成功/)

      const [agent, his] = [await desktop(bare), await phoneOf('renzeng')]
      await agent.goto(`${kora.site}/login`)
      await organization(agent, { uscc: codeOf('gongsi'), password: secret, role: 'agent' })
      await says(agent, /代理人/)
      await audit(agent, 'J9 which agent, 320 px without script')
      await agent.fill('#account', '13800138000')
      await press(agent, 'form:has(#account) [type=submit]')
      await audit(agent, 'J9 not an agent of it, 320 px without script')
      await agent.fill('#account', of('renzeng').phone)
      await press(agent, 'form:has(#account) [type=submit]')
      await says(agent, /请代理人扫码核验.*\*增/)
      await audit(agent, 'J9 code, 320 px without script')
      await confirm(his, agent, of('renzeng'))
      await goOn(agent, false)
      await says(agent, /登录成功/)
      await audit(agent, 'J9 done, 320 px without script')
      await press(agent, 'a.main')
      await atSite(agent)
      await says(agent, /西藏示例科技有限公司.*代理人.*经办人：仁增/)
      const { userinfo_endpoint: endpoint } = (await (
        await fetch(`${kora.issuer}/.well-known/openid-configuration`)
      ).json()) as { userinfo_endpoint: string }
      const token =
        /"access_token": "([^"]+)"/.exec(
          (await agent.locator('details', { hasText: '原始令牌' }).locator('pre').textContent()) ?? ''
        )?.[1] ?? ''
      const userinfo = async (): Promise<number> =>
        (await fetch(endpoint, { headers: { authorization: `Bearer ${token}` } })).status
      t.equal(await userinfo(), 200)

      await pc.goto(`${kora.issuer}/me/agents`)
      await labelled(pc, '撤销 *增')
      await look(pc, 'J10 revoke')
      await press(pc, 'main form[action$="/revoke"] button[type=submit]')
      await says(pc, /已撤销.*请尽快修改本单位的登录密码/)
      await look(pc, 'J10 revoked')
      t.equal(await userinfo(), 401, 'refused at once')
      t.ok(
        await until(async () => {
          await agent.goto(kora.site)
          return /已将您退出/.test(await agent.locator('body').innerText())
        }),
        'the site has been told'
      )
      await audit(agent, 'J10 the site tells, 320 px without script')
      await agent.goto(`${kora.site}/login`)
      // what has ended is not silently replaced
      await agent.waitForURL(/\/select$/)
      await audit(agent, 'J10 choose again, 320 px without script')
      await press(agent, 'button.choice[value=self]')
      await atSite(agent)
      await says(agent, /为自己办理/)
      const again = await desktop(bare)
      await again.goto(`${kora.site}/login`)
      await organization(again, { uscc: codeOf('gongsi'), password: secret, role: 'agent' })
      await again.fill('#account', of('renzeng').phone)
      await press(again, 'form:has(#account) [type=submit]')
      await says(again, /代理授权已撤销/)
      await audit(again, 'J10 standing, 320 px without script')
      for (const handle of ['renzeng', 'zhuoma']) await told(handle, 'delegation-revoked', '代理授权已撤销')

      await t.test('the others wait for a new password; she sets it by phone and face', async (t) => {
        const deji = await desktop()
        await come(deji)
        await organization(deji, { uscc: codeOf('gongsi'), password: secret, role: 'agent' })
        await deji.fill('#account', of('deji').phone)
        await press(deji, 'form:has(#account) [type=submit]')
        await says(deji, /单位密码需要更换/)
        await look(deji, 'password must change')

        await pc.goto(`${kora.issuer}/me`)
        await press(pc, 'nav a[href="/me/organization-password"]')
        await says(pc, /有代理人离开/)
        await look(pc, 'password form')
        await pc.fill('#new_password', codeOf('gongsi'))
        await pc.fill('#again', 'other')
        await press(pc, 'form:has(#new_password) button.main')
        await look(pc, 'password form with errors')
        await pc.fill('#new_password', chosen)
        await pc.fill('#again', chosen)
        await press(pc, 'form:has(#new_password) button.main')
        await look(pc, 'password code')
        await confirm(phone, pc, of('zhuoma'), async (page) => {
          await says(page, /用户中心 请求修改单位密码.*西藏示例科技有限公司/)
          await audit(page, 'password on the phone')
        })
        await pc.waitForURL(/\/changed$/)
        await says(pc, /单位密码已修改/)
        await look(pc, 'password changed')
        for (const handle of ['deji', 'zhuoma', 'dawa']) {
          await told(handle, 'security-organization-password-changed', '单位登录密码已修改')
        }

        await come(deji)
        await organization(deji, { uscc: codeOf('gongsi'), password: chosen, role: 'agent' })
        await deji.fill('#account', of('deji').phone)
        await press(deji, 'form:has(#account) [type=submit]')
        await confirm(await phoneOf('deji'), deji, of('deji'))
        await atSite(deji)
        await says(deji, /西藏示例科技有限公司.*代理人/)
        t.ok(
          await kora.inside.services.db
            .selectFrom('organization')
            .select('id')
            .where('uscc', '=', codeOf('gongsi'))
            .where('passwordMustChange', '=', false)
            .executeTakeFirst()
        )
      })
    }
  )

  await t.test('J7, refused: a reason and no code; the agent reads it', async () => {
    const [pc, phone] = [await desktop(bare), await phoneOf('awang')]
    await pc.goto(`${kora.issuer}/me/login?to=/me/agents`)
    await organization(pc, { uscc: codeOf('simiao'), password: secret })
    await confirm(phone, pc, of('awang'))
    await goOn(pc, false)
    await press(pc, 'a.main')
    await labelled(pc, '拒绝')
    await audit(pc, 'J7 refuse, 320 px without script')
    await press(pc, 'main form:has(input[name=reason]) button[type=submit]')
    await says(pc, /请先处理下面的问题/)
    await audit(pc, 'J7 refuse with error, 320 px without script')
    await pc.locator('input[name=reason]').first().check()
    await press(pc, 'main form:has(input[name=reason]) button[type=submit]')
    await says(pc, /已拒绝/)
    await audit(pc, 'J7 refused, 320 px without script')
    const agent = await desktop()
    await come(agent)
    await organization(agent, { uscc: codeOf('simiao'), password: secret, role: 'agent' })
    await says(agent, /代理申请没有通过/)
    await look(agent, 'J9 refused')
    await told('renzeng', 'delegation-rejected', '代理授权申请未通过')
  })

  await t.test(
    'J11: one person, several hats; the choice is shown with what stands in the way; switching asks for no password',
    async () => {
      const pc = await desktop()
      await come(pc)
      await pc.fill('#account', of('gesang').cert_no)
      await pc.fill('#password', secret)
      await pc.check('#agree')
      await press(pc, 'form:has(#password) [type=submit]')
      await pc.waitForURL(/\/select$/)
      await says(pc, /请选择用哪个身份继续.*林周县示例村股份经济合作社/)
      await look(pc, 'J11 hats')
      await press(pc, 'button.choice:has-text("林周县示例村")')
      // once in this browser, a scan and a face
      await confirm(await phoneOf('gesang'), pc, of('gesang'))
      await atSite(pc)
      await says(pc, /林周县示例村股份经济合作社.*法定代表人/)
      await press(pc, 'a:has-text("切换身份")')
      await pc.waitForURL(/\/select$/)
      await press(pc, 'button.choice[value=self]')
      await atSite(pc)
      await says(pc, /为自己办理/)
      const dawa = await desktop()
      await dawa.goto(`${kora.issuer}/me`)
      await password(dawa, of('dawa').cert_no, secret)
      await dawa.goto(`${kora.issuer}/me/switch`)
      await dawa.waitForURL(/\/select$/)
      await says(dawa, /授权已暂停.*|授权已到期/)
      await look(dawa, 'J11 hats that do not fit')
      await dawa.goto(`${kora.issuer}/me/mine`)
      await says(dawa, /我的代理.*有效/)
      await look(dawa, 'J11 my delegations')
    }
  )

  t.same(complaints, [], 'no complaint of the browser')
})

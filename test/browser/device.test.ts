/**
 * A device login in a real Chromium: on a phone by the code, at a desk by the link, with the keyboard, without script.
 */
import { mkdirSync } from 'node:fs'
import * as oidc from 'openid-client'
import t from 'tap'
import type { Page } from 'playwright-core'
import { startKora } from '../support/driver/index.ts'
import { password, press, says, walk } from './journeys.ts'
import { withChromium } from '../support/chromium.ts'
import { said, saidInOrder } from '../support/texts.ts'

t.setTimeout(600_000)

const shots = process.env['KORA_SCREENSHOTS']
const secret = 'Snow-lion-2026'

await withChromium(t, 'a device logs in', async (t, chromium) => {
  const kora = await startKora(t)
  if (shots !== undefined) mkdirSync(shots, { recursive: true })
  const kiosk = await oidc.discovery(new URL(kora.issuer), 'demo-device', undefined, oidc.None(), {
    execute: [oidc.allowInsecureRequests]
  })
  const ask = async () => await oidc.initiateDeviceAuthorization(kiosk, { scope: 'openid profile' })
  const collect = async (asked: Awaited<ReturnType<typeof ask>>) =>
    await oidc.pollDeviceAuthorizationGrant(kiosk, { ...asked, interval: 0.001 })
  const { desktop, phone, audit, complaints } = walk(t, chromium)
  const look = async (page: Page, name: string): Promise<void> => {
    await audit(page, name)
    if (shots !== undefined) await page.screenshot({ path: `${shots}/device-${name}.png`, fullPage: true })
  }

  await t.test('on a phone of 320 px: wrong code, right code, login', async (t) => {
    const asked = await ask()
    const page = await phone({ viewport: { width: 320, height: 640 } })
    await page.goto(`${kora.issuer}/device`)
    await look(page, 'walk-code')
    await page.fill('#user_code', 'BBBB-BBBB')
    await press(page, 'form [type=submit]')
    await says(page, said('fault.user_code.unknown'))
    t.equal(await page.evaluate('document.activeElement.className'), 'summary', 'the summary has the focus')
    t.equal(await page.inputValue('#user_code'), 'BBBB-BBBB', 'what was typed is kept')
    await look(page, 'walk-wrong')
    await page.fill('#user_code', asked.user_code.toLowerCase())
    await press(page, 'form [type=submit]')
    await says(page, new RegExp(asked.user_code))
    await look(page, 'walk-confirm')
    await press(page, 'button[value=allow]')
    await look(page, 'walk-login')
    await password(page, '15100151000', secret)
    await says(page, said('device-login.done.title'))
    await page.reload()
    await says(page, said('device-login.done.title'))
    await look(page, 'walk-done')
    t.match((await collect(asked)).claims(), { aud: 'demo-device' })

    // the same phone again: who is logged in sees whose account it is
    const second = await ask()
    await page.goto(second.verification_uri_complete ?? '')
    await press(page, 'button[value=allow]')
    await says(page, saidInOrder('login.representation.title', /办事大厅自助机/))
    await look(page, 'walk-whose')
    await press(page, 'button.choice[value=self]')
    await says(page, said('device-login.done.title'))
    t.ok(await collect(second))
  })

  await t.test('at 1280 px by the link, with the keyboard alone; refused', async (t) => {
    const asked = await ask()
    const page = await desktop({ locale: 'en' })
    await page.goto(asked.verification_uri_complete ?? '')
    await says(page, /Let this device sign in as you/)
    await look(page, 'walk-link')
    await page.getByRole('link', { name: '中文' }).click()
    await says(page, new RegExp(`要让这台设备用您的身份登录吗.*${asked.user_code}`))
    for (let i = 0; i < 30 && (await page.evaluate('document.activeElement.value')) !== 'refuse'; i++) {
      await page.keyboard.press('Tab')
    }
    await Promise.all([page.waitForURL('**/device/refused'), page.keyboard.press('Enter')])
    await says(page, said('device-login.refused.title'))
    await look(page, 'walk-refused')
    await t.rejects(collect(asked), { error: 'access_denied' } as unknown as Error)
  })

  await t.test('without script', async (t) => {
    const asked = await ask()
    const page = await phone({ javaScriptEnabled: false })
    await page.goto(`${kora.issuer}/device`)
    await page.fill('#user_code', asked.user_code)
    await press(page, 'form [type=submit]')
    await press(page, 'button[value=allow]')
    await password(page, '15100151000', secret)
    await says(page, said('device-login.done.title'))
    t.ok(await collect(asked))
  })

  t.same(complaints, [], 'no script error, nothing that the browser blocked')
})

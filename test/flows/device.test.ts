/** The device grant (RFC 8628) with unmodified `openid-client`: a kiosk shows a code, somebody lets it log in. */
import * as oidc from 'openid-client'
import t from 'tap'
import { startKora, submitPassword, words, type Answer, type Browser } from '../support/driver/index.ts'

const kora = await startKora(t)
const ronghe = { ...await kora.sandbox.account('ronghe'), account: '15100151000' }
const device = await oidc.discovery(new URL(kora.issuer), 'demo-device', undefined, oidc.None(), { execute: [oidc.allowInsecureRequests] })

const enter = async (browser: Browser, code: string): Promise<Answer> => await browser.submit(await browser.go(`${kora.issuer}/device`), { user_code: code })
const poll = async (deviceCode: string) => await oidc.genericGrantRequest(device, 'urn:ietf:params:oauth:grant-type:device_code', { device_code: deviceCode })

t.test('a kiosk logs in with somebody\'s help', async (t) => {
  const asked = await oidc.initiateDeviceAuthorization(device, { scope: 'openid profile' })
  const browser = kora.newBrowser()
  const confirm = await enter(browser, asked.user_code)
  t.match(words(confirm.text), asked.user_code)
  const page = await submitPassword(browser, await browser.submit(confirm, { decision: 'allow' }), ronghe, () => false)
  t.match(page.url, /\/device\/done$/)
  const tokens = await poll(asked.device_code)
  t.match(tokens.claims(), { aud: 'demo-device', acr: 'urn:kora:loa:2' })
})

import t from 'tap'
import { startKora, words } from '../../support/driver/index.ts'
import { signInAs } from './support.ts'

t.test('a session shows the frame; without one the sign-in comes first and leads back', async (t) => {
  const kora = await startKora(t)
  const stranger = await kora.newBrowser().request(`${kora.issuer}/admin`)
  t.equal(stranger.status, 303)
  t.equal(stranger.headers.get('location'), '/admin/sign-in?to=%2Fadmin')
  const { browser } = await signInAs(kora, 'system')
  const home = await browser.go(`${kora.issuer}/admin`)
  t.equal(home.status, 200)
  t.match(words(home.text), /系统管理员/)
  t.equal(home.headers.get('cache-control'), 'no-store')
  const english = await signInAs(kora, 'audit', { language: 'en' })
  t.match(words((await english.browser.go(`${kora.issuer}/admin`)).text), /Auditor/)
  const out = await browser.submit(home, {}, { form: (form) => form.action.endsWith('/sign-out') })
  t.match(out.url, /administrator$/)
  t.match((await browser.go(`${kora.issuer}/admin`)).url, /administrator$/)
})

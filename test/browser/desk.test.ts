/**
 * The desk's pages of the console in a real Chromium, with real data: axe, no sideways scrolling, no CSP or script
 * error, in both languages and two widths; one lock and one counter code pressed through.
 */
import { mkdirSync } from 'node:fs'
import type { BrowserContext } from 'playwright-core'
import t from 'tap'
import { draftNotice } from '../../src/records/messages/index.ts'
import { startKora, type Kora } from '../support/driver/index.ts'
import { signInAs, type SignedIn } from '../journeys/console/support.ts'
import { act } from '../journeys/support/support.ts'
import { agree, fill, people, registrationId, scan, start, verifyPhone } from '../journeys/registration/support.ts'
import { organizationId } from '../journeys/user-center/support.ts'
import { consoleFaultsOf, deskWidths, resize, withChromium } from '../support/chromium.ts'
import { said } from '../support/texts.ts'
import { openConsole } from './administrators.ts'

t.setTimeout(600_000)

const shots = process.env['KORA_SCREENSHOTS']

/** An application that the register cannot decide. */
async function waiting (kora: Kora): Promise<string> {
  const applying = await start(kora, 'legal_representative')
  await fill(applying, { uscc: '91330100799655058B', decision: 'next' })
  await fill(applying, { org_name: '某某（拉萨）有限公司', decision: 'next' })
  await fill(applying, people.zhaxi)
  await verifyPhone(applying, people.zhaxi.phone)
  await fill(applying, agree)
  await scan(applying, 'zhaxi')
  await fill(applying, { new_password: 'Prayer-flag-77', again: 'Prayer-flag-77' })
  return registrationId(applying)
}

await withChromium(t, 'desk in a browser', async (t, chromium) => {
  const kora = await startKora(t)
  const { services } = kora.inside
  if (shots !== undefined) mkdirSync(shots, { recursive: true })
  const complaints: string[] = []
  const contextOf = async (who: SignedIn, options: object): Promise<BrowserContext> =>
    await openConsole(chromium, { issuer: kora.issuer, who, options, complaints })

  const [security, counter] = [await signInAs(kora, 'security'), await signInAs(kora, 'counter')]
  const zhuoma = await kora.sandbox.account('zhuoma')
  const gongsi = await organizationId(kora, 'gongsi')
  const application = await waiting(kora)
  const drafted = await draftNotice(services, act(), {
    audience: 'everybody',
    targetId: null,
    texts: {
      'zh-CN': { title: '系统维护', body: '周六晚上暂停服务。\n请提前办理。' },
      en: { title: 'Maintenance', body: 'Saturday night.' }
    },
    sms: false
  })
  const notice = drafted.ok ? drafted.id : ''
  const delegation = await services.db
    .selectFrom('delegation')
    .select('id')
    .where('organizationId', '=', gongsi)
    .where('state', '=', 'active')
    .executeTakeFirstOrThrow()

  await t.test('pressed through: found, locked, unlocked; a code at the counter', async (t) => {
    const desk = await contextOf(security, { viewport: { width: 1280, height: 860 }, locale: 'zh-CN' })
    const page = await desk.newPage()
    await page.goto(`${kora.issuer}/admin/people`)
    await page.fill('#text', zhuoma.cert_no)
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/admin/people/${zhuoma.person_id}`)
    await page.click('a[href$="/act/lock"]')
    await page.click('main form button')
    t.match(await page.textContent('.summary'), said('fault.reason.required'))
    await page.fill('#reason', '疑似盗用')
    await page.click('main form button')
    await page.waitForURL(/done=people_lock/)
    t.match(await page.textContent('h1'), said('console.people.status.locked'))
    await page.click('a[href$="/act/unlock"]')
    await page.fill('#reason', '核实本人')
    await page.click('main form button')
    await page.waitForURL(/done=people_unlock/)
    await desk.close()

    const window = await contextOf(counter, { viewport: { width: 1280, height: 860 }, locale: 'zh-CN' })
    const visit = await window.newPage()
    await visit.goto(`${kora.issuer}/admin/counter`)
    await visit.fill('#cert_no', zhuoma.cert_no)
    await visit.keyboard.press('Enter')
    await visit.waitForURL('**/visits/**')
    t.same(await consoleFaultsOf(visit), [])
    await visit.click('main form .acts button')
    t.match(await visit.textContent('.summary'), said('fault.unchecked'))
    t.same(await consoleFaultsOf(visit), [])
    for (const id of ['document_seen', 'face_compared', 'number_compared', 'told_one_time']) {
      await visit.check(`#check_${id}`)
    }
    await visit.check('#reason_1')
    await visit.click('main form .acts button')
    t.match(await visit.textContent('.big-n'), /^\d{4} \d{4}$/)
    t.same(await consoleFaultsOf(visit), [])
    if (shots !== undefined) await visit.screenshot({ path: `${shots}/counter-code.png`, fullPage: true })
    await window.close()
  })

  await t.test('every page of the desk, two languages, two widths', async (t) => {
    const pages: Array<[string, string, SignedIn]> = [
      ['people', '/admin/people', security],
      ['person', `/admin/people/${zhuoma.person_id}`, security],
      ['person-history', `/admin/people/${zhuoma.person_id}/history`, security],
      ['person-reveal', `/admin/people/${zhuoma.person_id}/reveal`, security],
      ['person-lock', `/admin/people/${zhuoma.person_id}/act/lock`, security],
      ['organizations', '/admin/organizations', security],
      ['organization', `/admin/organizations/${gongsi}`, security],
      ['organization-suspend', `/admin/organizations/${gongsi}/act/suspend`, security],
      ['delegation-revoke', `/admin/organizations/${gongsi}/delegations/${delegation.id}/revoke`, security],
      ['registrations', '/admin/registrations', security],
      ['registration', `/admin/registrations/${application}`, security],
      ['registration-refuse', `/admin/registrations/${application}/refuse`, security],
      ['notices', '/admin/notices', security],
      ['notice', `/admin/notices/${notice}`, security],
      ['notice-new', '/admin/notices/new', security],
      ['notice-send', `/admin/notices/${notice}/send`, security],
      ['counter', '/admin/counter', counter]
    ]
    for (const locale of ['zh-CN', 'en']) {
      for (const who of [security, counter]) {
        const context = await contextOf(who, { viewport: null, locale })
        const page = await context.newPage()
        for (const [name, path, role] of pages) {
          if (role !== who) continue
          await resize(page, deskWidths[0][1])
          const answer = await page.goto(`${kora.issuer}${path}`)
          t.equal(answer?.status(), 200, `${name} ${page.url()}`)
          for (const [width, screen] of deskWidths) {
            await resize(page, screen)
            t.same(await consoleFaultsOf(page), [], `${name} ${locale} ${width}`)
            if (shots !== undefined) {
              await page.screenshot({ path: `${shots}/${name}-${locale}-${width}.png`, fullPage: true })
            }
          }
        }
        await context.close()
      }
    }
    t.same(complaints, [])
  })
})

/**
 * The journeys J1–J4 and J16 in a real Chromium, against the whole of Kora with the demo site and the sandbox's face
 * service: every click that a person makes, the states on both screens, and what happens when something goes wrong.
 * No page may raise a complaint of the console or of the content security policy, and axe looks at every state.
 */
import { sql } from 'kysely'
import t from 'tap'
import type { Page } from 'playwright-core'
import { startKora } from '../support/driver/index.ts'
import {
  accept,
  face,
  identity,
  number,
  password,
  payload,
  people,
  press,
  says,
  scan,
  status,
  walk
} from './journeys.ts'
import { withChromium } from '../support/chromium.ts'

t.setTimeout(600_000)

await withChromium(t, 'journeys', async (t, browser) => {
  const kora = await startKora(t)
  const { of } = await people(kora)
  const { desktop, phone: newPhone, audit, complaints } = walk(t, browser)
  const secret = of('zhaxi').password
  const atSite = async (page: Page, path = '/me'): Promise<void> => {
    await page.waitForURL(`${kora.site}${path}`)
  }
  /** From the site's front page to the login page, as people come. */
  const come = async (page: Page): Promise<void> => {
    await page.goto(kora.site)
    await page.getByRole('link', { name: '登录 Sign in', exact: true }).first().click()
    await page.waitForURL(/\/i\/[\w-]+\/login$/)
  }
  const { db } = kora.inside.services

  await t.test('J1: password, scan, form and face; the computer goes on by itself', async (t) => {
    const zhaxi = of('zhaxi')
    const [pc, phone] = [await desktop(), await newPhone()]
    await come(pc)
    await says(pc, /登录后前往/)
    await audit(pc, 'login')
    await password(pc, zhaxi.cert_no, 'Not-the-right-1')
    await says(pc, /账号或密码不正确，还可以再试 4 次/)
    t.equal(await pc.inputValue('#account'), zhaxi.cert_no, 'what was typed is kept')
    t.equal(await pc.inputValue('#password'), '', 'the password is not')
    await password(pc, zhaxi.cert_no, secret)
    await pc.waitForURL(/\/qr$/)
    await says(pc, /首次登录需要核验/)
    await status(pc, /等待扫码/)
    await audit(pc, 'QR code')

    await phone.goto(await payload(pc))
    await says(phone, /这个二维码如果是别人发给您的，请不要继续/)
    await audit(phone, 'landing')
    t.match(await pc.locator('#qr-status').textContent(), /等待扫码/, 'reading the page takes nothing')
    await press(phone, 'form[action$="/scan"] button')
    await says(phone, /不动产登记.*请求登录/)
    await status(pc, /已扫码/)
    await audit(phone, 'who asks')
    await audit(pc, 'scanned')
    const shown = await number(pc)
    await accept(phone, shown === '99' ? '98' : String(Number(shown) + 1))
    await says(phone, /和电脑上的号码不一致/)
    await accept(phone, shown)

    await says(phone, /身份信息.*第 1 步，共 2 步|第 1 步，共 2 步/)
    await audit(phone, 'identity form')
    t.equal(await phone.isChecked('#consent'), false, 'nothing is ticked ahead')
    await press(phone, 'button[value=submit]')
    await says(phone, /请先处理下面的问题/)
    await audit(phone, 'identity form with errors')
    await identity(phone, { ...zhaxi, name: '扎西' })
    await says(phone, /身份信息核对没有通过/)
    await identity(phone, zhaxi)
    await phone.waitForURL(/\/face$/)
    await status(pc, /已收到身份信息/)
    await audit(phone, 'face check')
    await press(phone, 'button[value=start]')
    await says(phone, /请单独勾选同意/)
    await face(phone, 'pass', async (capture) => {
      await audit(capture, 'capture page')
      await status(pc, /正在进行人脸核验|已收到身份信息/)
    })
    await says(phone, /认证成功.*请看电脑/)
    await audit(phone, 'result')
    await atSite(pc)
    await says(pc, /扎西顿珠.*urn:kora:loa:3/)
    await audit(pc, 'demo site')
  })

  const [pc, phone] = [await desktop(), await newPhone()]
  await t.test('J2: password only; the site asks for more, and only that is done', async (t) => {
    const zhuoma = of('zhuoma')
    await come(pc)
    await password(pc, zhuoma.phone, secret)
    await atSite(pc)
    await says(pc, /次仁卓玛.*urn:kora:loa:2/)
    await pc
      .getByRole('link', { name: /办理不动产登记/ })
      .first()
      .click()
    await says(pc, /需要更高的认证等级/)
    await says(pc, /WWW-Authenticate/)
    await pc.getByRole('link', { name: /提高认证等级/ }).click()
    await pc.waitForURL(/\/qr$/)
    await says(pc, /这项业务需要再次核验/)
    await audit(pc, 'step-up')
    await scan(phone, pc)
    t.equal(await phone.locator('#check_number').count(), 0, 'this browser is known: the number is compared')
    t.equal(await number(phone), await number(pc), 'the same on both screens')
    await accept(phone, '')
    await phone.waitForURL(/\/face$/)
    await says(phone, /第 1 步，共 1 步|人脸核验/)
    await face(phone, 'pass')
    await says(phone, /认证成功/)
    await atSite(pc, '/property-certificate')
    await says(pc, /登记已办理/)
  })

  await t.test('J3: scan login without password, by the phone that is bound now', async (t) => {
    const other = await desktop()
    await come(other)
    await press(other, '.tabs a[href$="/qr"]')
    await status(other, /等待扫码/)
    await audit(other, 'scan login')
    await scan(phone, other)
    await says(phone, /请求登录/)
    t.equal(await phone.locator('#check_number').count(), 1, 'a browser never seen: its number is entered')
    await accept(phone, await number(other))
    await phone.waitForURL(/\/face$/)
    await says(phone, /第 1 步，共 1 步/)
    await face(phone, 'pass')
    await says(phone, /认证成功/)
    await atSite(other)
    await says(other, /次仁卓玛/)
  })

  await t.test('J4: everything on one phone, in English and large text, to the end', async (t) => {
    const xuesheng = of('xuesheng')
    const only = await newPhone()
    await come(only)
    await press(only, 'a[hreflang=en]')
    await press(only, 'a.big')
    const same = async (where: string): Promise<void> => {
      t.match(
        await only.evaluate('[document.documentElement.lang, document.documentElement.className].join()'),
        'en,size-l',
        `English and large: ${where}`
      )
      await audit(only, `one phone: ${where}`)
    }
    await same('login')
    await password(only, 'nobody', secret)
    await says(only, /There is a problem|correct|problem/i)
    await same('error')
    await password(only, xuesheng.cert_no, secret)
    await only.waitForURL(/\/qr$/)
    await same('QR page')
    const shown = await number(only)
    await press(only, '.same a:has-text("browser")')
    await same('landing')
    await press(only, 'form[action$="/scan"] button')
    await same('who asks')
    await accept(only, shown)
    await same('identity form')
    await identity(only, xuesheng)
    await same('face check')
    await face(only, 'pass', async (capture) => {
      t.equal(await capture.getAttribute('html', 'lang'), 'en', 'and so is the capture page')
    })
    await same('result')
    await press(only, 'a.btn.main')
    await says(only, /signed in/i)
    t.equal(await only.getAttribute('html', 'lang'), 'en', 'the last page too')
    await atSite(only)
    await says(only, /丹增.*urn:kora:loa:3/)
  })

  await t.test('wrong person, rejected, face failures to the last, then the counter code (J16)', async (t) => {
    const laoren = of('laoren')
    const [own, screen] = [await newPhone(), await desktop()]
    await come(screen)
    await password(screen, laoren.cert_no, secret)
    await screen.waitForURL(/\/qr$/)

    await scan(phone, screen)
    await says(phone, /需要本人扫码/)
    await audit(phone, 'wrong person')
    await status(screen, /扫码人和要登录的人不是同一个人/)
    await audit(screen, 'wrong person scanned')

    await press(screen, '#qr-new')
    await scan(own, screen)
    await press(own, 'button[value=reject]')
    await says(own, /已拒绝/)
    await status(screen, /您已在手机上拒绝/)
    t.match(await screen.getAttribute('#qr-new', 'class'), 'main', 'a new code is offered')

    await press(screen, '#qr-new')
    await scan(own, screen)
    await accept(own, await number(screen))
    await identity(own, laoren)
    for (const [outcome, words, left] of [
      ['mismatch', /和证件照片对不上/, 2],
      ['liveness', /没有识别为本人实时拍摄/, 1]
    ] as const) {
      await face(own, outcome)
      await says(own, words)
      await says(own, new RegExp(`还可以试 ${left} 次`))
      await status(screen, new RegExp(`人脸核验没有通过。您今天还可以再试 ${left} 次`))
      await audit(own, `face: ${outcome}`)
      await press(own, 'form[action$="/face/again"] button')
    }
    await face(own, 'quality')
    await says(own, /次数已用完/)
    await audit(own, 'face: exhausted')
    await status(screen, /人脸核验次数已用完/)
    t.equal(await screen.locator('a[href$="/counter"]').isVisible(), true, 'the other way is offered')

    await press(screen, 'a[href$="/counter"]')
    await audit(screen, 'counter code')
    await screen.fill('#code', '00000000')
    await press(screen, 'form:has(#code) [type=submit]')
    await says(screen, /核验码不正确或已失效/)
    const issued = await kora.sandbox.call<{ code: string }>('POST', '/counter-codes', { person: 'laoren' })
    await screen.fill('#code', `${issued.body.code.slice(0, 4)}-${issued.body.code.slice(4)}`)
    await press(screen, 'form:has(#code) [type=submit]')
    await atSite(screen)
    await says(screen, /洛桑.*urn:kora:loa:3/)
  })

  await t.test('J1 without script, from the first page to the last', async () => {
    const yangjin = of('yangjin')
    const [screen, own] = [await desktop({ javaScriptEnabled: false }), await newPhone({ javaScriptEnabled: false })]
    await come(screen)
    await password(screen, yangjin.cert_no, secret)
    await screen.waitForURL(/\/qr$/)
    await press(screen, '#qr-check button')
    await says(screen, /还没有收到手机上的认证结果/)
    await scan(own, screen)
    await accept(own, await number(screen))
    await identity(own, yangjin)
    await says(own, /请核对有效期.*长期/)
    await press(own, 'button[value=submit]')
    await own.waitForURL(/\/face$/)
    await face(own, 'pass')
    await says(own, /认证成功/)
    await press(screen, '#qr-check button')
    await says(screen, /登录成功/)
    await press(screen, 'a.btn.main')
    await atSite(screen)
    await says(screen, /白玛央金.*urn:kora:loa:3/)
  })

  await t.test('an expired code is renewed by itself; in vain four times, and people are asked', async (t) => {
    const screen = await desktop()
    await come(screen)
    await press(screen, '.tabs a[href$="/qr"]')
    const ids = new Set<string>()
    for (let round = 0; round < 4; round++) {
      const id = (await screen.getAttribute('#qr', 'data-id')) ?? ''
      ids.add(id)
      await sql`update scan_ticket set expires_at = now() - interval '1 second' where id = ${id}`.execute(db)
      if (round < 3) await screen.locator(`#qr[data-state=waiting]:not([data-id="${id}"])`).waitFor()
    }
    t.equal(ids.size, 4, 'three new codes')
    await status(screen, /二维码已过期/)
    await audit(screen, 'expired')
    await press(screen, '#qr-new')
    await status(screen, /等待扫码/)
  })

  await t.test('locked words, and the way that stays open', async () => {
    const screen = await desktop()
    await come(screen)
    for (let i = 0; i < 5; i++) await password(screen, of('suoding').cert_no, 'Not-the-right-1')
    await says(screen, /密码登录将暂停一段时间，您仍可以扫码登录/)
    await password(screen, of('suoding').cert_no, 'Not-the-right-1')
    await says(screen, /密码登录已暂停 15 分钟。您现在仍可以扫码登录/)
    await audit(screen, 'password paused')
    await press(screen, '.tabs a[href$="/qr"]')
    await status(screen, /等待扫码/)
  })

  await t.test('back button and two tabs: identities do not mix', async (t) => {
    const [zhuoma, ronghe] = [of('zhuoma'), of('ronghe')]
    const first = await desktop()
    const second = await first.context().newPage()
    await come(first)
    await come(second)
    await password(first, zhuoma.cert_no, secret)
    await atSite(first)
    await password(second, ronghe.cert_no, secret)
    await atSite(second)
    await says(second, /王小梅/)
    await first.reload()
    await says(first, /王小梅/)
    t.equal(await first.locator('body', { hasText: '次仁卓玛' }).count(), 0, 'one person at a time in one browser')

    await second.goBack()
    await says(second, /请从办事网站重新进入.*这个登录页面已经用过/)
    await audit(second, 'a login that is over')
    await press(second, 'a.btn')
    t.equal(new URL(second.url()).origin, kora.site, 'and back to where people come from')

    // back from the code, and another account in the same attempt
    const third = await desktop()
    await come(third)
    await third.goto(`${kora.site}/login?acr_values=urn:kora:loa:3`)
    await password(third, zhuoma.cert_no, secret)
    await third.waitForURL(/\/qr$/)
    await says(third, /\*\*\*玛|\*卓玛|\*+玛/)
    await third.goBack()
    await third.waitForURL(/\/login$/)
    await password(third, ronghe.cert_no, secret)
    await third.waitForURL(/\/qr$/)
    await says(third, /\*+梅/)
    await scan(phone, third)
    await says(phone, /需要本人扫码/)
  })

  await t.test('logout, asked and not asked', async () => {
    // the person of J2, still logged in there
    await pc.goto(`${kora.site}/me`)
    await pc.goto(`${kora.issuer}/oidc/logout`)
    await says(pc, /要退出登录吗/)
    await audit(pc, 'logout question')
    await press(pc, 'button[name=logout]')
    await says(pc, /您已退出登录/)
    await audit(pc, 'logged out')
    await pc.goto(`${kora.site}/login`)
    await pc.waitForURL(/\/login$/)
    await password(pc, of('zhuoma').cert_no, secret)
    await atSite(pc)
    await press(pc, 'button:has-text("退出登录")')
    await pc.waitForURL(/\/logged-out/)
    await says(pc, /您已退出/)
    await pc.goto(`${kora.site}/login`)
    await pc.waitForURL(/\/i\/[\w-]+\/login$/)
  })

  t.same(complaints, [], 'nothing for the console, no violated policy, no fault of the server')
  t.notMatch(kora.logs().join(''), /"level":"error"/)
})

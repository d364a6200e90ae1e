// The capture page: plain HTML and one form post, then back to the address of the start and to no other.
import { createHash } from 'node:crypto'
import t from 'tap'
import { outcomes } from '../../../src/simulators/face-provider/index.ts'
import { pair, start } from '../../adapters/face-http/support.ts'

const returnUrl = 'https://sso.example.gov.cn/v/abc/face?step=back'
const form = (body: string): RequestInit => ({
  method: 'POST',
  redirect: 'manual',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body
})

/** Starts a check and returns the address of its capture page. */
async function opened (
  t: Parameters<typeof pair>[0],
  extra: Parameters<typeof start>[0] = {},
  options: Parameters<typeof pair>[1] = {}
) {
  const { provider, sandbox } = await pair(t, options)
  const begin = start({ returnUrl, ...extra })
  const ticket = await provider.start(begin)
  if (ticket.method !== 'redirect') throw new Error('expected a page')
  return { provider, sandbox, ticket, begin, page: ticket.url }
}

t.test('the page in three languages', async (t) => {
  const { page, ticket } = await opened(t)
  t.notMatch(page, new RegExp(ticket.providerTxnId), 'its address does not tell the transaction')
  for (const [lang, title] of [
    ['zh-CN', '人脸识别认证'],
    ['en', 'Face verification'],
    ['bo', 'ངོ་གདོང་དབྱེ་འབྱེད་ར་སྤྲོད།']
  ] as const) {
    const response = await fetch(`${page}?lang=${lang}`)
    const html = await response.text()
    t.equal(response.status, 200)
    t.match(html, `<html lang="${lang}">`)
    t.match(html, `<h1>${title}</h1>`)
    t.match(html, /<header><p class="banner"><strong>.*(演示|Demonstration)/)
    t.notMatch(html, /undefined|null|NaN|\[object/)
    t.notMatch(html, /540102199003072515|扎西/, 'nothing about the person')
    t.same(
      [...html.matchAll(/<input type="radio" name="outcome" id="outcome-([\w-]+)" value="\1"/g)].map(
        (match) => match[1]
      ),
      [...outcomes]
    )
    for (const outcome of outcomes) {
      t.match(html, new RegExp(`<label for="outcome-${outcome}">[^<]*(<span lang="zh-CN">)?[^<]{2,}`))
    }
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map((match) => match[1])
    t.equal(new Set(ids).size, ids.length, 'ids are unique')
    const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? ''
    t.match(
      response.headers.get('content-security-policy'),
      `'sha256-${createHash('sha256').update(style).digest('base64')}'`,
      "the stylesheet's hash is right"
    )
    t.notMatch(html, / style=| on\w+=|<script(?! type="module" src="\/capture.js")/, 'nothing the policy would block')
    t.match(Object.fromEntries(response.headers), {
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
      'permissions-policy': /camera=\(self\)/,
      'x-content-type-options': 'nosniff'
    })
    t.match(
      response.headers.get('content-security-policy'),
      /default-src 'none'.*media-src 'self' blob:.*frame-ancestors 'none'/
    )
  }
  t.match(await (await fetch(`${page}?lang=xx`)).text(), '<html lang="zh-CN">')
  const english = await opened(t, { locale: 'en' })
  t.match(await (await fetch(english.page)).text(), '<html lang="en">', 'the language of the start')
})

t.test('a plain form post decides and goes back', async (t) => {
  const { page, provider, ticket, begin, sandbox } = await opened(t)
  const empty = await fetch(page, form(''))
  const html = await empty.text()
  t.equal(empty.status, 422)
  t.match(html, /<title>错误：人脸识别认证<\/title>/)
  t.match(html, /role="alert"[\s\S]*href="#outcome-pass"/)
  t.match(html, /<fieldset aria-describedby="choose-hint choose-error" class="bad">/)
  t.equal((await fetch(page, form('outcome=perhaps'))).status, 422)
  t.equal((await fetch(page, form('outcome=pass&outcome=mismatch'))).status, 422, 'one outcome')
  t.match(await provider.result(ticket.providerTxnId, begin.attemptId), { status: 'pending' })

  const done = await fetch(page, form('outcome=mismatch&returnUrl=https%3A%2F%2Fevil.example'))
  t.equal(done.status, 303)
  t.equal(done.headers.get('location'), returnUrl, 'exactly the address of the start')
  t.match(await provider.result(ticket.providerTxnId, begin.attemptId), {
    status: 'failed',
    reason: 'NOT_SAME_PERSON'
  })

  const again = await fetch(`${page}?returnUrl=https%3A%2F%2Fevil.example`, form('outcome=pass'))
  t.equal(again.headers.get('location'), returnUrl)
  t.match(await provider.result(ticket.providerTxnId, begin.attemptId), { status: 'failed' }, 'the first choice stays')
  t.equal(
    (await fetch(page, { redirect: 'manual' })).headers.get('location'),
    returnUrl,
    'the page of a decided check goes back'
  )
  t.equal(sandbox.decide(ticket.providerTxnId, 'pass'), 'already-decided')
})

t.test('without an address to go back to, it says so; unknown and expired links lead nowhere', async (t) => {
  let time = Date.now()
  const { provider, sandbox } = await pair(t, { now: () => time }, { now: () => time })
  const ticket = await provider.start(start())
  if (ticket.method !== 'redirect') throw new Error('expected a page')
  const late = await provider.start(start())
  if (late.method !== 'redirect') throw new Error('expected a page')
  const done = await fetch(ticket.url, form('outcome=pass'))
  t.equal(done.status, 200)
  t.match(await done.text(), '本次核验已完成')
  const unknown = await fetch(`${sandbox.url}/capture/unknown?lang=en`)
  t.equal(unknown.status, 404)
  t.match(await unknown.text(), 'This link has expired')
  time += 11 * 60_000
  for (const init of [{}, form('outcome=pass')]) t.equal((await fetch(late.url, init)).status, 404)
})

t.test('the script shows the picture and sends nothing', async (t) => {
  const { sandbox } = await pair(t)
  const response = await fetch(`${sandbox.url}/capture.js`)
  t.match(response.headers.get('content-type'), 'text/javascript')
  const text = await response.text()
  t.match(text, 'getUserMedia')
  t.notMatch(
    text,
    /fetch|XMLHttpRequest|sendBeacon|WebSocket|MediaRecorder|getContext|toDataURL|localStorage|audio: true/
  )
})

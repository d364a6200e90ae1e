import { createHash } from 'node:crypto'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import t from 'tap'
import { testApp } from './support.ts'
import { maximumSmallBytes } from '../../src/records/clients/picture.ts'

t.test('CSP: the hash is that of the sheet in the page; two kinds of pages', async (t) => {
  const app = await testApp(t)
  const hosted = await app.inject({ url: '/fixture/login' })
  const csp = String(hosted.headers['content-security-policy'])
  const sheet = /<style>([\s\S]*?)<\/style>/.exec(hosted.body)?.[1] ?? ''
  t.match(csp, `style-src 'sha256-${createHash('sha256').update(sheet).digest('base64')}'`)
  t.match(csp, "default-src 'none'; script-src 'self'")
  t.match(csp, "frame-ancestors 'none'")
  t.match(csp, "base-uri 'none'")
  t.notMatch(csp, 'form-action', 'it would block the way back to the relying site')
  t.notMatch(csp, 'unsafe')
  t.equal(hosted.headers['cross-origin-opener-policy'], undefined, 'popup sign-in keeps its opener')
  const own = await app.inject({ url: '/fixture/help-privacy' })
  t.match(own.headers['content-security-policy'], "form-action 'self'")
  t.equal(own.headers['cross-origin-opener-policy'], 'same-origin')
  for (const answer of [hosted, own]) {
    t.match(answer.headers, {
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8'
    })
    t.match(answer.headers['permissions-policy'], 'camera=()')
    t.equal(answer.headers['strict-transport-security'], undefined, 'not on http')
  }
  const secure = await (await testApp(t, { issuer: 'https://sso.example.gov.cn' })).inject({ url: '/address' })
  t.match(secure.headers, { 'strict-transport-security': 'max-age=31536000', 'x-content-type-options': 'nosniff' })
})

t.test('compression: what the browser accepts, the same text', async (t) => {
  const app = await testApp(t)
  const get = async (encoding?: string) =>
    await app.inject({ url: '/fixture/home', headers: encoding === undefined ? {} : { 'accept-encoding': encoding } })
  const withoutTrace = (text: string): string => text.replace(/[0-9a-f]{4} [0-9a-f]{4} [0-9a-f]{4}/, '')
  const plain = withoutTrace((await get()).body)
  const br = await get('gzip, deflate, br')
  t.equal(br.headers['content-encoding'], 'br')
  t.equal(withoutTrace(brotliDecompressSync(br.rawPayload).toString()), plain)
  const gzip = await get('gzip')
  t.equal(gzip.headers['content-encoding'], 'gzip')
  t.equal(withoutTrace(gunzipSync(gzip.rawPayload).toString()), plain)
  t.equal((await get('br;q=0, gzip')).headers['content-encoding'], 'gzip')
  t.equal((await get('identity')).headers['content-encoding'], undefined)
  t.match(br.headers['vary'], 'accept-encoding')
})

t.test('assets: immutable, named by content, compressed ahead', async (t) => {
  const app = await testApp(t)
  const page = await app.inject({ url: '/fixture/home' })
  const script = /src="(\/assets\/app\.\w{8,}\.js)"/.exec(page.body)?.[1] ?? ''
  const answer = await app.inject({ url: script, headers: { 'accept-encoding': 'br' } })
  t.equal(answer.statusCode, 200)
  t.equal(answer.headers['cache-control'], 'public, max-age=31536000, immutable')
  t.equal(answer.headers['content-encoding'], 'br')
  t.ok(brotliDecompressSync(answer.rawPayload).length > 1000)
  const fonts = [...page.body.matchAll(/url\((\/assets\/bo-\w+\.\w+\.woff2)\)/g)].map((match) => match[1] ?? '')
  t.equal(fonts.length, 2)
  for (const font of fonts) t.match((await app.inject({ url: font })).headers, { 'content-type': 'font/woff2' })
  t.equal((await app.inject({ url: '/assets/app.js' })).statusCode, 404, 'only under its full name')
})

/** Bytes on the wire at the first visit: bodies compressed, status line and headers as text. */
async function weight (app: Awaited<ReturnType<typeof testApp>>, url: string, fonts: string[]): Promise<number> {
  const get = async (path: string): Promise<{ bytes: number; body: string }> => {
    const answer = await app.inject({
      url: path,
      headers: { 'accept-encoding': 'br', cookie: url.includes('lang') ? '' : 'kora_lang=zh-CN' }
    })
    const head = Object.entries(answer.headers).reduce(
      (sum, [name, value]) => sum + name.length + String(value).length + 4,
      17
    )
    const body = answer.headers['content-encoding'] === 'br' ? brotliDecompressSync(answer.rawPayload).toString() : ''
    return { bytes: answer.rawPayload.length + head, body }
  }
  const page = await get(url)
  const script = /src="(\/assets\/[^"]+)"/.exec(page.body)?.[1] ?? ''
  const wanted = fonts.map((name) => new RegExp(`url\\((/assets/${name}[^)]+)\\)`).exec(page.body)?.[1] ?? '')
  let total = page.bytes
  for (const path of [script, ...wanted]) total += (await get(path)).bytes
  return total
}

t.test('page weights stay within the budget', async (t) => {
  const app = await testApp(t)
  const kilobytes = 1024
  const budget = async (id: string, lang: string, limit: number): Promise<void> => {
    // with the picture of the site, the heaviest there is, and its header
    const picture = /^(?:login|qr|consent|select)$/.test(id) ? maximumSmallBytes + 330 : 0
    const bytes = picture + (await weight(app, `/fixture/${id}?lang=${lang}`, lang === 'bo' ? ['bo-ui'] : ['bo-nav']))
    t.ok(bytes <= limit * kilobytes, `${id} ${lang}: ${(bytes / kilobytes).toFixed(1)} of ${limit} KB`)
  }
  await budget('login', 'zh-CN', 12)
  await budget('login', 'bo', 30)
  await budget('qr', 'zh-CN', 14)
  await budget('qr', 'bo', 31)
  for (const id of ['identity-errors', 'consent', 'error-bad_redirect_uri', 'select', 'confirm']) {
    await budget(id, 'zh-CN', 15)
    await budget(id, 'en', 15)
    await budget(id, 'bo', 31)
  }
  await budget('face', 'zh-CN', 25)
  const home = (await app.inject({ url: '/fixture/home' })).body
  const sheet = (/<style>([\s\S]*?)<\/style>/.exec(home)?.[1] ?? '').length
  t.ok(sheet <= 11 * kilobytes, `style sheet: ${sheet} bytes`)
  const script = await app.inject({
    url: /src="(\/assets\/[^"]+)"/.exec(home)?.[1] ?? '',
    headers: { 'accept-encoding': 'br' }
  })
  t.ok(script.rawPayload.length <= 3 * kilobytes, `script: ${script.rawPayload.length} bytes`)
})

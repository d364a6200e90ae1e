import t from 'tap'
import { collectFacts } from '../../../src/journeys/developers/facts.ts'
import { send, startKora, submitPassword, words, type Answer } from '../../support/driver/index.ts'

const kora = await startKora(t)
const get = async (path: string, language = 'en'): Promise<Answer> =>
  await kora.newBrowser({ language }).request(`${kora.issuer}${path}`)

t.test('every page of the contents, in three languages, with the headers of our own pages', async (t) => {
  for (const language of ['zh-CN', 'en', 'bo']) {
    const first = await get('/developers', language)
    const paths = [...first.text.matchAll(/<li><a href="(\/developers[^"]*)"/g)].map(([, path = '']) => path)
    t.equal(new Set(paths).size, 14)
    for (const path of paths) {
      const page = await get(path, language)
      t.equal(page.status, 200, `${language} ${path}`)
      t.match(page.headers.get('content-security-policy'), "form-action 'self'")
      t.match(page.text, /aria-current="page"/)
      t.notMatch(words(page.text.replace(/<pre[\s\S]*?<\/pre>/g, '')), /undefined|\[object|NaN/)
      const ids = [...page.text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
      t.equal(new Set(ids).size, ids.length, `${path}: no id twice`)
      t.notMatch(page.text, / style="| on\w+="|<script(?![^>]* src=)/, 'nothing that the CSP blocks')
      t.equal(
        /<div class="dev" lang="zh-CN">/.test(page.text),
        language === 'bo',
        'Tibetan readers get Chinese, marked so'
      )
    }
  }
})

t.test('what is not there: 404, and the nearest', async (t) => {
  const page = await get('/developers/eror-codes')
  t.equal(page.status, 404)
  t.match(page.text, /<ul>\s*<li><a href="\/developers\/errors">/)
  for (const path of [
    '/developers/a/b/c',
    '/developers/%00',
    '/developers/<script>',
    `/developers/${'x'.repeat(190)}`
  ]) {
    const odd = await send(`${kora.issuer}/`, { path, headers: { accept: 'text/html' } })
    t.ok(odd.status === 404 || odd.status === 400, `${path.slice(0, 30)}: ${odd.status}`)
    t.notMatch(await odd.text(), /<script>/)
  }
})

t.test('an error page of the provider leads to the code', async (t) => {
  const page = await get('/oidc/auth?client_id=demo-site&response_type=code&redirect_uri=https://wrong.example/cb')
  const href = /href="(\/developers\/errors#[^"]+)"/.exec(page.text)?.[1] ?? ''
  t.match(href, '#invalid_redirect_uri')
  t.match((await get(href.split('#')[0] ?? '')).text, `id="${href.split('#')[1] ?? ''}"`)
})

t.test('code for a site: what is typed stands in it, nothing is looked up', async (t) => {
  const page = await get(
    '/developers/code?client_id=tax-web&redirect_uri=https%3A%2F%2Ftax.example.gov.cn%2Fcb&scope=openid+profile'
  )
  t.equal(page.status, 200)
  t.match(page.text, 'https://tax.example.gov.cn/cb')
  t.match(page.text, /Redirect URI to register <code>https:\/\/tax\.example\.gov\.cn\/auth\/callback\/kora/)
  t.match(page.text, 'OIDC_CLIENT_SECRET')
  const open = await get(
    '/developers/code?client_id=tax-web&redirect_uri=https%3A%2F%2Ftax.example.gov.cn%2Fcb&scope=openid&public=1'
  )
  t.notMatch(
    words(open.text.replace(/<p>This only[\s\S]*?<\/p>/, '')).replace(
      /belongs into the environment variable OIDC_CLIENT_SECRET/,
      ''
    ),
    /OIDC_CLIENT_SECRET/
  )
  const wrong = await get('/developers/code?client_id=%27%3B%20alert(1)%3B%27&redirect_uri=nonsense&scope=openid')
  t.equal(wrong.status, 400)
  t.match(wrong.text, /<a href="#client_id">/)
  t.match(wrong.text, /id="redirect_uri"[^>]*aria-invalid="true"/)
  t.notMatch(wrong.text, /<section>/, 'no code with it')
  for (const query of ['client_id=a&client_id=b', 'scope=', 'client_id[]=x', `client_id=${'x'.repeat(3000)}`]) {
    t.ok([200, 400].includes((await get(`/developers/code?${query}`)).status), query.slice(0, 30))
  }
})

t.test('try it: the whole flow without script, every request to be seen', async (t) => {
  const browser = kora.newBrowser({ language: 'en' })
  const page = await browser.go(`${kora.issuer}/developers/try`)
  const form = page.forms.find(({ action }) => action.endsWith('/start'))
  t.ok(form)
  const step = await browser.go(
    `${form?.action ?? ''}?scope=openid&scope=profile&scope=identity&prompt=evil&acr_values=urn:kora:loa:2`
  )
  const address = (/<a class="btn main" href="([^"]+)"/.exec(step.text)?.[1] ?? '').replaceAll('&amp;', '&')
  const asked = new URL(address).searchParams
  t.match(Object.fromEntries(asked), {
    client_id: 'demo-try',
    scope: 'openid profile',
    acr_values: 'urn:kora:loa:2',
    code_challenge_method: 'S256'
  })
  t.notOk(asked.has('prompt'))
  t.match(words(step.text), 'code_verifier')

  const person = await kora.sandbox.account('zhuoma')
  const end = await submitPassword(browser, await browser.go(address), {
    account: person.phone,
    password: person.password
  })
  t.equal(end.status, 200)
  for (const part of [
    'Token request',
    'code_verifier=',
    '"access_token"',
    'Userinfo response',
    '次仁卓玛',
    'authorization: Bearer'
  ]) {
    t.match(words(end.text), part)
  }
  t.match(end.text, /data-jwt="eyJ[^"]+"/, 'for the script of the page')
  const answer = words(/<pre id="userinfo-answer"[^>]*>([\s\S]*?)<\/pre>/.exec(end.text)?.[1] ?? '')
  const real = Object.keys(JSON.parse(answer.slice(answer.indexOf('{'))) as object).filter((name) => name !== 'locale')
  const shown = JSON.parse(String(collectFacts(kora.inside.services.config, 'en')['exampleUserinfo'])) as object
  t.same(
    Object.keys(shown)
      .filter((name) => !name.startsWith('phone'))
      .sort(),
    real.sort(),
    'the example of the documents has what the product gives'
  )
  t.equal((await browser.go(end.url)).status, 400, 'an answer is good once')

  const out = await browser.go(
    `${kora.issuer}${(/<a class="btn second" href="([^"]+)"/.exec(end.text)?.[1] ?? '').replaceAll('&amp;', '&')}`
  )
  t.equal(new URL(out.url).pathname, '/developers/try', 'logged out, without a question')

  const silent = await browser.go(`${kora.issuer}/developers/try/start?scope=openid&prompt=none`)
  const refused = await browser.go(
    (/<a class="btn main" href="([^"]+)"/.exec(silent.text)?.[1] ?? '').replaceAll('&amp;', '&')
  )
  t.match(refused.text, /href="\/developers\/errors#login_required"/)
})

t.test('try it: somebody else’s answer, no answer, garbage', async (t) => {
  for (const query of ['', '?code=a&state=b', '?code=a&code=b&state=', `?error=x&state=y&iss=${kora.issuer}`]) {
    t.equal((await get(`/developers/try/callback${query}`)).status, 400, query)
  }
  const other = kora.newBrowser()
  await other.go(`${kora.issuer}/developers/try/start?scope=openid`)
  t.equal((await other.go(`${kora.issuer}/developers/try/callback?code=a&state=b&iss=${kora.issuer}`)).status, 400)
})

t.test('llms.txt', async (t) => {
  const text = await send(`${kora.issuer}/llms.txt`)
  t.match(text.headers.get('content-type'), 'text/plain; charset=utf-8')
  const body = await text.text()
  t.match(body, /^# Kora\n\n> /)
  for (const [, url = ''] of body.matchAll(/\]\(([^)]+\?lang=en)\)/g)) t.equal((await send(url)).status, 200, url)
})

t.test('page weights: a document within 25 KB at the first visit, code within 40', async (t) => {
  const bytes = async (path: string): Promise<number> =>
    (
      await (
        await send(`${kora.issuer}${path}`, { headers: { 'accept-encoding': 'br', 'accept-language': 'zh-CN' } })
      ).arrayBuffer()
    ).byteLength
  for (const [path, limit] of [
    ['/developers', 25],
    ['/developers/organizations', 25],
    ['/developers/errors', 25],
    ['/developers/code', 40]
  ] as const) {
    const html = (await get(path)).text
    const assets = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, url = '']) => url)
    const total =
      (await bytes(path)) + (await Promise.all([...new Set(assets)].map(bytes))).reduce((sum, one) => sum + one, 0)
    t.ok(total <= limit * 1024, `${path}: ${(total / 1024).toFixed(1)} KB`)
  }
})

t.test('without demo data there is nothing to try', async (t) => {
  const plain = await startKora(t, { env: { SANDBOX: 'on', DEMO_DATA: 'off' } })
  t.equal((await plain.newBrowser().go(`${plain.issuer}/developers/try`)).status, 404)
  t.equal((await plain.newBrowser().go(`${plain.issuer}/developers/test-accounts`)).status, 404)
})

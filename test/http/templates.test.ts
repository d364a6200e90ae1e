import t from 'tap'
import { loadConfig } from '../../src/config.ts'
import { loadAssets } from '../../src/http/assets.ts'
import { createRenderer, type PageContext } from '../../src/http/rendering.ts'
import { locales } from '../../src/http/locale.ts'
import { fixtures } from './fixtures.ts'

const assets = loadAssets()
const renderer = createRenderer(loadConfig({ NODE_ENV: 'test' }), assets)
const context: PageContext = {
  locale: 'zh-CN',
  size: 'n',
  url: '/i/fixture/login?x=1',
  traceId: '9f3c21ab77d0',
  trident: false
}

const visible = (html: string): string => html.replace(/<(style|script)[\s\S]*?<\/\1>/g, '').replace(/<[^>]*>/g, ' ')
const unescape = (html: string): string => html.replaceAll('&amp;', '&')

t.test('every page renders in every language and size without holes', async (t) => {
  for (const { id, name, model } of fixtures) {
    for (const locale of locales) {
      for (const size of ['n', 'l'] as const) {
        const html = renderer.html(name, model, { ...context, locale, size, trident: size === 'l' })
        const label = `${id} ${locale} ${size}`
        const text = visible(html)
        if (/undefined|null|\[object|NaN|%>|<%/.test(text)) {
          t.fail(`${label}: ${/.{0,40}(undefined|null|\[object|NaN|%>|<%).{0,40}/.exec(text)?.[0] ?? ''}`)
        }
        if (/\{\w+\}/.test(text)) t.fail(`${label}: unfilled ${/\{\w+\}/.exec(text)?.[0] ?? ''}`)
        if (!html.includes(`<html lang="${locale}"`)) t.fail(`${label}: lang`)
        if (!/<title>[^<]{2,} - /.test(html)) t.fail(`${label}: title`)
        if ((html.match(/<h1/g) ?? []).length !== 1) t.fail(`${label}: exactly one h1`)
        const ids = [...html.matchAll(/ id="([^"]+)"/g)].map((match) => match[1])
        if (new Set(ids).size !== ids.length) {
          t.fail(`${label}: id twice: ${ids.filter((one, at) => ids.indexOf(one) !== at).join()}`)
        }
        for (const [, target] of html.matchAll(/href="#([^"]+)"/g)) {
          if (!ids.includes(target)) t.fail(`${label}: link to #${target}`)
        }
        for (const [, targets = ''] of html.matchAll(/aria-(?:describedby|labelledby|controls)="([^"]*)"/g)) {
          for (const target of targets.split(' ')) if (!ids.includes(target)) t.fail(`${label}: refers to #${target}`)
        }
        if (/ style="| on\w+="|<script(?![^>]* src=)/.test(html)) {
          t.fail(`${label}: inline style or script, blocked by the CSP`)
        }
      }
    }
  }
  t.pass(`${fixtures.length} states`)
})

t.test('every template has a fixture', async (t) => {
  const known = new Set<string>(fixtures.map((fixture) => fixture.name))
  const own = renderer.names.filter((name) =>
    /^(login|scan-code|phone-pages|device-login|oidc|help|error)(\/|$)/.test(name)
  )
  t.same(
    own.filter((name) => !known.has(name)),
    []
  )
})

t.test('errors: title, summary, links and described fields', async (t) => {
  const html = renderer.html(
    'login/password',
    fixtures.find(({ id }) => id === 'login-errors')?.model as never,
    context
  )
  t.match(html, /<title>错误：/)
  t.match(html, /<div class="summary" tabindex="-1" data-focus><div role="alert">/)
  t.match(html, /<a href="#account">身份证号最后一位与前 17 位不符/)
  t.match(html, /id="password"[^>]*aria-invalid="true" aria-describedby="password-e"/)
  t.match(html, /value="540102198006010010"/, 'the account is kept')
  t.notMatch(html, /id="password"[^>]*value=/, 'the password never is')
})

t.test('values are escaped, a missing value is an error', async (t) => {
  const model = fixtures.find(({ id }) => id === 'login')?.model as never as Record<string, unknown>
  const html = renderer.html(
    'login/password',
    { ...model, account: '"><script>alert(1)</script>' } as never,
    context
  )
  t.notMatch(html, '<script>alert')
  t.match(html, '&quot;&gt;&lt;script&gt;')
  t.throws(
    () => renderer.html('login/password', { ...model, csrf: undefined } as never, context),
    /was given undefined/
  )
  t.throws(() => renderer.html('login/password', { ...model, csrf: {} } as never, context), /was given object/)
})

t.test('language and size links keep the rest of the address', async (t) => {
  const html = unescape(
    renderer.html(
      'help/home',
      { demoHref: null, sandboxHref: null, userCentreHref: null },
      { ...context, url: '//evil.example/x?tab=legal&lang=en' }
    )
  )
  t.match(html, 'href="/x?tab=legal&lang=bo"')
  t.match(html, 'href="/x?tab=legal&lang=en&size=l"')
  t.notMatch(html, 'href="//')
})

t.test('sandbox banner: exactly when the sandbox is on; Tibetan is marked as a draft', async (t) => {
  const home = { demoHref: null, sandboxHref: null, userCentreHref: null }
  t.match(renderer.html('help/home', home, context), 'class="sandbox"')
  const plain = createRenderer({ ...loadConfig({ NODE_ENV: 'test' }), sandbox: false }, assets)
  t.notMatch(plain.html('help/home', home, context), 'class="sandbox"')
  t.match(plain.html('help/home', home, { ...context, locale: 'bo' }), '藏文界面为草稿')
})

import t from 'tap'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  makeSnippets,
  toSnippetClient,
  type Snippet,
  type SnippetClient
} from '../../../../src/journeys/developers/snippets/index.ts'
import { fill } from '../../../../src/journeys/developers/snippets/template.ts'

const issuer = 'https://sso.example.gov.cn'
const client: SnippetClient = {
  clientId: 'tax-web',
  redirectUri: 'https://tax.example.gov.cn/auth/callback/kora',
  postLogoutRedirectUri: 'https://tax.example.gov.cn/bye',
  scope: 'openid profile',
  confidential: true,
  refresh: true
}
const snippets = (given: Partial<SnippetClient> = {}, from = issuer): Snippet[] => {
  const made = makeSnippets(from, { ...client, ...given }, 'zh-CN')
  if (!made.ok) throw new Error(JSON.stringify(made.faults))
  return made.snippets
}
const textOf = (snippet: Snippet): string => snippet.files.map(({ text }) => text).join('\n')

t.test('every snippet: real values, PKCE, the exact address, logout, representation; nothing left open', async (t) => {
  for (const confidential of [true, false]) {
    for (const snippet of snippets({ confidential })) {
      const text = textOf(snippet)
      const label = `${snippet.id} ${confidential ? 'with a secret' : 'public'}`
      t.notMatch(text, /\{\{[#^/]?\w+\}\}/, `${label}: filled`)
      t.ok(text.includes(issuer) && text.includes('tax-web'), `${label}: issuer and client`)
      t.match(text, /S256|withPkce\(\)|UsePkce = true|'pkce'/, `${label}: PKCE`)
      t.ok(text.includes(snippet.redirectUri), `${label}: ${snippet.redirectUri}`)
      t.match(text, /logout|sign_out/i, `${label}: logout`)
      t.ok(
        snippet.id === 'nginx' || text.includes('https://tax.example.gov.cn/bye'),
        `${label}: the address after logout`
      )
      t.match(text, /representation/, `${label}: in whose name`)
      t.equal(/OIDC_CLIENT_SECRET/.test(text), confidential, `${label}: the secret by its name, where there is one`)
      t.notMatch(text, /undefined\b.*undefined|\bnull\b.*OIDC_/, label)
      t.ok(snippet.notes.length > 0 && snippet.notes.every((note) => /[一-龥]/.test(note)), `${label}: notes`)
    }
  }
})

t.test('plain http is for development only', async (t) => {
  for (const snippet of snippets()) {
    t.notMatch(
      textOf(snippet),
      /allowInsecureRequests|RequireHttpsMetadata|setHttpUpgradeInsecureRequests/,
      snippet.id
    )
  }
  const local = snippets(
    { redirectUri: 'http://localhost:8080/cb', postLogoutRedirectUri: null },
    'http://localhost:3000'
  )
  t.match(textOf(local.find(({ id }) => id === 'express') as Snippet), 'allowInsecureRequests')
})

t.test('libraries that choose the address themselves say which one to register', async (t) => {
  const made = snippets({ redirectUri: 'https://tax.example.gov.cn/cb' })
  const addresses = Object.fromEntries(made.map(({ id, redirectUri }) => [id, redirectUri]))
  t.match(addresses, {
    express: 'https://tax.example.gov.cn/cb',
    'authjs-express': 'https://tax.example.gov.cn/auth/callback/kora',
    nginx: 'https://tax.example.gov.cn/oauth2/callback',
    apache: 'https://tax.example.gov.cn/cb'
  })
})

t.test('an address after logout that is a page already opens nothing', async (t) => {
  const made = snippets({
    redirectUri: 'https://tax.example.gov.cn/cb',
    postLogoutRedirectUri: 'https://tax.example.gov.cn/'
  })
  const text = (id: string): string => textOf(made.find((one) => one.id === id) as Snippet)
  t.notMatch(text('apache'), 'AuthType None')
  t.notMatch(text('spring'), 'permitAll')
  t.equal(text('go').match(/HandleFunc\("\/",/g)?.length, 1)
})

t.test('what would end a string or begin an expansion never gets into code', async (t) => {
  for (const bad of ["a'b", 'a"b', 'a`b', 'a$b', 'a\\b', 'a b', 'a\nb', 'a<b', 'a{b']) {
    t.match(
      makeSnippets(issuer, { ...client, clientId: bad }, 'en'),
      { ok: false, faults: [{ field: 'client_id', code: 'not_plain' }] },
      JSON.stringify(bad)
    )
    t.equal(makeSnippets(issuer, { ...client, scope: `openid ${bad}  x` }, 'en').ok, false)
  }
  for (const [uri, code] of [
    ["https://a.cn/'", 'not_plain'],
    ['https://a.cn/$x', 'not_plain'],
    ['cn.gov.app:/cb', 'not_an_address'],
    ['https://u:p@a.cn/cb', 'not_an_address'],
    ['https://a.cn/cb#x', 'not_an_address'],
    ['nonsense', 'not_an_address'],
    ['https://a.cn/', 'own_path_needed'],
    ['https://a.cn/login', 'own_path_needed']
  ] as const) {
    t.match(
      makeSnippets(issuer, { ...client, redirectUri: uri }, 'en'),
      { ok: false, faults: [{ field: 'redirect_uri', code }] },
      uri
    )
  }
})

t.test('from the client record', async (t) => {
  t.same(
    toSnippetClient('a', {
      redirect_uris: ['cn.app:/cb', 'https://a.cn/cb'],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      scope: 'openid offline_access'
    }),
    {
      clientId: 'a',
      redirectUri: 'https://a.cn/cb',
      postLogoutRedirectUri: null,
      scope: 'openid',
      confidential: false,
      refresh: false
    }
  )
  t.equal(toSnippetClient('machine', { redirect_uris: [] }), null)
  t.equal(toSnippetClient('broken', { redirect_uris: 'https://a.cn/cb' }), null)
})

t.test('scripts parse as what they are', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kora-snippets-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  for (const confidential of [true, false]) {
    for (const { id, files } of snippets({ confidential })) {
      for (const { language, text } of files.filter((file) => file.language === 'js')) {
        const path = join(folder, 'x.mjs')
        writeFileSync(path, text)
        t.equal(spawnSync(process.execPath, ['--check', path], { encoding: 'utf8' }).stderr, '', `${id} ${language}`)
      }
    }
  }
})

t.test('the template language', async (t) => {
  const values = { a: 'A', yes: true, no: false }
  t.equal(fill('x\n{{#yes}}\n  {{a}}\n{{/yes}}\n{{#no}}\nnever\n{{/no}}\ny', values), 'x\n  A\ny')
  t.equal(fill('{{^no}}1{{#yes}}2{{/yes}}{{/no}}{{^yes}}3{{/yes}}', values), '12')
  t.throws(() => fill('{{unknown}}', values), /no value/)
})

// Whatever a client's identifier, addresses and scope hold: no snippet becomes other code by them.
import t from 'tap'
import express from 'express'
import fc from 'fast-check'
import { parse } from 'yaml'
import { uriFault } from '../../../../src/domain/client/uri.ts'
import {
  makeSnippets,
  toSnippetClient,
  type Snippet,
  type SnippetClient
} from '../../../../src/journeys/developers/snippets/index.ts'
import { buildValues } from '../../../../src/journeys/developers/snippets/values.ts'

const issuer = 'https://sso.example.gov.cn'
const rules = { native: false, sandbox: false, ownOrigin: issuer, egressAllowed: [] }
const origin = 'https://site.example.gov.cn'

const made = (client: SnippetClient): Snippet[] | null => {
  const outcome = makeSnippets(issuer, client, 'en')
  return outcome.ok ? outcome.snippets : null
}

/** What is left of code when strings and comments are one sign each: its shape. */
function shapeOf (language: string, text: string): string {
  // no quotes around values there: every word is one sign, so that what separates words is seen
  if (language === 'nginx') return text.replace(/#.*$/gm, '').replace(/"[^"\n]*"|[^\s;{}"]+/g, 'w')
  if (language === 'apache') return text.replace(/^\s*#.*$/gm, '').replace(/"[^"\n]*"|[^\s"<>]+/g, 'w')
  const comment = /^(?:python|yaml|toml)$/.test(language) ? '#[^\\n]*' : '\\/\\/[^\\n]*|\\/\\*[\\s\\S]*?\\*\\/'
  const string = '\'(?:\\\\.|[^\'\\\\\\n])*\'|"(?:\\\\.|[^"\\\\\\n])*"'
  return text.replace(new RegExp(`${string}|${comment}|\\b\\d+\\b`, 'g'), (found) =>
    /^['"]/.test(found) ? 's' : /^\d/.test(found) ? 'n' : 'c'
  )
}

const shapes = (snippets: Snippet[]): string[] =>
  snippets.flatMap(({ id, files }) =>
    files.map(
      ({ name, language, text }) => `${id} ${name.replace(/^app\/.*\/\[/, 'app/[')}\n${shapeOf(language, text)}`
    )
  )

const plain = (like: SnippetClient): SnippetClient => ({
  ...like,
  clientId: 'site',
  redirectUri: `${origin}/auth/callback/kora`,
  // is there a page of its own for who has logged out?
  postLogoutRedirectUri: buildValues(issuer, like)['postLogoutPage'] === true ? `${origin}/bye` : `${origin}/`,
  scope: 'openid profile'
})

const nasty = fc.constantFrom(
  "'",
  '"',
  '`',
  '\\',
  '$',
  '$' + '{x}',
  '{{issuer}}',
  '{',
  '}',
  '<',
  '>',
  '?>',
  '*/',
  '/*',
  '//',
  '#',
  ';',
  ' ',
  '\n',
  '\r\n',
  '\0',
  '%',
  '%27',
  '%0a',
  ':',
  ':x',
  '(',
  ')',
  '[',
  ']',
  '!',
  '+',
  '*',
  '|',
  '&',
  '=',
  ',',
  '@',
  '~',
  '^',
  '-',
  '..',
  '税',
  '\u2028',
  'a',
  '1',
  '/'
)
const text = fc.array(nasty, { maxLength: 5 }).map((parts) => parts.join(''))
const address = fc
  .tuple(text, text)
  .map(([path, query]) => `${origin}/${path}${query === '' ? '' : `?${query}`}`)
  .filter((uri) => uriFault(uri, 'redirect', rules) === null)
const scope = fc
  .array(fc.constantFrom('openid', 'profile', 'urn:x:', 'a.b', '-', 'null', 'yes', '1'), { maxLength: 3 })
  .map((more) => ['openid', ...more].join(' '))
const metadata = fc.record({
  client_id: fc.oneof(text, fc.constant('site')),
  redirect_uris: fc.array(address, { minLength: 1, maxLength: 1 }),
  post_logout_redirect_uris: fc.array(address, { maxLength: 1 }),
  scope,
  token_endpoint_auth_method: fc.constantFrom('none', 'client_secret_basic'),
  client_name: text
})
const clients = metadata
  .map(({ client_id: id, ...rest }) => toSnippetClient(id, rest))
  .filter((client) => client !== null)

t.test('the shape of the code is that of harmless values, or there is no code', async (t) => {
  let code = 0
  fc.assert(
    fc.property(clients, (client) => {
      const snippets = made(client)
      if (snippets === null) return
      code += 1
      const expected = shapes(made(plain(client)) ?? [])
      for (const [at, shape] of shapes(snippets).entries()) {
        if (shape !== expected[at]) throw new Error(`${JSON.stringify(client)}\n${shape}`)
      }
    }),
    {
      numRuns: 3000,
      examples: [
        [
          {
            clientId: 'a',
            redirectUri: `${origin}/x;return/callback`,
            postLogoutRedirectUri: null,
            scope: 'openid',
            confidential: true,
            refresh: false
          }
        ]
      ]
    }
  )
  t.ok(code > 30, `${code} were code`)
})

t.test('YAML says what was registered', async () => {
  fc.assert(
    fc.property(clients, (client) => {
      const spring = made(client)?.find(({ id }) => id === 'spring')
      if (spring === undefined) return
      const { registration } = parse(spring.files[0]?.text ?? '').spring.security.oauth2.client
      const { 'client-id': clientId, 'redirect-uri': redirectUri, scope } = registration.kora
      if (
        clientId !== client.clientId ||
        redirectUri !== client.redirectUri ||
        scope !== client.scope.split(' ').join(', ')
      ) {
        throw new Error(JSON.stringify(registration))
      }
    }),
    { numRuns: 1000 }
  )
})

t.test('a path is that path, and no pattern of others', async (t) => {
  fc.assert(
    fc.property(clients, (client) => {
      if (made(client) === null) return
      const { pathname } = new URL(client.redirectUri)
      const router = express.Router()
      router.get(pathname, () => {})
      const layer = router.stack[0] as unknown as { match: (path: string) => boolean; params?: object }
      if (!layer.match(pathname) || Object.keys(layer.params ?? {}).length > 0) throw new Error(pathname)
    }),
    { numRuns: 1000 }
  )
  for (const path of ['/:any', '/*', '/cb(x)', '/a;b/callback', '/a[b]', '/a!', '/a+']) {
    t.match(
      makeSnippets(
        issuer,
        {
          clientId: 'a',
          redirectUri: origin + path,
          postLogoutRedirectUri: null,
          scope: 'openid',
          confidential: true,
          refresh: false
        },
        'en'
      ),
      { ok: false, faults: [{ field: 'redirect_uri', code: 'not_plain' }] },
      path
    )
  }
  // what is open to everybody in Apache and Spring
  t.match(
    makeSnippets(
      issuer,
      {
        clientId: 'a',
        redirectUri: `${origin}/cb`,
        postLogoutRedirectUri: `${origin}/**`,
        scope: 'openid',
        confidential: true,
        refresh: false
      },
      'en'
    ),
    { ok: false, faults: [{ field: 'post_logout_redirect_uri', code: 'not_plain' }] }
  )
})

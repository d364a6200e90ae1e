import t from 'tap'
import { runCode } from '../../src/cli/code.ts'
import { addClient, startKora } from '../support/driver/index.ts'

const kora = await startKora(t)
await addClient(kora, {
  clientId: 'demo-loopback',
  metadata: {
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    redirect_uris: ['http://127.0.0.1/callback'],
    scope: 'openid profile'
  },
  policy: { subjectKinds: ['person', 'organization'], purposes: { profile: 'test' } }
})
const run = async (
  args: string[],
  env: Record<string, string> = {}
): Promise<{ code: number; out: string; progress: string }> => {
  let [out, progress] = ['', '']
  const code = await runCode(
    ['--issuer', kora.issuer, '--timeout', '60', ...args],
    {
      out: (line) => {
        out += `${line}\n`
      },
      progress: (line) => {
        progress += `${line}\n`
      }
    },
    env
  )
  return { code, out, progress }
}

t.test('a first login by the simulated phone, tokens as JSON', async (t) => {
  const { code, out, progress } = await run(['--sandbox-person', 'zhaxi', '--json'])
  t.equal(code, 0, progress)
  t.match(JSON.parse(out), {
    client_id: 'demo-public',
    tokens: { token_type: 'Bearer', refresh_token: /.+/ },
    id_token: {
      header: { alg: 'ES256' },
      claims: { iss: kora.issuer, aud: 'demo-public', acr: 'urn:kora:loa:3', representation: { role: 'self' } }
    },
    userinfo: { name: '扎西顿珠' }
  })
})

t.test('for people: claims, refresh and logout', async (t) => {
  const { code, out } = await run(['--sandbox-person', 'zhuoma', '--scope', 'openid'])
  t.equal(code, 0)
  for (const part of [
    /ID token, claims/,
    /"acr": "urn:kora:loa:2"/,
    /grant_type=refresh_token/,
    /\/oidc\/logout\?/,
    /\/developers/
  ]) {
    t.match(out, part)
  }
  t.notMatch(out, /"name"/, 'only what the scope gives')
})

t.test('who has several capacities acts for themself', async (t) => {
  const { code, out, progress } = await run(['--sandbox-person', 'zhuoma', '--client-id', 'demo-loopback', '--json'])
  t.equal(code, 0, progress)
  t.match(JSON.parse(out), { id_token: { claims: { representation: { role: 'self' } } } })
})

t.test('a person cannot come back from a request that is refused: said at once, not after the time', async (t) => {
  const { code, progress } = await run(['--sandbox-person', 'zhuoma', '--client-id', 'nobody'])
  t.equal(code, 1)
  t.match(progress, /stopped at a page that needs a person/)
  const refused = await run(['--sandbox-person', 'zhuoma', '--prompt', 'none'])
  t.equal(refused.code, 1)
  t.match(refused.progress, 'login_required')
  t.match(refused.progress, `${kora.issuer}/developers/errors#login_required`)
  t.match((await run(['--sandbox-person', 'nobody'])).progress, /knows nobody/)
})

t.test('wrong secret, wrong issuer, nobody there, wrong use', async (t) => {
  const secret = await run(['--sandbox-person', 'zhuoma'], { OIDC_CLIENT_SECRET: 'wrong' })
  t.equal(secret.code, 1)
  t.match(secret.progress, /token endpoint: 401 invalid_client/)
  t.match((await run(['--issuer', kora.issuer.replace('localhost', '127.0.0.1')])).code, 1)
  const gone = await run(['--issuer', 'http://127.0.0.1:1', '--json'])
  t.equal(gone.code, 1)
  t.match(JSON.parse(gone.out), { error: 'unreachable' })
  for (const args of [
    ['--scope', 'profile'],
    ['--port', 'x'],
    ['--what'],
    ['--issuer', 'nonsense'],
    ['--timeout', '0']
  ]) {
    t.equal((await run(args)).code, 2, args.join(' '))
  }
})

import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import t from 'tap'
import { command as client } from '../../../src/cli/client.ts'
import { startKora } from '../../support/driver/index.ts'
import { approve } from '../console/support.ts'
import { AdminApi, tokenOf } from './support.ts'

const run = promisify(execFile)
const root = new URL('../../../', import.meta.url)

t.test('the commands of docs/admin-api.md work in the sandbox as they stand', { timeout: 60_000 }, async (t) => {
  const kora = await startKora(t)
  const guide = readFileSync(new URL('docs/admin-api.md', root), 'utf8')
  const script = /```sh\n(TOKEN=[\s\S]*?)```/.exec(guide)?.[1] ?? ''
  const { stdout } = await run('bash', ['-e', '-c', script.replaceAll('http://localhost:3000', kora.issuer)], {
    cwd: root,
    env: { PATH: process.env['PATH'], ISSUER: kora.issuer }
  })
  const at = stdout.indexOf('{"client":')
  t.ok(JSON.parse(stdout.slice(0, at)).items.some((client: { client_id: string }) => client.client_id === 'demo-site'))
  t.match(JSON.parse(stdout.slice(at)), {
    client: { policy: { names: { 'zh-CN': '公积金查询' } } },
    secret: { secret: /^[\w-]{43}$/ }
  })
})

t.test('a client of the API from the command line', async (t) => {
  const kora = await startKora(t)
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const file = `${t.testdir()}/public-keys.json`
  writeFileSync(
    file,
    JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'ops-1', alg: 'ES256', use: 'sig' }] })
  )
  const create = async (...more: string[]): Promise<{ code: number; out: string }> => {
    const lines: string[] = []
    const code = await client.run(
      [
        'create',
        '--name',
        '运维脚本',
        '--kind',
        'machine',
        '--status',
        'live',
        '--reason',
        'ticket 4712',
        '--json',
        ...more
      ],
      kora.inside.services,
      (line) => {
        lines.push(line)
      }
    )
    return { code, out: lines.join('') }
  }
  const made = await create('--id', 'ops', '--jwks', file, '--admin-scopes', 'kora.clients:read kora.keys:read')
  t.equal(made.code, 4, 'nobody gives such rights alone')
  t.equal(made.out.includes('ops'), true)
  for (const id of JSON.parse(made.out).waiting) await approve(kora, id)
  const api = await AdminApi.open(
    kora,
    await tokenOf(kora, 'kora.keys:read', 'ops', { ...privateKey.export({ format: 'jwk' }), kid: 'ops-1' })
  )
  t.equal((await api.call('GET', '/keys')).status, 200)
  t.equal((await api.call('GET', '/clients')).status, 403)
  t.match(
    await create('--id', 'ops2', '--admin-scopes', 'kora.keys:read'),
    { code: 1, out: /adminScopes.*needs/ },
    'not with a secret'
  )
  t.match(await create('--id', 'ops3', '--jwks', file, '--admin-scopes', 'kora.everything'), {
    code: 1,
    out: /not_one_of/
  })
})

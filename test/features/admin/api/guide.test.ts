import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import t from 'tap'
import { startKora } from '../../../support/driver/index.ts'

const run = promisify(execFile)
const root = new URL('../../../../', import.meta.url)

t.test('the commands of docs/admin-api.md work in the sandbox as they stand', { timeout: 60_000 }, async (t) => {
  const kora = await startKora(t)
  const guide = readFileSync(new URL('docs/admin-api.md', root), 'utf8')
  const script = /```sh\n(TOKEN=[\s\S]*?)```/.exec(guide)?.[1] ?? ''
  const { stdout } = await run('bash', ['-e', '-c', script.replaceAll('http://localhost:3000', kora.issuer)], {
    cwd: root, env: { PATH: process.env['PATH'], ISSUER: kora.issuer }
  })
  const at = stdout.indexOf('{"client":')
  t.ok(JSON.parse(stdout.slice(0, at)).items.some((client: { client_id: string }) => client.client_id === 'demo-site'))
  t.match(JSON.parse(stdout.slice(at)), { client: { policy: { names: { 'zh-CN': '公积金查询' } } }, secret: { secret: /^[\w-]{43}$/ } })
})

import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { toDeviceClient, makeDeviceSnippet } from '../../../../src/journeys/developers/snippets/index.ts'
import { addClient, startKora, submitPassword } from '../../../support/driver/index.ts'
import { nameOfPerson } from './support.ts'

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'

t.test('device.mjs, as the console and the documents show it, waits for a person', { timeout: 240_000 }, async (t) => {
  const kora = await startKora(t)
  const secret = 'a-secret-of-thirty-two-characters'
  const folder = mkdtempSync(join(tmpdir(), 'kora-device-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(
    fileURLToPath(new URL('../../../../node_modules/openid-client', import.meta.url)),
    join(folder, 'node_modules', 'openid-client')
  )
  const metadata = {
    application_type: 'native',
    grant_types: [grantType],
    response_types: [],
    redirect_uris: [],
    token_endpoint_auth_method: 'client_secret_basic',
    scope: 'openid profile'
  }
  await addClient(kora, { clientId: 'hall-kiosk', secret, metadata })

  const run = async (
    name: string,
    clientId: string,
    of: Record<string, unknown>,
    decision: 'allow' | 'refuse'
  ): Promise<{ output: string; exitCode: number | null }> => {
    const made = makeDeviceSnippet(kora.issuer, toDeviceClient(clientId, of))
    if (!made.ok) throw new Error(JSON.stringify(made.faults))
    writeFileSync(join(folder, name), made.snippet.files[0]?.text ?? '')
    const child = spawn(process.execPath, [name], {
      cwd: folder,
      env: { PATH: process.env['PATH'], OIDC_CLIENT_SECRET: secret },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    t.teardown(() => {
      child.kill('SIGKILL')
    })
    const exit = once(child, 'exit')
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
    }
    while (!output.includes('\n')) {
      await Promise.race([
        once(child.stdout, 'data'),
        exit.then(() => {
          throw new Error(output)
        })
      ])
    }
    const [, address = '', code = ''] = /^Open (\S+) and enter ([A-Z-]+)\n/.exec(output) ?? []
    const browser = kora.newBrowser()
    const confirm = await browser.submit(await browser.go(address), { user_code: code })
    const page = await browser.submit(confirm, { decision })
    if (decision === 'allow') {
      await submitPassword(browser, page, { account: '13900139000', password: 'Snow-lion-2026' })
    }
    const [exitCode] = (await exit) as [number | null]
    return { output, exitCode }
  }
  const [secretly, publicly] = await Promise.all([
    run('confidential.mjs', 'hall-kiosk', metadata, 'allow'),
    run('public.mjs', 'demo-device', { token_endpoint_auth_method: 'none' }, 'refuse')
  ])
  t.match(secretly, { output: `${nameOfPerson} is signed in, acting as self`, exitCode: 0 })
  t.match(publicly, { output: /\naccess_denied\n/, exitCode: 1 })
})

t.test('nothing that ends a string stands in the code', async (t) => {
  for (const clientId of ["a'b", 'a`b', '', 'a b', 'a\\b', 'a$b"{}']) {
    t.match(
      makeDeviceSnippet('https://sso.example.gov.cn', { clientId, scope: 'openid', confidential: true }),
      { ok: false, faults: [{ field: 'client_id' }] },
      clientId
    )
  }
  t.match(
    makeDeviceSnippet('https://sso.example.gov.cn', { clientId: 'a', scope: "openid ');", confidential: true }),
    {
      ok: false,
      faults: [{ field: 'scope' }]
    }
  )
})

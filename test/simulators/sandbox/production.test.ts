import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import t from 'tap'
import { createPasswordHasher } from '../../../src/adapters/password-hasher.ts'
import { loadConfig } from '../../../src/config.ts'
import { systemClock } from '../../../src/ports/clock.ts'
import type { Services } from '../../../src/services.ts'
import { seedDemoData } from '../../../src/simulators/demo-data.ts'
import { startSandbox } from '../../../src/simulators/index.ts'
import { applicationRole } from '../../support/application-role.ts'
import { compileCache } from '../../support/compile-cache.ts'
import { testPostgres } from '../../support/database.ts'
import { freePort } from '../../support/driver/index.ts'
import { withPostgres } from '../../support/needs.ts'

const start = fileURLToPath(new URL('../../../src/start.cjs', import.meta.url))
const vendor = { URL: 'https://vendor.example', KEY_ID: 'k', SECRET: 's'.repeat(43) }
const vendors = Object.fromEntries(
  ['FACE', 'POPULATION_REGISTER', 'COMPANY_REGISTER', 'SMS'].flatMap((name) =>
    Object.entries(vendor).map(([key, value]) => [`${name}_${key}`, value])
  )
)

/** Everything production needs, so that the sandbox is the only thing wrong. */
const production = (port: number, folder: string): Record<string, string> => ({
  NODE_ENV: 'production',
  ISSUER: 'https://sso.example.gov.cn',
  PORT: String(port),
  DATA_DIR: folder,
  DATABASE_URL: 'postgres://kora:kora@127.0.0.1:1/kora',
  MASTER_KEY: randomBytes(32).toString('base64'),
  ...vendors
})

async function run (env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [start], {
    env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += String(text)
    })
  }
  return await new Promise((resolve) => {
    child.on('close', (code) => {
      resolve({ code, output })
    })
  })
}

const isOpen = async (port: number): Promise<boolean> =>
  await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => {
      resolve(false)
    })
  })

t.test('production refuses to start with any sandbox setting, in a line that says what to do', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kora-production-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  for (const [name, value, line] of [
    ['SANDBOX', 'on', /SANDBOX=on is refused with NODE_ENV=production: .*Remove it\./],
    ['DEMO_DATA', 'on', /DEMO_DATA=on is refused with NODE_ENV=production\. Remove it\./],
    ['SANDBOX_FOR_STRANGERS', 'anybody-may-be-anybody', /SANDBOX_FOR_STRANGERS is refused .*Remove it\./],
    ['RP_PORT', '3001', /RP_PORT is refused with NODE_ENV=production: .*Remove it\./]
  ] as const) {
    const port = await freePort()
    const { code, output } = await run({ ...production(port, folder), [name]: value })
    t.equal(code, 1, name)
    t.match(output, line)
    t.equal(output.trim().split('\n').length, 1, `one line: ${output}`)
    t.equal(await isOpen(port), false, 'never listened')
  }
})

t.test('S6 a forgotten NODE_ENV opens nothing to others', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kora-forgotten-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const open = async (env: Record<string, string>): Promise<{ code: number | null; output: string }> => {
    const port = await freePort()
    const ended = await run({
      PORT: String(port),
      HOST: '0.0.0.0',
      DATA_DIR: join(folder, 'data'),
      RP_PORT: '0',
      ...env
    })
    t.equal(await isOpen(port), false, 'never listened')
    return ended
  }
  const issuer = 'https://sso.example.gov.cn'
  for (const environment of [{}, { NODE_ENV: 'test' }]) {
    const { code, output } = await open({ ISSUER: issuer, ...environment })
    t.equal(code, 1, JSON.stringify(environment))
    t.match(output, /FACE_URL/, 'nothing is simulated')
    const forced = await open({ ISSUER: issuer, SANDBOX: 'on', ...environment })
    t.equal(forced.code, 1)
    t.match(forced.output, /SANDBOX=on is refused: .*SANDBOX_FOR_STRANGERS/)
  }
  const mine = [
    'http://localhost:3000',
    'http://kora.localhost:3000',
    'http://127.0.0.1:3000',
    'http://127.1.2.3',
    'http://[::1]:3000'
  ]
  for (const issuer of mine) t.equal(loadConfig({ ISSUER: issuer }).sandbox, true, issuer)
  const other = [
    'https://localhost.example',
    'https://127.0.0.1.nip.io',
    'https://sso.example.gov.cn',
    'http://[::2]:3000'
  ]
  for (const issuer of other) {
    const config = loadConfig({ ISSUER: issuer, NODE_ENV: 'test' })
    t.match(config, { sandbox: false, demoData: false, simulated: false }, issuer)
    t.rejects(startSandbox(config, pino({ level: 'silent' })), issuer)
  }
  const shown = loadConfig({ ISSUER: 'https://demo.example', SANDBOX_FOR_STRANGERS: 'anybody-may-be-anybody' })
  t.match(shown, { sandbox: true, demoData: true }, 'a demonstration says so')
})

await withPostgres(t, 'production refuses a database that the demo was shown with (T078)', async (t, url) => {
  const folder = mkdtempSync(join(tmpdir(), 'kora-production-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const database = await testPostgres(t, url)
  const { db, crypto } = database
  const { address } = await applicationRole(t, database)
  const hasher = createPasswordHasher({ concurrency: 1, memoryCost: 1024, timeCost: 2 })
  await seedDemoData({ db, crypto, clock: systemClock, hasher } as unknown as Services, 'http://localhost:3001')
  const port = await freePort()
  const { code, output } = await run({
    ...production(port, folder),
    DATABASE_URL: address,
    MASTER_KEY: Buffer.alloc(32, 'test').toString('base64'),
    MASTER_KEY_ID: 'test',
    LOG_LEVEL: 'error'
  })
  t.equal(code, 1)
  t.match(output, /^Kora did not start: .*holds the demo data.*Give production a database of its own\.$/m)
  t.equal(await isOpen(port), false)
})

t.test('the simulators themselves refuse, should the configuration be bypassed', async (t) => {
  const config = { ...loadConfig({ NODE_ENV: 'test' }), environment: 'production' as const }
  await t.rejects(startSandbox(config, pino({ level: 'silent' })), /never runs in production/)
  t.intercept(process, 'env', { value: { ...process.env, NODE_ENV: 'production' } })
  await t.rejects(
    startSandbox(loadConfig({ NODE_ENV: 'test' }), pino({ level: 'silent' })),
    /never runs in production/
  )
})

import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { freePort } from '../support/ports.ts'
import { start, systemPath, takePort, up, type Program } from './program.ts'
import { readmeCommands } from './readme.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const place = mkdtempSync(join(tmpdir(), 'kora-first-start-'))
const clone = join(place, 'kora')
// one check below runs as another user
chmodSync(place, 0o755)
const running = new Set<Program>()
t.teardown(async () => {
  for (const program of running) await program.ended(0)
  rmSync(place, { recursive: true, force: true })
})
t.setTimeout(600_000)

const run = (command: string, settings: Record<string, string> = {}): Program => {
  const [file = '', ...args] = command.split(' ')
  const program = start(file, args, { cwd: clone, settings })
  running.add(program)
  return program
}
const lines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '')
const systemNode = execFileSync('node', ['--version'], { env: { PATH: systemPath }, encoding: 'utf8' }).trim()

await t.test("the README's two commands on a clean clone", async (t) => {
  t.comment(`Node.js on the PATH: ${systemNode}`)
  execFileSync('git', ['clone', '--quiet', root, clone])
  const [toStart = [], toTest = []] = readmeCommands(join(clone, 'README.md'))
  t.same(toStart, ['npm ci', 'npm start'], 'the first commands of the README')
  t.same(toTest, ['npm ci', 'npm test'], 'and the next ones, which .ci/run itself runs')
  const [install = '', startKora = ''] = toStart

  const installation = run(install)
  t.equal(await installation.ended(300_000), 0, install) || t.comment(installation.stderr())

  const [port, sitePort] = [await freePort(), await freePort()]
  const kora = `http://localhost:${port}`
  const site = `http://localhost:${sitePort}`
  const settings = { PORT: String(port), RP_PORT: String(sitePort), DATA_DIR: join(place, 'data') }
  const json = async (address: string): Promise<any> => await (await fetch(address)).json()

  const first = run(startKora, settings)
  const firstStart = await up(`${kora}/readyz`, first, 120_000)
  if (firstStart === null) {
    t.fail('started', { stdout: first.stdout(), stderr: first.stderr() })
    return
  }
  t.comment(`first start: ${Math.round(firstStart)} ms`)
  await up(site, first, 120_000)

  const discovery = await json(`${kora}/.well-known/openid-configuration`)
  t.equal(discovery.issuer, kora, 'discovery')
  const front = await fetch(site)
  t.equal(front.status, 200, 'front page of the demo site')
  t.match(front.headers.get('content-type'), 'text/html')
  t.match(await front.text(), /登录/)
  const { persons } = await json(`${kora}/sandbox/api/accounts`)
  t.ok(persons.length > 5, 'accounts of the sandbox')
  const { keys } = await json(discovery.jwks_uri)

  const printed = first.stdout()
  for (const address of [kora, site, `${kora}/sandbox`]) {
    t.ok(printed.includes(address), `${address.replace(/\d+/, 'PORT')} is printed`)
  }
  for (const account of persons) {
    const line = lines(printed).find((line) => line.includes(account.cert_no)) ?? ''
    t.ok(
      [account.handle, account.phone, account.name, account.state].every((cell) => line.includes(cell)),
      `${account.handle} is in the printed table`
    )
    if (account.password !== null) t.ok(printed.includes(account.password), 'with the password')
  }
  // npm has opinions about its own settings
  t.same(
    lines(first.stderr()).filter((line) => !line.startsWith('npm ')),
    [],
    'nothing on standard error'
  )
  await ctrlC(t, first)

  const second = run(startKora, settings)
  const secondStart = await up(`${kora}/readyz`, second, 120_000)
  t.not(secondStart, null, 'the second start', { stdout: second.stdout(), stderr: second.stderr() })
  t.comment(`second start: ${Math.round(secondStart ?? NaN)} ms`)
  t.same(await json(`${kora}/oidc/jwks`), { keys }, 'with the data of the first')

  const third = run('node_modules/.bin/node src/start.cjs', { ...settings, PORT: '0', RP_PORT: '0' })
  await oneLine(t, third, /^Kora did not start: .*process/, 'a data folder in use')
  await ctrlC(t, second)
})

/** Ctrl-C drains within 15 s, or the code says that it did not (drain.ts); npm then ends by the same signal. */
async function ctrlC (t: Test, program: Program): Promise<void> {
  const begun = performance.now()
  program.interrupt()
  const code = await program.ended(60_000)
  t.ok([0, 130, 'SIGINT'].includes(code ?? 'late'), 'Ctrl-C ends it in order', { code })
  t.match(program.stdout(), /"signal":"SIGINT","msg":"draining"[^]*"msg":"stopped"/, 'drained', {
    stderr: program.stderr()
  })
  t.comment(`Ctrl-C: ${Math.round(performance.now() - begun)} ms`)
}

/** Ends in time, with a failure and exactly one line on standard error: no stack, no warning. */
async function oneLine (t: Test, program: Program, line: RegExp, name: string): Promise<void> {
  const code = await program.ended(60_000)
  const errors = lines(program.stderr())
  t.ok(typeof code === 'number' && code > 0, `${name}: exit code`, { code })
  t.equal(errors.length, 1, `${name}: one line`, { stderr: program.stderr() })
  t.match(errors[0] ?? '', line, name)
  t.notMatch(program.stdout(), /Error|^\s+at /m)
}

await t.test('a fault at start is one line that says what to do', async (t) => {
  if (!existsSync(join(clone, 'node_modules'))) {
    t.fail('not installed')
    return
  }
  const node = 'node_modules/.bin/node src/start.cjs'
  const free = { PORT: '0', RP_PORT: '0', DATA_DIR: join(place, 'faults') }

  const taken = await takePort()
  t.teardown(() => {
    taken.server.close()
  })
  const other = await freePort()
  await oneLine(
    t,
    run(node, { ...free, PORT: String(taken.port), RP_PORT: String(other) }),
    /^Kora did not start: Port \d+ is taken/,
    'taken port'
  )
  await oneLine(
    t,
    run(node, { ...free, PORT: String(other), RP_PORT: String(taken.port) }),
    /^Kora did not start: Port \d+ is taken/,
    'taken port of the demo site'
  )
  await oneLine(t, run(node, { ...free, PORT: 'many' }), /^Kora did not start: PORT="many" must be/, 'bad setting')

  const file = join(place, 'a-file')
  writeFileSync(file, '')
  await oneLine(
    t,
    run(node, { ...free, DATA_DIR: join(file, 'data') }),
    /^Kora did not start: .*a-file/,
    'data folder under a file'
  )
  if (process.getuid?.() === 0) {
    const shut = join(place, 'shut')
    mkdirSync(shut, { mode: 0o755 })
    // root may write everywhere, so somebody else tries
    await oneLine(
      t,
      run(`setpriv --reuid=65534 --regid=65534 --clear-groups ${node}`, { ...free, DATA_DIR: join(shut, 'data') }),
      /^Kora did not start: .*shut/,
      'unwritable data folder'
    )
  }
})

await t.test(
  'an old Node.js is told in one line',
  { skip: Number(systemNode.slice(1).split('.')[0]) >= 24 ? `the system's Node.js is ${systemNode}` : false },
  async (t) => {
    await oneLine(
      t,
      run('node src/start.cjs'),
      /^Kora needs Node\.js 24; this is .*npm ci && npm start/,
      'old Node.js'
    )
  }
)

/**
 * A stranger with an empty PostgreSQL, docs/production.md, deploy/nginx.conf and a certificate of their own making
 * comes to a login. What the page and docker-compose.yml say is run as it stands, as real processes in production
 * mode; only host names, ports and paths are others. Providers are simulated by a process of their own, since
 * production has no simulators.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import pg from 'pg'
import t, { type Test } from 'tap'
import { up, type Program } from '../first-start/program.ts'
import { arrivedAt, at, Browser, continueAfterPhone, RelyingParty, send } from '../support/driver/index.ts'
import { until } from '../support/until.ts'
import { Containers } from './compose.ts'
import { createMachine, withPrograms, type Ended, type Machine } from './machine.ts'
import { becomeAdministrator, citizen, Phone, registerOrganization } from './people.ts'
import { commandsOf, ProductionBlocks } from './production-page.ts'

t.setTimeout(600_000)

const succeeded = (t: Test, { code, stdout, stderr }: Ended, command: string): void => {
  if (code !== 0) t.fail(command, { code, stdout, stderr })
}

/** The page's first two steps: secrets, a certificate, and .env filled in. Returns the providers' addresses. */
async function prepare (t: Test, machine: Machine, blocks: ProductionBlocks): Promise<Record<string, string>> {
  const { folder, here } = machine
  for (const mark of ['openssl rand', 'openssl req', 'cp .env.example .env']) {
    const block = blocks.take(mark)
    succeeded(t, await machine.shell(here(block)), block)
  }
  // what a second run must not do
  const key = readFileSync(join(folder, 'deploy/secrets/master_key'), 'utf8')
  const again = new ProductionBlocks(join(folder, 'docs/production.md')).take('openssl rand')
  t.not((await machine.shell(here(again))).code, 0, 'a second run stops')
  t.equal(readFileSync(join(folder, 'deploy/secrets/master_key'), 'utf8'), key, 'the key is still the first one')
  trust(readFileSync(join(folder, 'deploy/tls/fullchain.pem'), 'utf8'))

  const providers = machine.start(`NODE_ENV=test node ${new URL('providers.ts', import.meta.url).pathname} deploy/secrets`)
  const addresses = JSON.parse(await firstLine(providers)) as Record<string, string>
  const filled: Record<string, string> = { ISSUER: machine.issuer }
  for (const [name, address] of Object.entries(addresses)) {
    filled[`${name}_URL`] = address
    filled[`${name}_KEY_ID`] = 'kora'
  }
  let settings = readFileSync(join(folder, '.env'), 'utf8')
  for (const [name, value] of Object.entries(filled)) {
    t.match(settings, new RegExp(`^${name}=`, 'm'), `.env asks for ${name}`)
    settings = settings.replace(new RegExp(`^${name}=.*$`, 'm'), `${name}=${value}`)
  }
  writeFileSync(join(folder, '.env'), settings)
  return addresses
}

/** As if the operator's authority were known to everybody. */
function trust (certificate: string): void {
  setDefaultCACertificates([...getCACertificates('default'), certificate])
}

async function firstLine (program: Program): Promise<string> {
  await until(() => program.stdout().includes('\n') || program.child.exitCode !== null)
  const [line = '', ...more] = program.stdout().split('\n')
  if (more.length === 0) throw new Error(`no line: ${program.stderr()}`)
  return line
}

async function ready (processes: Program[], { ports }: Machine): Promise<void> {
  for (const [index, process] of processes.entries()) {
    const taken = await up(`http://127.0.0.1:${ports.processes[index]}/readyz`, process, 60_000)
    if (taken === null) throw new Error(`process ${index} is not ready:\n${process.stdout()}${process.stderr()}`)
  }
}

/** What the proxy lets through, and how. */
async function checkProxy (t: Test, { issuer, ports }: Machine): Promise<void> {
  const discovery = await fetch(`${issuer}/.well-known/openid-configuration`)
  t.match(await discovery.json(), { issuer }, 'over TLS')
  const session = connect(issuer)
  const status = await new Promise((resolve, reject) => {
    session.once('error', reject)
    session.request({ ':path': '/healthz' }).once('response', (headers) => resolve(headers[':status']))
  })
  session.close()
  t.equal(status, 200, 'over HTTP/2')
  const plain = await send(`http://localhost:${ports.http}/me?lang=bo`)
  t.match([plain.status, plain.headers.get('location')], [308, `${issuer}/me?lang=bo`], 'never without TLS')
  t.equal((await fetch(`${issuer}/metrics`)).status, 404, 'numbers are not for everybody')
}

/** The redirect address of the page's first site. */
const redirectUri = 'https://gjj.example.gov.cn/callback'

async function site (issuer: string, printed: string): Promise<RelyingParty> {
  const { client_id: clientId = '', client_secret: secret = null } = JSON.parse(printed) as Record<string, string>
  return await RelyingParty.discover({ issuer, clientId, secret, redirectUri })
}

/** How the application's role is connected, and what it may do to the trail. */
async function checkRole (t: Test, folder: string): Promise<void> {
  const connectionString = readFileSync(join(folder, 'deploy/secrets/database_url'), 'utf8').trim()
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    const owns = `select current_user as role, pg_has_role(tableowner, 'usage') as owner,
      (select rolsuper from pg_roles where rolname = current_user) as superuser
      from pg_tables where tablename = 'audit_event'`
    t.same((await client.query(owns)).rows, [{ role: 'kora_app', owner: false, superuser: false }])
    for (const text of ['delete from audit_event', 'create table elsewhere (x text)', 'drop table person']) {
      await t.rejects(client.query(text), { code: '42501' }, text)
    }
  } finally {
    await client.end()
  }
}

await withPrograms(t, 'by hand, from the page: an administrator, a site, and a person who logs in there', async (t) => {
  const machine = await createMachine(t)
  const { folder, here, issuer } = machine
  const blocks = new ProductionBlocks(join(folder, 'docs/production.md'))
  const providers = await prepare(t, machine, blocks)
  t.equal(commandsOf(blocks.take('docker compose')).length, 1)

  // roles and tables, one command after the other
  const database = commandsOf(blocks.take('deploy/roles.sql')).map(here)
  const processes = commandsOf(blocks.take('src/start.cjs')).map(here)
  t.equal(processes.length, 2)
  for (const command of database) {
    // the packages are there: .ci/run installs them
    if (command.startsWith('npm ci ')) continue
    if (command.includes(' migrate ')) {
      const early = await machine.shell(processes[0] ?? '')
      t.equal(early.code, 1, 'a process before the first migration ends')
      t.match(early.stderr.trim(), /^Kora did not start: .*kora migrate$/, 'and says in one line what to do')
    }
    succeeded(t, await machine.shell(command), command)
  }
  await checkRole(t, folder)
  const running = processes.map((command) => machine.start(command))
  await ready(running, machine)

  for (const command of commandsOf(blocks.take('nginx -t'))) succeeded(t, await machine.shell(here(command)), command)
  await machine.reloaded()
  await checkProxy(t, machine)

  const operator = commandsOf(blocks.take('admin bootstrap')).map(here)
  const own = { NODE_EXTRA_CA_CERTS: 'deploy/tls/fullchain.pem' }
  const run = async (mark: string, more = ''): Promise<string> => {
    const command = operator.find((one) => one.includes(mark)) ?? ''
    const ended = await machine.shell(`${command} ${more}`, own)
    succeeded(t, ended, command)
    return ended.stdout
  }
  t.same(blocks.left, [], 'nothing of the chapter is left out')
  const findings = JSON.parse(await run(' doctor', '--json')).findings as Array<{ check: string; status: string }>
  t.same(findings.filter(({ status }) => status === 'fail'), [], 'the doctor is content')
  t.match(findings.find(({ check }) => check === 'role'), { status: 'ok' })

  const link = /^https:.*$/m.exec(await run('admin bootstrap'))?.[0] ?? ''
  t.ok(link.startsWith(`${issuer}/admin/begin/`), link)
  const party = await site(issuer, await run('client create', '--json'))
  const administrator = await becomeAdministrator(link)
  t.match((await administrator.browser.go(`${issuer}/admin/clients`)).text, /公积金查询/, 'the console shows the site')

  const phone = new Phone()
  await registerOrganization(issuer, phone, providers['SMS'] ?? '')

  const browser = new Browser()
  const started = await party.start()
  let page = await party.visit(browser, started)
  t.match(at(page), /\/login$/, 'the hosted login')
  t.equal(new URL(page.url).origin, issuer)
  page = await browser.go(page.url.replace(/\/login$/, '/qr'))
  await phone.scan(page)
  page = await continueAfterPhone(browser, page, party.arrived)
  const onward = /href="([^"]*\/oidc\/auth\/[^"]*)"/.exec(page.text)?.[1]
  if (onward !== undefined) page = await browser.go(new URL(onward, page.url).href, {}, party.arrived)
  if (at(page).endsWith('/select')) page = await browser.submit(page, { choice: 'self' }, { stop: party.arrived })
  if (at(page).endsWith('/consent')) page = await browser.submit(page, { decision: 'grant' }, { stop: party.arrived })
  const tokens = await party.redeem(started, arrivedAt(party, page))
  t.match(tokens.claims(), { iss: issuer, acr: 'urn:kora:loa:3' }, 'a person with a proven face')
  const me = await fetch(`${issuer}/oidc/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } })
  t.match(await me.json(), { sub: tokens.claims()?.sub, name: citizen.name })

  const configuration = here('/etc/nginx/conf.d/kora.conf')
  writeFileSync(configuration, withClientCertificates(readFileSync(configuration, 'utf8')))
  const checked = await machine.shell(here('cp deploy/tls/fullchain.pem /etc/nginx/tls/client-ca.pem\nnginx -t'))
  succeeded(t, checked, 'the part of nginx.conf that is commented out')

  const log = readFileSync(here('/var/log/nginx/access.log'), 'utf8')
  t.match(log, /GET \/oidc\/auth HTTP.* 303 /, 'S38: the log of the proxy has the page')
  t.match(log, /GET \/q\/\* HTTP/, 'S38: and no secret part of an address')
  t.notMatch(log, /[?=]|HTTP.*http|[\w-]{21,}/, 'S38: neither query, nor referrer, nor anything as long as a secret')

  for (const [index, process] of running.entries()) {
    const answers = await answersOf(machine.ports.processes[index] ?? 0)
    t.ok(answers.some(({ route }) => route.startsWith('/i/')), `process ${index} had its part of the login`)
    t.same(answers.filter(({ status }) => status >= 500), [], 'and no fault')
    t.equal(process.stderr(), '', 'nothing on standard error')
  }
})

/** As who asks for client certificates has it. */
function withClientCertificates (configuration: string): string {
  const at = configuration.indexOf('# server {')
  return configuration.slice(0, at) + configuration.slice(at).replace(/^# ?/gm, '')
}

/** What a process answered, from its own numbers. */
async function answersOf (port: number): Promise<Array<{ route: string; status: number }>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const counted = /^http_request_duration_seconds_count\{route="([^"]*)",method="[^"]*",status="(\d+)"/gm
  return [...text.matchAll(counted)].map(([, route = '', status]) => ({ route, status: Number(status) }))
}

await withPrograms(t, 'docker-compose.yml: its services as processes, up to the hosted login', async (t) => {
  const machine = await createMachine(t)
  const { folder, issuer } = machine
  const blocks = new ProductionBlocks(join(folder, 'docs/production.md'))
  await prepare(t, machine, blocks)
  t.same(commandsOf(blocks.take('docker compose')), ['docker compose up -d --build'])

  const containers = new Containers(machine)
  succeeded(t, await containers.initialize('database'), 'database')
  succeeded(t, await containers.run('migrate'), 'migrate')
  await checkRole(t, folder)
  const running = [containers.start('kora-1', 0), containers.start('kora-2', 1)]
  await ready(running, machine)
  succeeded(t, await containers.serve('proxy'), 'proxy')
  await machine.reloaded()
  await checkProxy(t, machine)

  const readme = readFileSync(join(folder, 'docs/production.md'), 'utf8')
  t.match(readme, '`docker compose exec kora-1 node` in place of `node --env-file=.env`')
  const operator = commandsOf(blocks.take('admin bootstrap'))
  const exec = async (mark: string, more = ''): Promise<string> => {
    const command = `${operator.find((one) => one.includes(mark)) ?? ''} ${more}`
    const ended = await containers.exec('kora-1', machine.here(command).replace(/^node --env-file=\.env/, 'node'))
    succeeded(t, ended, command)
    return ended.stdout
  }
  const link = /^https:.*$/m.exec(await exec('admin bootstrap'))?.[0] ?? ''
  t.equal((await new Browser().go(link)).status, 200, 'the link of the first administrator')
  const party = await site(issuer, await exec('client create', '--json'))
  const page = await party.visit(new Browser(), await party.start())
  t.match([page.status, at(page)], [200, /\/login$/], 'the hosted login')
})

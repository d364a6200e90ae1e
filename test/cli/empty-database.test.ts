/** The command line and the server on a database that nobody has migrated yet, as real processes. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import t, { type Test } from 'tap'
import { compileCache } from '../support/compile-cache.ts'
import { withPostgres } from '../support/needs.ts'
import { asAdministrator, databaseOn } from '../support/snapshot.ts'

t.setTimeout(300_000)

const program = (name: string): string => fileURLToPath(new URL(`../../src/${name}`, import.meta.url))
const vendor = { URL: 'https://vendor.example', KEY_ID: 'k', SECRET: 's'.repeat(43) }
const vendors = Object.fromEntries(['FACE', 'POPULATION_REGISTER', 'COMPANY_REGISTER', 'SMS'].flatMap((name) =>
  Object.entries(vendor).map(([key, value]) => [`${name}_${key}`, value])))
const production = {
  NODE_ENV: 'production',
  ISSUER: 'https://sso.example.gov.cn',
  PORT: '0',
  MASTER_KEY: randomBytes(32).toString('base64'),
  ...vendors
}

interface Ended { code: number | null, stdout: string, lines: string[] }

type Env = Record<string, string>

async function run (args: string[], env: Env, cwd?: string): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd })
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (text) => {
      output[name] += String(text)
    })
  }
  const code = await new Promise<number | null>((resolve) => { child.on('close', resolve) })
  return { code, stdout: output.stdout, lines: output.stderr.split('\n').filter((line) => line.trim() !== '') }
}

const kora = async (args: string[], env: Env, cwd?: string): Promise<Ended> =>
  await run([program('cli/kora.ts'), ...args], env, cwd)

/** A database with nothing in it. */
async function emptyDatabase (t: Test, url: string): Promise<string> {
  const name = `kora_empty_${randomBytes(6).toString('hex')}`
  const administer = async (text: string): Promise<void> => {
    await asAdministrator(url, async (client) => await client.query(text))
  }
  await administer(`create database ${name}`)
  t.teardown(async () => await administer(`drop database if exists ${name} with (force)`))
  return databaseOn(url, name)
}

async function tables (address: string): Promise<number> {
  const client = new pg.Client({ connectionString: address })
  await client.connect()
  try {
    return (await client.query("select from pg_tables where schemaname = 'public'")).rowCount ?? 0
  } finally {
    await client.end()
  }
}

await withPostgres(t, 'production: only migrate makes the tables, needing nothing but the database', async (t, url) => {
  const address = await emptyDatabase(t, url)
  const env = { ...production, DATABASE_URL: address }

  const server = await run([program('start.cjs')], env)
  t.equal(server.code, 1)
  t.equal(server.lines.length, 1, server.lines.join('\n'))
  t.match(server.lines[0], /^Kora did not start: .*kora migrate/)
  const command = await kora(['keys', 'list'], env)
  t.equal(command.code, 1)
  t.equal(command.lines.length, 1, command.lines.join('\n'))
  t.match(command.lines[0], /kora migrate/)
  t.equal(await tables(address), 0, 'neither of them made a table')

  const migrated = await kora(['migrate', '--json'], { NODE_ENV: 'production', MIGRATION_DATABASE_URL: address })
  t.same(migrated.lines, [])
  t.equal(migrated.code, 0)
  t.match(JSON.parse(migrated.stdout), { applied: [/^0001_/] })
  t.match(await kora(['keys', 'list'], env), { code: 0, lines: [] })
  const unbound = await run([program('start.cjs')], env)
  t.equal(unbound.code, 1)
  t.equal(unbound.lines.length, 1, unbound.lines.join('\n'))
  t.match(unbound.lines[0], /^Kora did not start: The role .* is a superuser/, 'S9: production serves with no such role')
  const again = await kora(['migrate', '--json'], { NODE_ENV: 'production', DATABASE_URL: address })
  t.same(JSON.parse(again.stdout), { applied: [], broken: [] })
})

await withPostgres(t, 'migrate: without an address, and as a role that may not', async (t, url) => {
  const unset = await kora(['migrate'], { NODE_ENV: 'production' })
  t.match(unset, { code: 1, lines: [/MIGRATION_DATABASE_URL/] })
  t.equal(unset.lines.length, 1)

  const address = await emptyDatabase(t, url)
  const role = `kora_app_${randomBytes(4).toString('hex')}`
  await asAdministrator(address, async (client) => await client.query(`create role ${role} login password 'test'`))
  t.teardown(async () => {
    await asAdministrator(address, async (client) => await client.query(`drop owned by ${role}; drop role ${role}`))
  })
  const own = new URL(address)
  own.username = role
  own.password = 'test'
  const refused = await kora(['migrate'], { NODE_ENV: 'production', DATABASE_URL: own.href })
  t.equal(refused.code, 1)
  t.match(refused.lines, [/MIGRATION_DATABASE_URL/])
  t.equal(refused.lines.length, 1, refused.lines.join('\n'))

  // the address of the owner goes before the one of the application
  const both = { NODE_ENV: 'production', DATABASE_URL: own.href, MIGRATION_DATABASE_URL: address }
  t.equal((await kora(['migrate'], both)).code, 0)
  const server = await run([program('start.cjs')], { ...production, DATABASE_URL: own.href })
  t.equal(server.code, 1)
  const advice = new RegExp(`^Kora did not start: .*kora migrate --grant-to ${role}`)
  t.match(server.lines, [advice], 'migrated, but this role was given nothing')
  t.equal(server.lines.length, 1, server.lines.join('\n'))
  const doctor = await kora(['doctor', '--json'], { ...production, DATABASE_URL: own.href })
  const findings = JSON.parse(doctor.stdout).findings as Array<{ check: string }>
  const finding = findings.find(({ check }) => check === 'role')
  t.match(finding, { status: 'fail', advice: new RegExp(`--grant-to ${role}`) })
})

await withPostgres(t, 'no command migrates or simulates unasked, whatever NODE_ENV says', async (t, url) => {
  const address = await emptyDatabase(t, url)
  for (const environment of ['', 'test']) {
    const env = { NODE_ENV: environment, DATABASE_URL: address, MASTER_KEY: production.MASTER_KEY }
    const { code, lines } = await kora(['keys', 'list'], env)
    t.equal(code, 1)
    t.match(lines, [/kora migrate/])
    t.equal(lines.length, 1, lines.join('\n'))
  }
  t.equal(await tables(address), 0)

  t.equal((await kora(['migrate'], { DATABASE_URL: address })).code, 0)
  const settings = { DATABASE_URL: address, MASTER_KEY: production.MASTER_KEY, SANDBOX: 'off' }
  t.match(await kora(['client', 'list'], settings), { code: 0, lines: [] }, 'neither simulators nor vendors are needed')
})

t.test('a command in the wrong folder makes nothing there', async (t) => {
  const cwd = t.testdir()
  const { code, lines } = await kora(['client', 'list'], {}, cwd)
  t.equal(code, 1)
  t.match(lines, [/data/])
  t.equal(lines.length, 1, lines.join('\n'))
  t.notOk(existsSync(join(cwd, 'data')))

  t.match(await kora(['migrate'], {}, cwd), { code: 0, lines: [] }, 'migrate is asked for')
  t.ok(existsSync(join(cwd, 'data')))
})

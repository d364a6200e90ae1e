/** deploy/roles.sql on the server of an older docker-compose.yml, whose only role was `kora`, a superuser. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import t from 'tap'
import { startCluster } from '../support/postgres.ts'
import { databaseOn } from '../support/snapshot.ts'
import { withPrograms } from './machine.ts'

const script = fileURLToPath(new URL('../../deploy/roles.sql', import.meta.url))

async function query (address: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: address })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

await withPrograms(t, 'keeps what is there, may be run again, and makes no role without a password', async (t) => {
  const cluster = await startCluster()
  const secrets = mkdtempSync(join(tmpdir(), 'kora-roles-'))
  t.teardown(() => {
    cluster.stop()
    rmSync(secrets, { recursive: true, force: true })
  })
  const database = databaseOn(cluster.url, 'kora')
  await query(cluster.url, 'create database kora')
  await query(database, 'create table kept (x text)')
  const run = (address: string): boolean => {
    try {
      const env = { ...process.env, SECRETS: secrets }
      execFileSync('psql', [address, '--no-psqlrc', '-f', script], { env, stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  }
  const roles = async (address: string): Promise<unknown[]> =>
    await query(address, "select rolname as name from pg_roles where rolname like 'kora%' order by 1")
  const addressOf = (role: string, password: string): string => {
    const address = new URL(database)
    address.username = role
    address.password = password
    return address.href
  }
  const tell = (owner: string, application: string): void => {
    writeFileSync(join(secrets, 'migration_database_url'), `${addressOf('kora', owner)}\n`)
    writeFileSync(join(secrets, 'database_url'), `${addressOf('kora_app', application)}\n`)
  }

  t.equal(run(cluster.url), false, 'no files')
  tell('ownerofkora0123456789', 'short')
  t.equal(run(cluster.url), false, 'too short')
  tell('ownerofkora0123456789', 'application%30123456789')
  t.equal(run(cluster.url), false, 'not the same in an address')
  t.same(await roles(cluster.url), [{ name: 'kora' }])

  const connects = async (role: string, password: string): Promise<boolean> =>
    await query(addressOf(role, password), 'select').then(
      () => true,
      () => false
    )
  tell('ownerofkora0123456789', 'application0123456789')
  t.equal(run(cluster.url), true)
  t.same(await roles(addressOf('kora', 'ownerofkora0123456789')), [{ name: 'kora' }, { name: 'kora_app' }])
  t.equal(await connects('kora', 'ownerofkora0123456789'), true)
  t.equal(await connects('kora_app', 'application0123456789'), true)

  tell('ownerofkora9876543210', 'application9876543210')
  t.equal(run(addressOf('kora', 'ownerofkora0123456789')), true, 'again, with new passwords')
  t.equal(await connects('kora_app', 'application0123456789'), false)
  t.equal(await connects('kora_app', 'application9876543210'), true)
  const application = addressOf('kora_app', 'application9876543210')
  await t.rejects(query(application, 'create table other (x text)'), { code: '42501' })
  t.same(await query(addressOf('kora', 'ownerofkora9876543210'), 'select * from kept'), [])
})

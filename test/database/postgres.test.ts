/** Faults of PostgreSQL: no wait without a limit, no lost connection that ends the process. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { sql } from 'kysely'
import type pg from 'pg'
import t, { type Test } from 'tap'
import {
  DatabaseUnavailable,
  isDatabaseUnavailable,
  migrate,
  openDatabase,
  statement,
  type OpenDatabaseOptions
} from '../../src/database/index.ts'
import { defaultTimeouts } from '../../src/database/postgres.ts'
import { patient, testPostgres } from '../support/database.ts'
import { withNeed } from '../support/needs.ts'
import { postgresPrograms, startCluster, type Cluster } from '../support/postgres.ts'
import { asAdministrator, databaseOn } from '../support/snapshot.ts'
import { until } from '../support/until.ts'

const one = statement<[], { one: number }>('test.postgres.one', 'select 1 as one')

const lack = 'the programs of PostgreSQL are not installed (apt-get install postgresql)'
await withNeed(t, { name: 'faults of PostgreSQL', found: postgresPrograms(), lack }, async (t) => {
  // of its own, because it is restarted
  const cluster = await startCluster()
  t.teardown(() => cluster.stop())
  await faults(t, cluster)
})

async function faults (t: Test, cluster: Cluster): Promise<void> {
  /** No limits but those that a test gives. */
  const open = async (t: Test, { timeouts, ...options }: Partial<OpenDatabaseOptions> = {}) => {
    const opened = await openDatabase({
      databaseUrl: cluster.url,
      dataDir: ':memory:',
      poolSize: 2,
      ...options,
      timeouts: { ...patient, ...timeouts }
    })
    t.teardown(opened.close)
    return opened.db
  }

  await t.test('migrations of processes that start together', async (t) => {
    await asAdministrator(cluster.url, (client) => client.query('create database kora_together'))
    const dbs = await Promise.all(
      Array.from({ length: 5 }, () =>
        open(t, {
          databaseUrl: databaseOn(cluster.url, 'kora_together'),
          timeouts: { statement: defaultTimeouts.statement }
        })
      )
    )
    const ran = await Promise.all(dbs.map((db) => migrate(db)))
    const names = ran.flat()
    t.ok(names.length > 0)
    t.equal(new Set(names).size, names.length, 'each ran once')
    t.equal(ran.filter((some) => some.length > 0).length, 1, 'in one process')
    const { rows } = await sql<{
      limit: string
    }>`select current_setting('statement_timeout') as limit from pg_sleep(0), person right
      join (select 1) x on true`.execute(dbs[0]!)
    t.equal(rows[0]?.limit, '3s', 'requests have their limits back')
  })

  await t.test("waiting for another process's migrations has no limit", async (t) => {
    await asAdministrator(cluster.url, (client) => client.query('create database kora_waiting'))
    const url = databaseOn(cluster.url, 'kora_waiting')
    const db = await open(t, { databaseUrl: url, timeouts: { statement: 300, read: 300, idleInTransaction: 300 } })
    await asAdministrator(url, async (client) => {
      // the lock of Kysely's migrator
      await client.query('select pg_advisory_lock(3853314791062309107)')
      const migrating = migrate(db)
      const waitedLongEnough = `select from pg_stat_activity where datname = current_database()
        and wait_event = 'advisory'
        and query_start < clock_timestamp() - interval '400 ms'`
      await Promise.race([migrating, untilRow(client, waitedLongEnough)])
      await client.query('select pg_advisory_unlock_all()')
      t.ok((await migrating).length > 0)
    })
  })

  await t.test('sessions have limits and a name', async (t) => {
    const db = await open(t, { timeouts: { ...defaultTimeouts, acquire: patient.acquire } })
    const { rows } = await sql`select current_setting('statement_timeout') as statement,
      current_setting('idle_in_transaction_session_timeout') as idle,
        current_setting('application_name') as name`.execute(db)
    t.strictSame(rows, [{ statement: '3s', idle: '5s', name: 'kora' }])
  })

  await t.test('an address where nobody answers', async (t) => {
    const db = await open(t, { databaseUrl: 'postgres://kora@127.0.0.1:1/kora' })
    await t.rejects(one(db), DatabaseUnavailable)
  })

  await t.test('a pool that is used up answers in time', async (t) => {
    const db = await open(t, { poolSize: 1, timeouts: { acquire: 100 } })
    await until(async () => await answers(db))
    await db.connection().execute(async () => {
      await t.rejects(one(db), DatabaseUnavailable)
    })
    t.strictSame(await one(db), [{ one: 1 }])
  })

  await t.test('a statement that takes too long', async (t) => {
    const db = await open(t, { timeouts: { statement: 100 } })
    await t.rejects(sql`select pg_sleep(60)`.execute(db), { name: 'DatabaseUnavailable', code: '57014' })
    t.ok(await until(async () => await answers(db)))
  })

  await t.test('a transaction that stands still is ended', async (t) => {
    const lost: unknown[] = []
    const db = await open(t, {
      timeouts: { idleInTransaction: 50 },
      log: {
        warn: (detail: unknown) => {
          lost.push(detail)
        }
      } as never
    })
    await t.rejects(
      db.transaction().execute(async (trx) => {
        await one(trx)
        // the server speaks first: its message makes the pool's connection fail
        while (lost.length === 0) await setTimeout(5)
        await one(trx)
      }),
      DatabaseUnavailable
    )
    t.strictSame(await one(db), [{ one: 1 }])
  })

  await t.test('a server that goes silent', async (t) => {
    const wire = await brokenWire(t, cluster.url)
    const db = await open(t, { databaseUrl: wire.url, poolSize: 1, timeouts: { read: 150, acquire: 300 } })
    t.ok(await until(async () => await answers(db)))
    wire.silence(true)
    await t.rejects(one(db), DatabaseUnavailable)
    await t.rejects(one(db), DatabaseUnavailable, 'nor does a new connection wait longer')
    wire.silence(false)
    t.ok(await until(async () => await answers(db)), 'the silent connection is not used again')
  })

  await t.test('connections cut by the server', async (t) => {
    const { db, url } = await testPostgres(t, cluster.url)
    const cut = () =>
      asAdministrator(url as string, (client) =>
        client.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> ' +
            'pg_backend_pid()'
        )
      )
    await t.rejects(
      db.transaction().execute(async (trx) => {
        await trx.insertInto('serverSecret').values({ name: 'cut', valueEnc: 'x' }).execute()
        await cut()
        await one(trx)
      }),
      DatabaseUnavailable
    )
    t.strictSame(await recovers(db), [{ one: 1 }])
    t.strictSame(await db.selectFrom('serverSecret').selectAll().where('name', '=', 'cut').execute(), [])
    const running = t.rejects(sql`select pg_sleep(2)`.execute(db), DatabaseUnavailable)
    await untilRunning(url as string)
    await cut()
    await running
    t.strictSame(await recovers(db), [{ one: 1 }])
  })

  for (const mode of ['fast', 'immediate'] as const) {
    await t.test(`a restart of the server (${mode})`, async (t) => {
      const db = await open(t)
      await Promise.all([one(db), one(db)])
      cluster.restart(mode)
      t.strictSame(await recovers(db), [{ one: 1 }])
      t.strictSame(await Promise.all([one(db), one(db), one(db)]), [[{ one: 1 }], [{ one: 1 }], [{ one: 1 }]])
    })
  }
}

/** Whether it answered within the limits; on a busy machine not each time. */
async function answers (db: Parameters<typeof one>[0]): Promise<boolean> {
  return await one(db).then(
    () => true,
    (error: unknown) => {
      if (!isDatabaseUnavailable(error)) throw error
      return false
    }
  )
}

/** The next statements may fail as unavailable, once for each connection of the pool, and never otherwise. */
async function recovers (db: Parameters<typeof one>[0]): Promise<Array<{ one: number }>> {
  for (let tries = 0; tries < 5; tries++) {
    try {
      return await one(db)
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error
    }
  }
  throw new Error('the pool does not recover')
}

async function untilRunning (url: string): Promise<void> {
  await asAdministrator(url, (client) =>
    untilRow(
      client,
      "select from pg_stat_activity where datname = current_database() and state = 'active' and query like " +
        "'%pg_sleep%' and pid <> pg_backend_pid()"
    )
  )
}

/** Asks until the query has a row. */
async function untilRow (client: pg.Client, query: string): Promise<void> {
  while ((await client.query(query)).rowCount === 0) await setTimeout(5)
}

/** A wire to the server that can stop carrying anything without being closed. */
async function brokenWire (t: Test, url: string): Promise<{ url: string; silence(on: boolean): void }> {
  const target = new URL(url)
  let silent = false
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname)
    for (const [from, to] of [
      [near, far],
      [far, near]
    ] as const) {
      sockets.add(from)
      from.on('data', (data) => {
        if (!silent) to.write(data)
      })
      from.on('error', () => {})
      from.on('close', () => to.destroy())
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const through = new URL(url)
  through.port = String((server.address() as AddressInfo).port)
  return {
    url: through.href,
    silence: (on) => {
      silent = on
    }
  }
}

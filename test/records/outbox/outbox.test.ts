import t from 'tap'
import { sql } from 'kysely'
import { createAudit } from '../../../src/records/audit/index.ts'
import {
  backoffSeconds,
  createOutboxWorker,
  enqueue,
  OutboxPermanentError,
  resendDead,
  sweepOutbox,
  type OutboxHandler,
  type OutboxMessage,
  type OutboxMeta
} from '../../../src/records/outbox/index.ts'
import { createLogger } from '../../../src/runtime/logging.ts'
import { openDatabase } from '../../../src/database/connection.ts'
import { eachDatabase, patient, type TestDatabase } from '../../support/database.ts'

const silent = createLogger({ level: 'silent' })
const put = async (database: Pick<TestDatabase, 'db' | 'crypto'>, ...messages: OutboxMessage[]): Promise<boolean[]> =>
  await database.db.transaction().execute(async (trx) => {
    const stored: boolean[] = []
    for (const message of messages) stored.push(await enqueue(trx, database, message))
    return stored
  })
const worker = (
  database: Pick<TestDatabase, 'db' | 'crypto'>,
  handlers: Record<string, OutboxHandler>,
  options = {}
): ReturnType<typeof createOutboxWorker> => createOutboxWorker({ ...database, log: silent, handlers }, options)
const rows = async ({
  db
}: TestDatabase): Promise<
  Array<{
    topic: string
    attempts: number
    done: boolean
    dead: boolean
    payloadEnc: string
    lastError: string | null
    runAt: number
  }>
> =>
  (
    await sql<never>`select topic, attempts, done_at is not null as done, dead_at is not null as dead, payload_enc,
      last_error, extract(epoch from run_at)::float8 as run_at from outbox order by id`.execute(db)
  ).rows
/** Seconds. */
const databaseTime = async ({ db }: TestDatabase): Promise<number> =>
  (await sql<{ at: number }>`select extract(epoch from clock_timestamp())::float8 as at`.execute(db)).rows[0]?.at ??
  NaN
/** The database's time moves on: leases and waits pass. */
const later = async ({ db }: TestDatabase): Promise<void> => {
  await sql`update outbox set run_at = run_at - interval '1 day'`.execute(db)
}

t.test('waits grow, with chance, to a bound', async (t) => {
  t.same(
    [1, 2, 3, 4, 5, 6, 7].map((attempt) => backoffSeconds(attempt, 1)),
    [2, 6, 18, 54, 162, 300, 300]
  )
  t.equal(backoffSeconds(3, 0), 9)
})

eachDatabase(t, 'delivered once, in order, with its payload; then erased', async (t, database) => {
  const seen: Array<[Record<string, unknown>, OutboxMeta]> = []
  await put(
    database,
    { topic: 'sms', payload: { phone: '+8613800138000', code: '123456' }, dedupeKey: 'm1' },
    { topic: 'sms', payload: { n: 2 } }
  )
  t.notMatch(JSON.stringify(await rows(database)), /13800138000|123456/, 'stored encrypted')
  const outbox = worker(database, {
    sms: async (payload, meta) => {
      seen.push([payload, meta])
    }
  })
  t.equal(await outbox.runDue(), 2)
  t.equal(await outbox.runDue(), 0)
  t.same(
    seen.map(([payload]) => payload),
    [{ phone: '+8613800138000', code: '123456' }, { n: 2 }]
  )
  t.match(seen[0]?.[1], { messageId: 'm1', attempt: 1, createdAt: Date })
  t.match(await rows(database), [{ done: true, payloadEnc: '', attempts: 1 }, { done: true }])
})

eachDatabase(t, 'no commit, no message', async (t, database) => {
  await t.rejects(
    database.db.transaction().execute(async (trx) => {
      await enqueue(trx, database, { topic: 'sms', payload: {} })
      throw new Error('rolled back')
    })
  )
  t.equal(
    await worker(database, {
      sms: async () => {
        t.fail('delivered')
      }
    }).runDue(),
    0
  )
})

eachDatabase(t, 'the same dedupe key is stored once, also after delivery', async (t, database) => {
  let count = 0
  const outbox = worker(database, {
    sms: async () => {
      count++
    }
  })
  t.same(
    await put(database, { topic: 'sms', dedupeKey: 'k', payload: {} }, { topic: 'sms', dedupeKey: 'k', payload: {} }),
    [true, false]
  )
  await outbox.runDue()
  t.same(await put(database, { topic: 'sms', dedupeKey: 'k', payload: {} }), [false])
  await outbox.runDue()
  t.equal(count, 1)
  t.equal(await sweepOutbox(database.db), 0, 'remembered for a week')
  await sql`update outbox set done_at = now() - interval '8 days'`.execute(database.db)
  t.equal(await sweepOutbox(database.db), 1)
})

eachDatabase(
  t,
  'what was given up is kept a month for sending again, and its contents no longer',
  async (t, database) => {
    await put(database, { topic: 'sms', payload: {} })
    await worker(database, {
      sms: async () => {
        throw new OutboxPermanentError('no such number')
      }
    }).runDue()
    await sql`update outbox set dead_at = now() - interval '29 days'`.execute(database.db)
    t.equal(await sweepOutbox(database.db), 0)
    await sql`update outbox set dead_at = now() - interval '31 days'`.execute(database.db)
    t.equal(await sweepOutbox(database.db), 1)
  }
)

eachDatabase(t, 'not before its time; topics without a handler here are left alone', async (t, database) => {
  await put(
    database,
    { topic: 'sms', payload: {}, runAt: new Date(Date.now() + 3600_000) },
    { topic: 'mail', payload: {} }
  )
  const outbox = worker(database, { sms: async () => {} })
  t.equal(await outbox.runDue(), 0)
  await later(database)
  t.equal(await outbox.runDue(), 1)
  t.match(await rows(database), [{ done: true }, { done: false, attempts: 0 }])
})

eachDatabase(t, 'a failure is tried again later, at last given up, and can be revived', async (t, database) => {
  await put(database, { topic: 'sms', payload: { n: 1 } })
  let broken = true
  let calls = 0
  const outbox = worker(
    database,
    {
      sms: async () => {
        calls++
        if (broken) throw new Error('phone +8613800138000 refused')
      }
    },
    { maxAttempts: 3 }
  )
  const before = await databaseTime(database)
  await outbox.runDue()
  const after = await databaseTime(database)
  const [first] = await rows(database)
  t.match(first, { attempts: 1, done: false, dead: false, lastError: 'Error: phone +[number] refused' })
  t.ok(first!.runAt >= before + 1 && first!.runAt <= after + 2, 'one second or two later')
  await sql`update outbox set run_at = run_at + interval '1 hour'`.execute(database.db)
  t.equal(await outbox.runDue(), 0, 'not at once')
  for (let i = 0; i < 4; i++) {
    await later(database)
    await outbox.runDue()
  }
  t.equal(calls, 3)
  t.match(await rows(database), [{ attempts: 3, dead: true, done: false }])
  broken = false
  t.equal(
    await resendDead(
      { db: database.db, audit: createAudit(database) },
      { actor: 'admin:a', reason: 'gateway is back', address: null, traceId: null },
      { topic: 'sms' }
    ),
    1
  )
  t.equal(await outbox.runDue(), 1)
  t.match(await rows(database), [{ done: true, dead: false }])
})

eachDatabase(t, 'a failure that cannot be helped is given up at once', async (t, database) => {
  await put(database, { topic: 'sms', payload: {} })
  await worker(database, {
    sms: async () => {
      throw new OutboxPermanentError('template unknown')
    }
  }).runDue()
  t.match(await rows(database), [{ attempts: 1, dead: true, lastError: 'OutboxPermanentError: template unknown' }])
})

eachDatabase(
  t,
  'a process killed in the middle: another one delivers, and the dead one changes nothing any more',
  async (t, database) => {
    await put(database, { topic: 'sms', dedupeKey: 'm', payload: { n: 1 } })
    let finish = (): void => {}
    let began = (): void => {}
    const beginning = new Promise<void>((resolve) => {
      began = resolve
    })
    const first = worker(database, {
      sms: async () => {
        began()
        await new Promise<void>((resolve) => {
          finish = resolve
        })
      }
    })
    const before = await databaseTime(database)
    const hanging = first.runDue()
    await beginning
    // no transaction is open meanwhile: everything else can work
    const delivered: OutboxMeta[] = []
    const second = worker(database, {
      sms: async (_payload, meta) => {
        delivered.push(meta)
        throw new Error('not yet')
      }
    })
    t.match((await rows(database))[0], { attempts: 1, done: false })
    t.ok((await rows(database))[0]!.runAt >= before + 30)
    await sql`update outbox set run_at = run_at + interval '1 hour'`.execute(database.db)
    t.equal(await second.runDue(), 0, 'leased')
    await later(database)
    t.equal(await second.runDue(), 1, 'the lease has passed')
    t.match(delivered, [{ messageId: 'm', attempt: 2 }])
    finish()
    await hanging
    t.match(
      await rows(database),
      [{ attempts: 2, done: false }],
      'the late success of the first does not count as one of the second'
    )
  }
)

eachDatabase(t, 'a message that kills every process that touches it is given up', async (t, database) => {
  await put(database, { topic: 'sms', payload: {} })
  await sql`update outbox set attempts = 8, run_at = now() - interval '1 second'`.execute(database.db)
  const outbox = worker(database, {
    sms: async () => {
      t.fail('tried again')
    }
  })
  t.equal(await outbox.runDue(), 0)
  outbox.start()
  while (!(await rows(database))[0]!.dead) await new Promise((resolve) => setImmediate(resolve))
  await outbox.drain()
  t.match(await rows(database), [{ dead: true, lastError: 'abandoned' }])
})

eachDatabase(t, 'an attempt that never ends is ended', async (t, database) => {
  await put(database, { topic: 'sms', payload: {} })
  let aborted = false
  // the timer of an abort signal alone does not keep a process alive
  const alive = setInterval(() => {}, 1000)
  await worker(
    database,
    {
      sms: async (_payload, { signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true
        })
        await new Promise(() => {})
      }
    },
    { leaseSeconds: 0.05 }
  ).runDue()
  clearInterval(alive)
  t.ok(aborted)
  t.match(await rows(database), [{ done: false, lastError: /too long/ }])
})

eachDatabase(t, 'many workers at once deliver each message once', async (t, database) => {
  const others =
    database.url === null
      ? []
      : await Promise.all(
        [1, 2].map(
          async () => await openDatabase({ databaseUrl: database.url, dataDir: '', poolSize: 3, timeouts: patient })
        )
      )
  t.teardown(async () => {
    await Promise.all(
      others.map(async (other) => {
        await other.close()
      })
    )
  })
  const count = new Map<unknown, number>()
  const handlers = {
    sms: async ({ n }: Record<string, unknown>) => {
      count.set(n, (count.get(n) ?? 0) + 1)
    }
  }
  await put(database, ...Array.from({ length: 60 }, (_, n) => ({ topic: 'sms', payload: { n } })))
  await Promise.all(
    [database, ...others.map(({ db }) => ({ db, crypto: database.crypto }))]
      .flatMap((one) => [worker(one, handlers), worker(one, handlers)])
      .map(async (one) => await one.runDue())
  )
  t.equal(count.size, 60)
  t.ok([...count.values()].every((times) => times === 1))
  t.ok((await rows(database)).every((row) => row.done && row.attempts === 1))
})

eachDatabase(t, 'a topic that hangs does not hold up another', async (t, database) => {
  await put(database, ...Array.from({ length: 9 }, () => ({ topic: 'logout', payload: {} })), {
    topic: 'sms',
    payload: {}
  })
  let release = (): void => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  let most = 0
  let current = 0
  let arrived = (): void => {}
  const sent = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const outbox = worker(
    database,
    {
      logout: async () => {
        most = Math.max(most, ++current)
        await gate
        current--
      },
      sms: async () => {
        arrived()
      }
    },
    { concurrency: 3 }
  )
  outbox.start()
  await sent
  t.equal(current, 3, 'all that it may, still hanging')
  release()
  while ((await rows(database)).some((row) => !row.done)) await new Promise((resolve) => setImmediate(resolve))
  t.equal(most, 3)
  await outbox.drain()
})

eachDatabase(t, 'what this process stores is delivered at once, not at the next look', async (t, database) => {
  let arrived = (): void => {}
  const pollMs = 60_000
  const outbox = worker(
    database,
    {
      sms: async () => {
        arrived()
      }
    },
    { pollMs }
  )
  const sent = async (): Promise<void> => {
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    await put(database, { topic: 'sms', payload: {} })
    outbox.start()
    await arrival
  }
  // by the look that a start begins with
  await sent()
  // the wake-up does not wait for a commit that takes a busy machine long: then it comes with the next look, once
  let [atOnce, tries] = [false, 0]
  while (!atOnce && tries++ < 5) {
    const start = performance.now()
    await sent()
    atOnce = performance.now() - start < pollMs / 2
  }
  t.ok(atOnce)
  await outbox.drain()
})

eachDatabase(t, 'draining waits for what is in hand and takes nothing more', async (t, database) => {
  await put(database, { topic: 'sms', payload: { n: 1 } })
  let finish = (): void => {}
  let began = (): void => {}
  const beginning = new Promise<void>((resolve) => {
    began = resolve
  })
  const outbox = worker(database, {
    sms: async () => {
      began()
      await new Promise<void>((resolve) => {
        finish = resolve
      })
    }
  })
  outbox.start()
  await beginning
  const draining = outbox.drain()
  await put(database, { topic: 'sms', payload: { n: 2 } })
  finish()
  await draining
  t.match(await rows(database), [{ done: true }, { done: false, attempts: 0 }])
})

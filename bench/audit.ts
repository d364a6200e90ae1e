/**
 * How fast audit events are recorded, sealed and verified, and that memory does not grow with their number.
 *
 *   node bench/audit.ts [--events 1000000]
 *
 * DATABASE_URL: a PostgreSQL server on which it gets a database of its own; without it a temporary one is started.
 */
import { parseArgs } from 'node:util'
import { randomBytes } from 'node:crypto'
import { migrate, openDatabase, createFieldCrypto } from '../src/database/index.ts'
import { createAudit, createAuditSealer, verifyChain } from '../src/records/audit/index.ts'
import { createLogger } from '../src/runtime/logging.ts'
import { patient } from '../test/support/database.ts'
import { openBenchDatabase } from './sides/database.ts'

const { values } = parseArgs({ options: { events: { type: 'string', default: '1000000' } } })
const events = Number(values.events)
if (!Number.isInteger(events) || events < 1) throw new Error('--events must be a number')

/** Megabytes of this process: at the first tenth of the work, and the most after it. */
let samples: number[] = []
function sample (): void {
  samples.push(process.memoryUsage.rss() / 1_048_576)
}

async function measure (what: string, work: (progress: (done: number) => void) => Promise<void>): Promise<void> {
  samples = []
  sample()
  const begun = performance.now()
  await work(() => {
    sample()
  })
  const seconds = (performance.now() - begun) / 1000
  const tenth = Math.max(1, Math.ceil(samples.length / 10))
  const [early, late] = [Math.max(...samples.slice(0, tenth)), Math.max(...samples.slice(tenth), 0)]
  console.log(
    `${what}: ${events} events in ${seconds.toFixed(1)} s, ${Math.round(events / seconds)} a second; ` +
      `memory ${Math.round(early)} MB in the first tenth, at most ${Math.round(late)} MB after it`
  )
}

const { url, close } = await openBenchDatabase(process.env['DATABASE_URL'])
const { db, close: disconnect } = await openDatabase({
  databaseUrl: url,
  dataDir: ':memory:',
  poolSize: 4,
  timeouts: patient
})
try {
  await migrate(db)
  const crypto = createFieldCrypto({ masterKey: randomBytes(32), keyId: 'bench', cipher: 'aes-256-gcm' })
  const audit = createAudit({ crypto })

  await measure('recorded', async (progress) => {
    for (let done = 0; done < events;) {
      const size = Math.min(1000, events - done)
      await Promise.all(
        Array.from({ length: size }, (_, n) =>
          audit.recordSingle(db, {
            type: 'login.succeeded',
            personId: `per_${done + n}`,
            clientId: 'tax',
            address: '192.0.2.7',
            traceId: `trace-${done + n}`,
            details: { method: 'password', level: 2 }
          })
        )
      )
      progress((done += size))
    }
  })
  const sealer = createAuditSealer({
    db,
    crypto,
    log: createLogger({ level: 'silent' }),
    metrics: {
      auditSealed: {
        inc: () => {
          sample()
        }
      },
      alarms: { raise () {}, end () {}, raised: () => [] }
    }
  })
  await measure('sealed', async () => {
    await sealer.sealAll()
  })
  await measure('verified', async (progress) => {
    const result = await verifyChain(db, crypto, { onProgress: progress })
    if (!result.ok || result.checked !== events) throw new Error(`not whole: ${JSON.stringify(result)}`)
  })
} finally {
  await disconnect()
  await close()
}

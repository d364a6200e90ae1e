import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Database } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import { inTransaction } from '../../database/transaction.ts'
import { chainHash, rowColumns, type AuditRow } from './canonical.ts'
import { checkpointMac, headMac, lockHead, type Checkpoint } from './head.ts'

const anyUnsealed = statement<[], { waiting: boolean }>(
  'audit_any_unsealed',
  'select exists (select 1 from audit_event where sequence is null) as waiting'
)
const unsealed = statement<[number], AuditRow>(
  'audit_unsealed',
  `select ${rowColumns} from audit_event where sequence is null order by id limit $1`
)
const seal = statement<[string], { id: number }>(
  'audit_seal',
  `update audit_event
  set sequence = sealed.sequence, previous_hash = sealed.previous_hash, hash = sealed.hash
  from jsonb_to_recordset($1::jsonb) as sealed (id bigint, sequence bigint, previous_hash text, hash text)
  where audit_event.id = sealed.id and audit_event.sequence is null
  returning audit_event.id`
)
const moveHead = statement<[number, string, string], never>(
  'audit_head_move',
  'update audit_head set sequence = $1, hash = $2, mac = $3'
)
const addCheckpoint = statement<[number, string, string], never>(
  'audit_checkpoint_add',
  `with added as (
    insert into audit_checkpoint (sequence, hash, mac) values ($1, $2, $3))
  update audit_head set checkpoint_sequence = $1, checkpoint_at = now()`
)

export interface SealedBatch {
  sealed: number
  /** Made once a minute and once in a thousand events, to be stored elsewhere. */
  checkpoint: Checkpoint | null
  /** Another process is sealing, so this one did nothing. */
  busy: boolean
}

/**
 * Numbers and chains committed events, oldest id first, at most `limit`. The sequence is the order of sealing: an id is
 * drawn before its transaction commits, so a lower one may come later.
 */
export async function sealBatch (
  db: Kysely<Database>,
  crypto: Pick<FieldCrypto, 'mac'>,
  { limit = 500 } = {}
): Promise<SealedBatch> {
  const [look] = await anyUnsealed(db)
  if (look?.waiting !== true) return { sealed: 0, checkpoint: null, busy: false }
  return await inTransaction(db, async (trx) => {
    const [head] = await lockHead(trx)
    if (head === undefined) return { sealed: 0, checkpoint: null, busy: true }
    const rows = await unsealed(trx, limit)
    if (rows.length === 0) return { sealed: 0, checkpoint: null, busy: false }

    let { sequence, hash } = head
    const links = rows.map((row) => {
      const previousHash = hash
      sequence += 1
      hash = chainHash(previousHash, sequence, row)
      return { id: row.id, sequence, previous_hash: previousHash, hash }
    })
    const done = await seal(trx, JSON.stringify(links))
    if (done.length !== links.length) throw new Error('audit: events changed while they were sealed')
    await moveHead(trx, sequence, hash, headMac(crypto, { ...head, sequence, hash }))

    if (head.checkpointSequence > 0 && head.checkpointAge < 60 && sequence - head.checkpointSequence < 1000) {
      return { sealed: links.length, checkpoint: null, busy: false }
    }
    const checkpoint = { sequence, hash, mac: checkpointMac(crypto, sequence, hash) }
    await addCheckpoint(trx, sequence, hash, checkpoint.mac)
    return { sealed: links.length, checkpoint, busy: false }
  })
}

export interface AuditSealer {
  /** Seals all waiting events now, then every `intervalMs`. */
  start(): void
  /** Seals waiting events a last time; if that fails, another process or the next start does it. */
  stop(): Promise<void>
  /** Seal until nothing waits. */
  sealAll(): Promise<number>
}

const sealMilliseconds = 1000
const sealBatchSize = 500

/** The worker; every process runs one, the head's row lock lets one of them work at a time. */
export function createAuditSealer (
  deps: {
    db: Kysely<Database>
    crypto: Pick<FieldCrypto, 'mac'>
    log: Logger
    metrics?: { auditSealed: { inc(count: number): void } }
  },
  { intervalMs = sealMilliseconds, limit = sealBatchSize } = {}
): AuditSealer {
  const { db, crypto, log, metrics } = deps
  let timer: NodeJS.Timeout | undefined
  let stopped = true
  let working: Promise<unknown> = Promise.resolve()

  const sealAll = async (): Promise<number> => {
    let total = 0
    for (;;) {
      const batch = await sealBatch(db, crypto, { limit })
      total += batch.sealed
      metrics?.auditSealed.inc(batch.sealed)
      if (batch.checkpoint !== null) log.info({ event: 'audit.checkpoint', ...batch.checkpoint }, 'audit checkpoint')
      if (batch.sealed < limit) return total
    }
  }
  const round = (): void => {
    working = sealAll()
      // rows simply wait for the next round
      .catch((error: unknown) => {
        log.warn({ err: error, component: 'audit-sealer' }, 'audit events could not be sealed')
      })
      .finally(() => {
        if (!stopped) timer = setTimeout(round, intervalMs)
      })
  }
  return {
    start () {
      if (!stopped) return
      stopped = false
      round()
    },
    async stop () {
      if (stopped) return
      stopped = true
      clearTimeout(timer)
      await working
      await sealAll().catch((error: unknown) => {
        log.warn({ err: error, component: 'audit-sealer' }, 'audit events could not be sealed')
      })
    },
    sealAll
  }
}

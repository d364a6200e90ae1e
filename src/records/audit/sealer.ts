import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Database } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Metrics } from '../../ports/metrics.ts'
import { chainHash, rowColumns, type AuditRow } from './canonical.ts'
import type { ChainFault } from './faults.ts'
import { checkpointMac, headMac, lockHead, waitForHead, type Checkpoint } from './head.ts'
import type { Audit } from './index.ts'
import { findEndFault, findWaitingFault, readState } from './inspect.ts'

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
const moveHead = statement<[number, string, string, string, string], never>(
  'audit_head_move',
  `with added as (insert into audit_checkpoint (sequence, hash, mac) values ($1, $2, $5))
  update audit_head set sequence = $1, hash = $2, mac = $3, without_id_until = $4::timestamptz,
    checkpoint_sequence = $1, checkpoint_at = now()`
)

export interface SealedBatch {
  sealed: number
  /** Of the last event that was sealed, to be stored elsewhere. */
  checkpoint: Checkpoint | null
  /** Another process is sealing, so this one did nothing. */
  busy: boolean
  /** The chain, or an event that waits, is not as Kora left it: nothing is sealed. */
  fault: ChainFault | null
}

const nothing: SealedBatch = { sealed: 0, checkpoint: null, busy: false, fault: null }

/**
 * Numbers and chains committed events, oldest id first, at most `limit`. The sequence is the order of sealing: an id is
 * drawn before its transaction commits, so a lower one may come later.
 *
 * Before that, the head is checked, with the row it names, and every event that is taken: a chain is never extended
 * over what somebody else did to it.
 */
export async function sealBatch (
  db: Kysely<Database>,
  crypto: Pick<FieldCrypto, 'mac' | 'verifyMac'>,
  { limit = 500 } = {}
): Promise<SealedBatch> {
  const [look] = await readState(db)
  const broken = findEndFault(crypto, look)
  if (broken !== null) return { ...nothing, fault: broken }
  if (look?.waiting !== true) return nothing
  return await inTransaction(db, async (trx) => {
    const [lock] = await lockHead(trx)
    if (lock === undefined) return { ...nothing, busy: true }
    // as it is now: another process may have sealed since
    const [state] = await readState(trx)
    const fault = findEndFault(crypto, state)
    if (fault !== null || state === undefined) return { ...nothing, fault }
    const rows = await unsealed(trx, limit)
    if (rows.length === 0) return nothing
    const forged = await findWaitingFault(trx, crypto, { rows, state })
    if (forged !== null) return { ...nothing, fault: forged }

    let { sequence, hash } = state
    const links = rows.map((row) => {
      const previousHash = hash
      sequence += 1
      hash = chainHash(previousHash, sequence, row)
      return { id: row.id, sequence, previous_hash: previousHash, hash }
    })
    const done = await seal(trx, JSON.stringify(links))
    if (done.length !== links.length) throw new Error('audit: events changed while they were sealed')
    const mac = headMac(crypto, { ...state, sequence, hash })
    const checkpoint = { sequence, hash, mac: checkpointMac(crypto, sequence, hash) }
    await moveHead(trx, sequence, hash, mac, state.nextWithoutIdUntil, checkpoint.mac)
    return { sealed: links.length, checkpoint, busy: false, fault: null }
  })
}

export interface AuditSealer {
  /** Seals all waiting events now, then every `intervalMs`. */
  start(): void
  /** Seals waiting events a last time; if that fails, another process or the next start does it. */
  stop(): Promise<void>
  /** Seals until nothing waits, or the chain turns out to be broken. */
  sealAll(): Promise<number>
}

const sealMilliseconds = 1000
const sealBatchSize = 500

interface SealerDeps {
  db: Kysely<Database>
  crypto: Pick<FieldCrypto, 'mac' | 'verifyMac'>
  log: Logger
  audit?: Audit
  metrics?: { auditSealed: { inc(count: number): void }; alarms: Metrics['alarms'] }
}

/** The worker; every process runs one, the head's row lock lets one of them work at a time. */
export function createAuditSealer (
  deps: SealerDeps,
  { intervalMs = sealMilliseconds, limit = sealBatchSize } = {}
): AuditSealer {
  const { db, crypto, log, metrics } = deps
  let timer: NodeJS.Timeout | undefined
  let stopped = true
  let working: Promise<unknown> = Promise.resolve()
  const alarm = createAlarm(deps)

  const sealAll = async (): Promise<number> => {
    let total = 0
    for (;;) {
      const batch = await sealBatch(db, crypto, { limit })
      total += batch.sealed
      metrics?.auditSealed.inc(batch.sealed)
      if (batch.checkpoint !== null) log.info({ event: 'audit.checkpoint', ...batch.checkpoint }, 'audit checkpoint')
      // a process that waited for another one learned nothing
      if (!batch.busy) await alarm(batch.fault)
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

const sameFault = (a: ChainFault | null, b: ChainFault | null): boolean =>
  a?.kind === b?.kind && a?.sequence === b?.sequence && a?.id === b?.id

const reported = statement<[string, string, string], { one: number }>(
  'audit_broken_reported',
  `select 1 as one from audit_event where type = 'audit.broken' and at > now() - interval '1 day'
    and details->>'kind' = $1 and details->>'sequence' = $2 and coalesce(details->>'id', '') = $3 limit 1`
)

/** Tells of a broken chain: log and metric of each process, one event of all of them for each cause and day. */
function createAlarm ({ db, log, audit, metrics }: SealerDeps): (fault: ChainFault | null) => Promise<void> {
  let known: ChainFault | null = null
  return async (fault) => {
    if (sameFault(fault, known)) return
    if (fault === null) {
      metrics?.alarms.end('audit_broken')
      log.info({ event: 'audit.mended' }, 'the audit chain is whole again: events are sealed')
      known = null
      return
    }
    metrics?.alarms.raise('audit_broken')
    log.error(
      { event: 'audit.broken', code: fault.kind, sequence: fault.sequence },
      'the audit chain is broken: nothing is sealed; run kora audit verify (docs/runbooks/broken-audit-trail.md)'
    )
    const { kind, sequence, id } = fault
    if (audit !== undefined) {
      await inTransaction(db, async (trx) => {
        await waitForHead(trx)
        if ((await reported(trx, kind, String(sequence), String(id ?? ''))).length > 0) return
        await audit.record(trx, { type: 'audit.broken', details: { kind, sequence, id } })
      })
    }
    known = fault
  }
}

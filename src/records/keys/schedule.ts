import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import { statement } from '../../database/statement.ts'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import { DomainError } from '../../domain/errors.ts'
import { keyTimes, signingAlgs, type SigningAlg } from '../../tokens/signing-keys.ts'
import type { PeriodicTask } from '../../ports/periodic-task.ts'
import type { Audit } from '../audit/index.ts'
import { publishNext, removeRetired, rotateNow, type KeyAct } from './lifecycle.ts'

export interface ScheduleServices {
  db: Kysely<Database>
  crypto: FieldCrypto
  audit: Audit
  log: Logger
  config: { keyRotationDays: number }
}

export interface ScheduledStep {
  step: 'published' | 'rotated' | 'removed'
  alg: string
  kid: string
}

const act = (reason: string): KeyAct => ({ actor: 'system', reason, address: null, traceId: null })

const missingSuccessor = statement<[], { alg: SigningAlg }>(
  'signing_key_without_successor',
  `
  select alg from signing_key active where state = 'active'
    and not exists (select 1 from signing_key next where next.alg = active.alg and next.state = 'pre-published')
      order by alg`
)

// the lock makes one of N processes rotate: the others skip it, and find a young key afterwards
const tooOld = statement<[string, number, number], { kid: string }>(
  'signing_key_too_old',
  `
  select kid from signing_key active where alg = $1 and state = 'active'
    and activated_at <= now() - make_interval(days => $2::int)
    and exists (select 1 from signing_key next where next.alg = active.alg and next.state = 'pre-published'
      and next.created_at <= now() - make_interval(secs => $3::float8))
  for update of active skip locked`
)

const removable = statement<[number], { kid: string; alg: string }>(
  'signing_key_removable',
  `
  select kid, alg from signing_key where state = 'retired' and retired_at <= now() - make_interval(secs => $1::float8)
    order by retired_at`
)

/**
 * One round: removes keys retired a day ago, rotates one that signed for too long, publishes a successor where there is
 * none. Any number of processes may run it at once; each step happens once. Returns what this one did.
 */
export async function runKeySchedule (deps: ScheduleServices): Promise<ScheduledStep[]> {
  const { db, config, log } = deps
  const done: ScheduledStep[] = []
  const did = (step: ScheduledStep): void => {
    done.push(step)
    log.info({ event: `signing-key.${step.step}`, kid: step.kid, alg: step.alg }, 'signing key schedule')
  }
  for (const { kid, alg } of await removable(db, keyTimes.retired)) {
    const claimed = await unlessOvertaken(
      inTransaction(db, async (trx) => {
        await removeRetired(trx, { keyServices: deps, act: act('schedule'), kid })
      })
    )
    if (claimed !== null) did({ step: 'removed', alg, kid })
  }
  for (const alg of signingAlgs) {
    const rotated = await unlessOvertaken(
      inTransaction(db, async (trx) => {
        const [old] = await tooOld(trx, alg, config.keyRotationDays, keyTimes.published)
        return old === undefined ? null : await rotateNow(trx, deps, act('schedule'), alg)
      })
    )
    if (rotated?.value != null) did({ step: 'rotated', alg, kid: rotated.value.active })
  }
  for (const { alg } of await missingSuccessor(db)) {
    const published = await unlessOvertaken(publishNext(deps, act('schedule'), alg))
    if (published !== null) did({ step: 'published', alg, kid: published.value })
  }
  return done
}

/** Null when another process or an operator took this step in between. */
async function unlessOvertaken<T> (work: Promise<T>): Promise<{ value: T } | null> {
  try {
    return { value: await work }
  } catch (error) {
    if (error instanceof DomainError) return null
    throw error
  }
}

/** The first round comes a while after the start: a starting process has more urgent work than making RSA keys. */
export const keySchedule = (deps: ScheduleServices): PeriodicTask => ({
  round: async () => {
    await runKeySchedule(deps)
    return false
  },
  failed: 'signing key schedule failed',
  firstMilliseconds: 300_000,
  pauseMilliseconds: 600_000
})

import { statement } from '../../database/statement.ts'

type Executor = Parameters<typeof insertRow>[0]

export const insertRow = statement<[string, string, string, Date | null], { id: number }>(
  'outbox_insert',
  `
  insert into outbox (topic, dedupe_key, payload_enc, run_at) values ($1, $2, $3, coalesce($4::timestamptz, now()))
  on conflict (dedupe_key) do nothing returning id`
)

/** Topics with something due. */
export const dueTopics = statement<[], { topic: string }>(
  'outbox_due_topics',
  'select distinct topic from outbox where done_at is null and dead_at is null and run_at <= now()'
)

export interface ClaimedRow {
  id: number
  topic: string
  dedupeKey: string
  payloadEnc: string
  attempts: number
  createdAt: Date
}

/**
 * Takes up to $2 due rows of a topic for $3 seconds: the lease is run_at itself, moved forward in the same statement.
 * If a process dies, its rows are due again when the lease has passed.
 */
export const claim = statement<[string, number, number, number], ClaimedRow>(
  'outbox_claim',
  `
  update outbox set attempts = attempts + 1, run_at = now() + make_interval(secs => $3)
  where id in (select id from outbox where topic = $1 and done_at is null and dead_at is null and run_at <= now()
    and attempts < $4::int
               order by run_at, id limit $2 for update skip locked)
  returning id, topic, dedupe_key, payload_enc, attempts, created_at`
)

// attempts is the fencing token: a process that lost the lease to another one changes nothing any more

export const markDone = statement<[number, number], { id: number }>(
  'outbox_done',
  `
  update outbox set done_at = now(), payload_enc = '', last_error = null
  where id = $1 and attempts = $2 and done_at is null and dead_at is null returning id`
)

/** Again in $3 seconds. */
export const markRetry = statement<[number, number, number, string], { id: number }>(
  'outbox_retry',
  `
  update outbox set run_at = now() + make_interval(secs => $3), last_error = $4
  where id = $1 and attempts = $2 and done_at is null and dead_at is null returning id`
)

export const markDead = statement<[number, number, string], { id: number }>(
  'outbox_dead',
  `
  update outbox set dead_at = now(), last_error = $3
  where id = $1 and attempts = $2 and done_at is null and dead_at is null returning id`
)

/** Rows whose last attempt ended with its process. */
export const buryAbandoned = statement<[number], ClaimedRow>(
  'outbox_bury',
  `
  update outbox set dead_at = now(), last_error = coalesce(last_error, 'abandoned')
  where id in (select id from outbox where done_at is null and dead_at is null and run_at <= now()
    and attempts >= $1::int for update skip locked)
  returning id, topic, dedupe_key, payload_enc, attempts, created_at`
)

/** Days that a delivered message is kept: so long its dedupe key refuses a second one. */
const deliveredDays = 7

/** Days in which what was given up can be sent again; its contents (a phone, a text) are not kept longer. */
const deadDays = 30

const sweep = statement<[number, number], { id: number }>(
  'outbox_sweep',
  `
  delete from outbox where id in (
    select id from outbox where done_at < now() - make_interval(days => $1)
      or dead_at < now() - make_interval(days => ${deadDays})
     order by id limit $2 for update skip locked) returning id`
)

/** Deletes delivered rows, and with them their dedupe keys, and dead letters after a month. Returns how many. */
export async function sweepOutbox (db: Executor, { days = deliveredDays, limit = 1000 } = {}): Promise<number> {
  return (await sweep(db, days, limit)).length
}

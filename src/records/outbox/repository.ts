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
  notTried: number
  untrusted: number
  /** Since it was stored, or sent again by staff. */
  ageSeconds: number
  createdAt: Date
}

const claimedColumns = `id, topic, dedupe_key, payload_enc, attempts, not_tried, untrusted,
  extract(epoch from now() - coalesce(resent_at, created_at))::float8 as age_seconds, created_at`

/** Seconds after which a message of a topic that ends by age is given up. */
export const oldestSeconds = 86_400

/**
 * Takes up to $2 due rows of a topic for $3 seconds, of those with fewer than $4 attempts: the lease is run_at
 * itself, moved forward in the same statement. If a process dies, its rows are due again when the lease has passed.
 */
export const claim = statement<[string, number, number, number | null], ClaimedRow>(
  'outbox_claim',
  `
  update outbox set attempts = attempts + 1, run_at = now() + make_interval(secs => $3)
  where id in (select id from outbox where topic = $1 and done_at is null and dead_at is null and run_at <= now()
    and ($4::int is null or attempts - not_tried < $4::int)
               order by run_at, id limit $2 for update skip locked)
  returning ${claimedColumns}`
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

/** Again in $3 seconds; nobody was asked, so this was no attempt. */
export const markNotTried = statement<[number, number, number, string], { id: number }>(
  'outbox_not_tried',
  `
  update outbox set run_at = now() + make_interval(secs => $3), last_error = $4, not_tried = not_tried + 1
  where id = $1 and attempts = $2 and done_at is null and dead_at is null returning id`
)

/** Again in $3 seconds; what answered was not the receiver, or cannot prove it. */
export const markUntrusted = statement<[number, number, number, string], { id: number }>(
  'outbox_untrusted',
  `
  update outbox set run_at = now() + make_interval(secs => $3), last_error = $4, untrusted = untrusted + 1
  where id = $1 and attempts = $2 and done_at is null and dead_at is null returning id`
)

/** Over before it could be delivered: nothing is left to do, and nothing was delivered. */
export const markExpired = statement<[number, number], { id: number }>(
  'outbox_expired',
  `
  update outbox set done_at = now(), payload_enc = '', last_error = 'expired'
  where id = $1 and attempts = $2 and done_at is null and dead_at is null returning id`
)

/** What nobody needs any more is not delivered. An attempt that is under way cannot be called back. */
export const markSuperseded = statement<[string[]], { id: number }>(
  'outbox_superseded',
  `
  update outbox set done_at = now(), payload_enc = '', last_error = 'superseded'
  where dedupe_key = any($1::text[]) and done_at is null and dead_at is null returning id`
)

export const markDead = statement<[number, number, string], { id: number }>(
  'outbox_dead',
  `
  update outbox set dead_at = now(), last_error = $3
  where id = $1 and attempts = $2 and done_at is null and dead_at is null returning id`
)

/** Rows whose last attempt ended with its process; those of the topics $2 end by age. */
export const buryAbandoned = statement<[number, string[]], ClaimedRow>(
  'outbox_bury',
  `
  update outbox set dead_at = now(), last_error = coalesce(last_error, 'abandoned')
  where id in (select id from outbox where done_at is null and dead_at is null and run_at <= now()
    and case when topic = any($2::text[]) then coalesce(resent_at, created_at) < now() - interval '2 days'
      else attempts - not_tried >= $1::int end for update skip locked)
  returning ${claimedColumns}`
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

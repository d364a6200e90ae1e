import { statement } from '../../database/statement.ts'

// Each statement is a transaction. Those that touch several rows lock them in the order of their keys, because
// otherwise two of them could deadlock.

interface Counter {
  key: string
  count: number
  secondsLeft: number
  blockedSeconds: number
}

const left = `extract(epoch from window_ends_at - now())::float8 as seconds_left,
  coalesce(extract(epoch from blocked_until - now()), 0)::float8 as blocked_seconds`

/**
 * Counts one try of ($1) before it is evaluated. The pause of $2 seconds starts with try number $3; at most one above
 * it is counted. Also returns the day's count of the identifier ($4).
 */
export const attemptPair = statement<
  [string, number, number, string],
  { count: number; secondsLeft: number; identifierCount: number }
>(
  'throttle_try_pair',
  `
  insert into throttle as pair (key, count, window_ends_at) values ($1, 1, now() + make_interval(secs => $2))
  on conflict (key) do update set
    count = case when pair.window_ends_at <= now() then 1 else least(pair.count, $3::int) + 1 end,
    window_ends_at = case when pair.window_ends_at <= now()
      or pair.count + 1 = $3::int then excluded.window_ends_at else pair.window_ends_at end
  returning count, extract(epoch from window_ends_at - now())::float8 as seconds_left,
    coalesce((select day.count from throttle day where day.key = $4
      and day.window_ends_at > now()), 0) as identifier_count`
)

/** Count one more of ($1) within $2 seconds, unless there are $3 already: no row = refused, not counted. */
export const incrementBelow = statement<[string, number, number], Counter>(
  'throttle_bump_below',
  `
  insert into throttle as own (key, count, window_ends_at) values ($1, 1, now() + make_interval(secs => $2))
  on conflict (key) do update set
    count = case when own.window_ends_at <= now() then 1 else own.count + 1 end,
    window_ends_at = case when own.window_ends_at <= now() then excluded.window_ends_at else own.window_ends_at end,
    blocked_until = case when own.window_ends_at <= now() then null else own.blocked_until end
  where own.window_ends_at <= now() or own.count < $3::int
  returning key, count, ${left}`
)

/** Counts one more of each key ($1) in its own window ($2, seconds). */
export const increment = statement<[string[], number[]], Counter>(
  'throttle_bump',
  `
  insert into throttle as own (key, count, window_ends_at)
  select item.key, 1, now() + make_interval(secs => item.seconds)
    from unnest($1::text[], $2::int[]) as item (key, seconds) order by item.key
  on conflict (key) do update set
    count = case when own.window_ends_at <= now() then 1 else own.count + 1 end,
    window_ends_at = case when own.window_ends_at <= now() then excluded.window_ends_at else own.window_ends_at end
  returning key, count, ${left}`
)

export const readCounter = statement<[string], Counter>(
  'throttle_read',
  `select key, count, ${left} from throttle where key = $1 and window_ends_at > now()`
)

/**
 * A success: the counters of $1 are deleted, those of $2 lose the one that this try added. $4, what the pair ($3) had
 * added to its source, is taken back by the statement that deletes the pair, so two successes at once take back one.
 */
export const forgetSuccess = statement<[string[], string[], string, string], never>(
  'throttle_forget_success',
  `
  with locked as materialized (select key from throttle where key = any($1::text[]) or key = any($2::text[])
    or key = $4 order by key for update),
  gone as (delete from throttle using locked where throttle.key = locked.key and locked.key = any($1::text[])
    returning throttle.key)
  update throttle set count = count - 1 from locked where throttle.key = locked.key and throttle.count > 0
    and (locked.key = any($2::text[]) or (locked.key = $4 and exists (select from gone where gone.key = $3)))`
)

/** One less of each. */
export const takeBack = statement<[string[]], never>(
  'throttle_take_back',
  `
  with locked as materialized (select key from throttle where key = any($1::text[]) order by key for update)
  update throttle set count = count - 1 from locked where throttle.key = locked.key and throttle.count > 0`
)

/** The source has failed with $2 identifiers: $3 seconds of pause from now, once. */
export const pauseSource = statement<[string, number, number], never>(
  'throttle_pause_source',
  `
  update throttle set blocked_until = now() + make_interval(secs => $3),
    window_ends_at = now() + make_interval(secs => $3)
  where key = $1 and count >= $2 and window_ends_at > now() and (blocked_until is null or blocked_until <= now())`
)

export const deleteCounters = statement<[string[]], never>(
  'throttle_delete',
  `
  with locked as materialized (select key from throttle where key = any($1::text[]) order by key for update)
  delete from throttle using locked where throttle.key = locked.key`
)

const sweep = statement<[number], { key: string }>(
  'throttle_sweep',
  `
  delete from throttle where key in (select key from throttle where window_ends_at <= now() and (blocked_until is null
    or blocked_until <= now()) order by window_ends_at limit $1 for update skip locked) returning key`
)

/** Deletes counters whose window and block have passed, at most `limit`. Returns how many. */
export async function sweepThrottle (db: Parameters<typeof sweep>[0], limit = 1000): Promise<number> {
  return (await sweep(db, limit)).length
}

/**
 * How much each client is used and what fails there. Requests only count in memory; every few seconds each process adds
 * its sums with one statement. The last seconds of a crashed process may be lost: nothing is decided by these numbers.
 */
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Logger } from 'pino'
import { createPeriodicFlush, type PeriodicFlush } from '../../database/periodic-flush.ts'
import { statement } from '../../database/statement.ts'
import { splitUri } from '../../domain/client/uri.ts'
import type { Db } from './repository.ts'

/** Different failures kept for one client; further ones are counted as errors only. */
const failuresPerClient = 50
const clientsInMemory = 2000

interface Tally {
  successes: number
  errors: number
  failures: Map<string, { code: string; address: string; count: number }>
}

// a client that was deleted meanwhile is left out by the join
const addUse = statement<[string], { n: number }>(
  'client use add',
  `
  with given as (select client_id, successes, errors
    from jsonb_to_recordset($1::jsonb) as g (client_id text, successes int, errors int)),
  added as (
    insert into client_use as u (client_id, day, successes, errors, last_used_at)
    select c.client_id, (now() at time zone 'UTC')::date, g.successes, g.errors, case
      when g.successes > 0 then now() end
    from given g join client c on c.client_id = g.client_id order by c.client_id
    on conflict (client_id, day) do update set successes = u.successes + excluded.successes,
      errors = u.errors + excluded.errors,
      last_used_at = coalesce(excluded.last_used_at, u.last_used_at)
    returning 1)
  select count(*)::int as n from added`
)
const addFailures = statement<[string, number], { n: number }>(
  'client failure add',
  `
  with given as (select client_id, code, address, count
    from jsonb_to_recordset($1::jsonb) as g (client_id text, code text, address text, count int)),
  added as (
    insert into client_failure as f (client_id, code, address, count)
    select g.client_id, g.code, g.address, g.count from given g join client c on c.client_id = g.client_id
    where exists (select 1 from client_failure k where k.client_id = g.client_id and k.code = g.code
      and k.address = g.address)
      or (select count(*) from client_failure k where k.client_id = g.client_id) < $2::int
    order by g.client_id, g.code, g.address
    on conflict (client_id, code, address) do update set count = f.count + excluded.count, last_at = now()
    returning 1)
  select count(*)::int as n from added`
)

/** Answers of people or of a waiting device: nothing is wrong with the client. */
const ordinary: ReadonlySet<string> = new Set([
  'access_denied',
  'login_required',
  'consent_required',
  'interaction_required',
  'account_selection_required',
  'unmet_authentication_requirements',
  'authorization_pending',
  'slow_down',
  'expired_token',
  'invalid_token',
  'insufficient_scope',
  'server_error',
  'temporarily_unavailable'
])

/**
 * An address of a failed request as it may be kept: no query, fragment or userinfo (they may hold codes or names), no
 * long numbers (they may be people's), nothing that is not printable.
 */
export function keptAddress (text: string): string {
  const parts = splitUri(text)
  const plain =
    parts === null
      ? (text.split(/[?#]/, 1)[0] ?? '')
      : `${parts.scheme}:${/^[^:/?#]+:\/\//.test(text) ? '//' : ''}${parts.host}${parts.port === '' ? '' : `:${parts.port}`}${parts.path}`
  return plain
    .replaceAll(/[^\x21-\x7e]/g, '')
    .replaceAll(/\d{6,}[Xx]?/g, '…')
    .slice(0, 200)
}

export interface ClientUsage extends PeriodicFlush {
  /** Counts the requests of this provider. Call once for each provider built. */
  observe(provider: Provider): void
}

export function createClientUsage ({
  db,
  log,
  intervalMs = 5_000
}: {
  db: Db
  log: Pick<Logger, 'warn'>
  intervalMs?: number
}): ClientUsage {
  let tallies = new Map<string, Tally>()

  const getTally = (ctx: KoaContextWithOIDC): Tally | undefined => {
    const id = ctx.oidc?.client?.clientId
    if (id === undefined) return undefined
    let tally = tallies.get(id)
    if (tally === undefined && tallies.size < clientsInMemory) {
      tallies.set(id, (tally = { successes: 0, errors: 0, failures: new Map() }))
    }
    return tally
  }
  const succeeded = (ctx: KoaContextWithOIDC): void => {
    const tally = getTally(ctx)
    if (tally !== undefined) tally.successes++
  }
  const failed = (ctx: KoaContextWithOIDC, problem: { error?: string; error_description?: string }): void => {
    const { error = 'invalid_request' } = problem
    if (ordinary.has(error)) return
    const tally = getTally(ctx)
    if (tally === undefined) return
    tally.errors++
    const params = (ctx.oidc.params ?? {}) as Record<string, unknown>
    const logout = ctx.oidc.route === 'end_session' && /post_logout_redirect_uri/.test(problem.error_description ?? '')
    const code = logout ? 'post_logout_redirect_uri' : error === 'invalid_redirect_uri' ? 'redirect_uri' : error
    const raw = params[code]
    const address = (code === 'redirect_uri' || logout) && typeof raw === 'string' ? keptAddress(raw) : ''
    const key = `${code} ${address}`
    const known = tally.failures.get(key)
    if (known !== undefined) known.count++
    else if (tally.failures.size < failuresPerClient) tally.failures.set(key, { code, address, count: 1 })
  }

  async function write (): Promise<void> {
    if (tallies.size === 0) return
    const taken = [...tallies]
    tallies = new Map()
    const failures = taken.flatMap(([clientId, tally]) =>
      [...tally.failures.values()].map(({ code, address, count }) => ({ client_id: clientId, code, address, count }))
    )
    try {
      await addUse(
        db,
        JSON.stringify(taken.map(([clientId, { successes, errors }]) => ({ client_id: clientId, successes, errors })))
      )
      if (failures.length > 0) await addFailures(db, JSON.stringify(failures), failuresPerClient)
    } catch (error) {
      log.warn({ err: error }, 'use of clients was not noted')
    }
  }

  return {
    observe (provider) {
      const on = provider.on.bind(provider) as (
        event: string,
        listener: (ctx: KoaContextWithOIDC, error: never) => void
      ) => void
      for (const event of ['authorization.success', 'grant.success']) on(event, succeeded)
      for (const event of [
        'authorization.error',
        'grant.error',
        'pushed_authorization_request.error',
        'end_session.error',
        'introspection.error',
        'revocation.error'
      ]) {
        on(event, failed)
      }
    },
    ...createPeriodicFlush(write, intervalMs)
  }
}

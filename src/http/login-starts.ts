/**
 * Flood guard: how many logins one address may start. Each costs rows in the database for a quarter of an hour, and
 * everybody may start one.
 *
 * Counted in this process and not in the database, because a refusal must cost less than a request. Only an answer that
 * started a login counts, so single sign-on is free at any rate; a code for a device counts too.
 */
import type { FastifyInstance } from 'fastify'
import type { HttpDeps } from './deps.ts'
import { PageError } from './page-error.ts'

/** Seconds of one window. */
const startWindowSeconds = 300

/** Addresses in memory; above it the oldest are dropped. */
const remembered = 20_000

interface Counter {
  count: number
  endsAt: number
}

/** @param paths of the endpoints that start logins. Call before the provider is mounted. */
export function registerLoginStarts (
  app: FastifyInstance,
  { config, clock, metrics }: Pick<HttpDeps, 'config' | 'clock' | 'metrics'>,
  paths: { authorization: string; device_authorization: string }
): void {
  const counters = new Map<string, Counter>()

  function findCounter (source: string): Counter {
    const now = clock.now()
    const known = counters.get(source)
    if (known !== undefined && known.endsAt > now) return known
    counters.delete(source)
    if (counters.size >= remembered) counters.delete(counters.keys().next().value as string)
    const counter = { count: 0, endsAt: now + startWindowSeconds * 1000 }
    counters.set(source, counter)
    return counter
  }

  app.addHook('onRequest', (request, reply, done) => {
    const path = (request.raw.url ?? '').split('?', 1)[0]
    if (path !== paths.authorization && path !== paths.device_authorization) {
      done()
      return
    }
    const { ip, prefix } = request.clientAddress
    // one subscriber of IPv6 has a whole network
    const counter = findCounter(ip.includes(':') ? prefix : ip)
    if (counter.count >= config.loginStartsPerAddress) {
      metrics.logins.inc({ outcome: 'throttled', method: 'start' })
      done(
        new PageError(429, 'too_many', {
          retryAfterSeconds: Math.max(1, Math.ceil((counter.endsAt - clock.now()) / 1000))
        })
      )
      return
    }
    reply.raw.once('finish', () => {
      const begun =
        path === paths.authorization
          ? String(reply.raw.getHeader('location') ?? '').startsWith('/i/')
          : reply.raw.statusCode === 200
      if (begun) counter.count++
    })
    done()
  })
}

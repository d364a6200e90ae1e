/**
 * The Host check: Kora answers under the issuer's name only (RFC 9110 §7.4, 421 Misdirected Request). Addresses in
 * answers never come from a request, and with this check neither caches nor other virtual hosts can be misled.
 */
import type { FastifyInstance } from 'fastify'
import type { Config } from '../ports/config.ts'

/** Called by supervisors and collectors, which address a process directly. */
const anyHost = new Set(['/healthz', '/readyz', '/metrics'])

/** Whether a Host header names the issuer: case does not matter, and the default port of the scheme may be written. */
function hostMatcher (issuer: string): (host: string | undefined) => boolean {
  const { host, protocol } = new URL(issuer)
  const standardPort = protocol === 'https:' ? ':443' : ':80'
  return (given) => {
    const name = given?.toLowerCase()
    return name === host || name === `${host}${standardPort}`
  }
}

/** RFC 9112 §3.2: a request with two of them has two meanings. Node.js takes the first, a proxy may take the other. */
function hosts ({ rawHeaders }: { rawHeaders: string[] }): number {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.length === 4 && rawHeaders[at]?.toLowerCase() === 'host') count++
  }
  return count
}

/** Call before everything that answers. X-Forwarded-Host is ignored: a proxy must pass Host on unchanged. */
export function registerHostCheck (app: FastifyInstance, { config }: { config: Pick<Config, 'issuer'> }): void {
  const matches = hostMatcher(config.issuer)
  const page =
    `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>421</title><p>请使用 <a href="${config.issuer}">${config.issuer}</a></p>` +
    '<p lang="en">This service answers under that address only (421). A proxy in front of it must pass the Host ' +
    'header on unchanged.</p></html>\n'
  app.addHook('onRequest', (request, reply, done) => {
    if (
      (matches(request.headers.host) && hosts(request.raw) === 1) ||
      anyHost.has((request.raw.url ?? '').split('?', 1)[0] ?? '')
    ) {
      done()
      return
    }
    reply
      .code(421)
      .headers({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff'
      })
      .send(page)
  })
}

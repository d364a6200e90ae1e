/**
 * Requests that a relying site's page posts. Authorization (OIDC Core §3.1.2.1) and logout (RP-Initiated Logout 1.0 §2)
 * accept POST like GET. Kora's cookies are SameSite=Lax, so a posted form of another site carries none, and the library
 * accepts such forms only with SameSite=None. A redirect makes the same request with GET instead (303, RFC 9110
 * §15.4.4): browsers send Lax cookies with it, and a form can do no more than a link.
 */
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Renderer } from '../http/rendering.ts'
import { routes } from './configuration.ts'
import { writePage } from './error-pages.ts'

/** Bytes of the longest address that proxies accept. Longer requests go to the PAR endpoint (RFC 9126). */
const postedLimit = 6000

const posted = new Set<string>([routes.authorization, routes.end_session])

/** To be called for each new provider, before middleware that reads methods and parameters. */
export function redirectPostedRequests (provider: Provider, renderer: Renderer): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    if (ctx.method !== 'POST' || !posted.has(ctx.path)) {
      await next()
      return
    }
    const refuse = (status: number, key: 'too_large' | 'bad_request', description: string): void => {
      ctx.set('connection', 'close')
      writePage(renderer, ctx, {
        name: 'error',
        model: {
          status,
          key,
          restartHref: null,
          back: null,
          retryAfterSeconds: null,
          developer: { error: 'invalid_request', description, received: [] }
        }
      })
      ctx.status = status
    }
    if (ctx.is('application/x-www-form-urlencoded') !== 'application/x-www-form-urlencoded') {
      refuse(415, 'bad_request', 'only application/x-www-form-urlencoded is read here')
      return
    }
    const body = await readBody(ctx)
    // parsed and serialized again, which makes a valid query of it
    const query = body === null ? '' : new URLSearchParams(body).toString()
    if (body === null || query.length > postedLimit) {
      refuse(413, 'too_large', 'push long requests to the pushed authorization request endpoint (RFC 9126)')
      return
    }
    ctx.set('cache-control', 'no-store')
    ctx.status = 303
    ctx.set('location', query === '' ? ctx.path : `${ctx.path}?${query}`)
    ctx.body = ''
  })
}

/** The body as text; null: it is longer than the limit and was not read to its end. */
async function readBody (ctx: KoaContextWithOIDC): Promise<string | null> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of ctx.req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += part.length
    if (size > postedLimit) return null
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

/**
 * Requests that a relying site's page posts: authorization (OpenID Connect Core 1.0 §3.1.2.1) and logout (RP-Initiated
 * Logout 1.0 §2) take POST as they take GET. Our cookies are SameSite=Lax, so a form of another site brings none, and
 * the library would ask for SameSite=None before it took such a form. The same request is asked for with GET instead
 * (303, RFC 9110 §15.4.4): browsers send Lax cookies with that, and a form can do nothing that a link cannot.
 */
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Renderer } from '../http/rendering.ts'
import { routes } from './configuration.ts'
import { writePage } from './error-pages.ts'

/** Bytes of an address that proxies and we ourselves take. What is longer goes to the PAR endpoint (RFC 9126). */
export const postedLimit = 6000

const posted = new Set<string>([routes.authorization, routes.end_session])

/** Must be called for each provider built, before whatever looks at methods and parameters. */
export function redirectPostedRequests (provider: Provider, renderer: Renderer): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    if (ctx.method !== 'POST' || !posted.has(ctx.path)) {
      await next()
      return
    }
    const refuse = (status: number, key: 'too_large' | 'bad_request', description: string): void => {
      ctx.set('connection', 'close')
      writePage(renderer, ctx, 'error', {
        status,
        key,
        restartHref: null,
        back: null,
        retryAfterSeconds: null,
        developer: { error: 'invalid_request', description, received: [] }
      })
      ctx.status = status
    }
    if (ctx.is('application/x-www-form-urlencoded') !== 'application/x-www-form-urlencoded') {
      refuse(415, 'bad_request', 'only application/x-www-form-urlencoded is read here')
      return
    }
    const body = await readBody(ctx)
    // written anew: whatever was in it, it is an address now
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

/** The body as text; null: longer than the limit, the rest is not read. */
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

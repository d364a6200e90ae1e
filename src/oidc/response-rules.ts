/**
 * What the provider's answers say beyond the library: caching, no framing, a discovery that lists only what is on, and
 * the page that posts an answer to a site (form_post) in the person's language, for browsers without script.
 */
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { chooseRequestLocale } from './error-pages.ts'
import { isFormPost, translateFormPost } from './overrides/translate-form-post.ts'
import { publicMaxAge } from '../tokens/signing-keys.ts'

/**
 * For every answer; pages set their own. The library adds the hash of the script of its form_post page to script-src.
 */
export const providerHeaders = Object.freeze({
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'same-origin',
  'x-frame-options': 'DENY'
})

/** Public documents: anybody may read and keep them. */
const open = new Set(['jwks', 'discovery'])

/** Must be called for each provider built, before it serves. */
export function applyResponseRules (provider: Provider, responseModes: readonly string[]): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    await next()
    const route = ctx.oidc?.route
    // before a client is known the library allows every origin to read the error
    if (ctx.method !== 'OPTIONS' && !open.has(route) && ctx.oidc?.client === undefined) {
      ctx.remove('access-control-allow-origin')
    }
    if (ctx.status === 200 && open.has(route)) ctx.set('cache-control', `public, max-age=${publicMaxAge}`)
    if (ctx.status < 500 && isFormPost(ctx.body)) {
      // with same-origin the site would see the Origin "null", which many refuse; no path leaves here either way
      ctx.set('referrer-policy', 'strict-origin')
      ctx.body = translateFormPost(ctx.body, chooseRequestLocale(ctx))
    }
    // the library lists what it could do; which modes a client may ask for is in its metadata
    if (route === 'discovery' && ctx.status === 200) {
      ;(ctx.body as { response_modes_supported: string[] }).response_modes_supported = [...responseModes]
    }
  })
}

/**
 * Rules for responses of the provider beyond the library's: caching, no framing, discovery with enabled features only,
 * and the form_post page in the person's language for browsers without JavaScript.
 */
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { chooseRequestLocale } from './error-pages.ts'
import { isFormPost, translateFormPost } from './overrides/translate-form-post.ts'
import { publicMaxAge } from '../tokens/signing-keys.ts'

/**
 * Headers of every response; pages replace them. The library adds the hash of the script of its form_post page to
 * script-src.
 */
export const providerHeaders = Object.freeze({
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'same-origin',
  'x-frame-options': 'DENY'
})

/** Public documents, which anybody may read and cache. */
const open = new Set(['jwks', 'discovery'])

/** To be called for each new provider, before it serves. */
export function applyResponseRules (provider: Provider, responseModes: readonly string[]): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    await next()
    const route = ctx.oidc?.route
    // while no client is known the library allows every origin to read the error
    if (ctx.method !== 'OPTIONS' && !open.has(route) && ctx.oidc?.client === undefined) {
      ctx.remove('access-control-allow-origin')
    }
    if (ctx.status === 200 && open.has(route)) ctx.set('cache-control', `public, max-age=${publicMaxAge}`)
    if (ctx.status < 500 && isFormPost(ctx.body)) {
      // with same-origin the site would get the Origin "null", which many sites refuse; neither one sends a path
      ctx.set('referrer-policy', 'strict-origin')
      ctx.body = translateFormPost(ctx.body, chooseRequestLocale(ctx))
    }
    // the library lists every mode that it has; the metadata of a client limits them to these
    if (route === 'discovery' && ctx.status === 200) {
      ;(ctx.body as { response_modes_supported: string[] }).response_modes_supported = [...responseModes]
    }
  })
}

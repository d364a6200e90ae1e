import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { wantsJson } from '../http/errors.ts'
import { translator } from '../http/locale.ts'
import type { Renderer } from '../http/rendering.ts'
import { routes } from './configuration.ts'
import { chooseRequestLocale, getTraceId, writePage } from './error-pages.ts'

const both = 'GET, HEAD, POST'
/** Methods of each endpoint for the header Allow (RFC 9110 §15.5.6). */
const methods: Record<string, string> = {
  [routes.authorization]: both,
  [routes.userinfo]: both,
  [routes.end_session]: both,
  [routes.jwks]: 'GET, HEAD',
  [routes.token]: 'POST',
  [routes.introspection]: 'POST',
  [routes.revocation]: 'POST',
  [routes.pushed_authorization_request]: 'POST',
  [routes.device_authorization]: 'POST',
  '/.well-known/openid-configuration': 'GET, HEAD',
  '/.well-known/oauth-authorization-server': 'GET, HEAD'
}

/**
 * Answers addresses below the provider's that are no endpoint, and methods that an endpoint does not accept, with a
 * page or problem+json (RFC 9457), where the library answers "Not Found". To be called for each new provider, before
 * all other middleware.
 */
export function answerUnknownAddresses (provider: Provider, renderer: Renderer): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    await next()
    if (ctx.body != null || (ctx.status !== 404 && ctx.status !== 405)) return
    const allow = methods[ctx.path]
    const [status, key] = allow === undefined ? ([404, 'not_found'] as const) : ([405, 'method'] as const)
    if (allow !== undefined) ctx.set('allow', allow)
    if (wantsJson({ url: ctx.url, headers: ctx.headers })) {
      ctx.body = JSON.stringify({
        type: 'about:blank',
        title: translator(chooseRequestLocale(ctx))(`error.${key}.title`),
        status,
        code: key,
        trace_id: getTraceId(ctx)
      })
      ctx.type = 'application/problem+json'
    } else {
      writePage(renderer, ctx, {
        name: 'error',
        model: {
          status,
          key,
          restartHref: null,
          back: null,
          retryAfterSeconds: null,
          developer: null
        }
      })
    }
    ctx.status = status
  })
}

/**
 * Pages of the provider's endpoints: errors that cannot be returned to a relying site and logout. They are written to
 * the Koa context with the renderer, headers and languages of every other page.
 */
import { errors, type ErrorOut, type KoaContextWithOIDC } from 'oidc-provider'
import type { ExpiredInteraction } from '../records/login-attempts/index.ts'
import { chooseLocale, type Locale } from '../http/locale.ts'
import { readCookie } from '../http/cookies.ts'
import type { ErrorKey } from '../http/page-error.ts'
import type { PageName, Pages } from '../http/pages.ts'
import type { Renderer } from '../http/rendering.ts'
import { isTrident } from '../http/user-agent.ts'

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

export function chooseRequestLocale (ctx: KoaContextWithOIDC): Locale {
  return chooseLocale({
    path: ctx.path,
    lang: text(ctx.query['lang']),
    uiLocales: text(ctx.oidc?.params?.['ui_locales']) ?? text(ctx.query['ui_locales']),
    cookie: readCookie(ctx.get('cookie'), 'kora_lang'),
    acceptLanguage: ctx.get('accept-language')
  })
}

/** Trace id of the request, which index.ts has put there. */
export const getTraceId = (ctx: KoaContextWithOIDC): string =>
  String((ctx.req as { koraTraceId?: string }).koraTraceId ?? '000000000000')

export function writePage<N extends PageName> (
  renderer: Renderer,
  ctx: KoaContextWithOIDC,
  { name, model }: { name: N; model: Pages[N] }
): void {
  const { html, headers } = renderer.pageHtml(name, model, {
    locale: chooseRequestLocale(ctx),
    size: readCookie(ctx.get('cookie'), 'kora_size') === 'l' ? 'l' : 'n',
    url: ctx.path,
    traceId: getTraceId(ctx),
    trident: isTrident(ctx.get('user-agent'))
  })
  ctx.set(headers)
  ctx.type = 'text/html; charset=utf-8'
  ctx.body = html
}

const keys: Record<string, ErrorKey> = {
  invalid_client: 'bad_client',
  invalid_redirect_uri: 'bad_redirect_uri',
  access_denied: 'forbidden',
  server_error: 'server',
  temporarily_unavailable: 'unavailable'
}

/** Parameters that help the developer of a site: received values are shown, registered ones never. */
const shown = ['client_id', 'redirect_uri', 'response_type', 'response_mode', 'scope', 'post_logout_redirect_uri']

/** The way to continue for a person whose interaction has expired; null: the request was no return from a login. */
export type FindExpiredInteraction = (ctx: KoaContextWithOIDC) => Promise<ExpiredInteraction | null>

export function createErrorPages (renderer: Renderer, findExpired: FindExpiredInteraction) {
  return async (ctx: KoaContextWithOIDC, out: ErrorOut, error: Error): Promise<void> => {
    const isExpired = error instanceof errors.SessionNotFound
    const expired = isExpired ? await findExpired(ctx) : null
    if (expired !== null && expired.restart !== null) {
      // the browser returned from the hosted login: it makes the same request again
      ctx.status = 303
      ctx.redirect(expired.restart)
      return
    }
    const params = (ctx.oidc?.params ?? ctx.query) as Record<string, unknown>
    const received = shown
      .filter((name) => typeof params[name] === 'string')
      .map((name) => ({ name, value: String(params[name]).slice(0, 512) }))
    const status = ctx.status >= 400 ? ctx.status : 400
    const retryAfterSeconds = status === 503 ? 5 : null
    if (retryAfterSeconds !== null) ctx.set('retry-after', String(retryAfterSeconds))
    writePage(renderer, ctx, {
      name: 'error',
      model: {
        status,
        key:
        expired !== null
          ? 'not_started'
          : isExpired
            ? 'expired'
            : status === 503
              ? 'unavailable'
              : (keys[out.error] ?? 'oauth'),
        restartHref: null,
        back: expired?.back ?? null,
        retryAfterSeconds,
        developer:
        isExpired || status === 503 ? null : { error: out.error, description: out.error_description ?? null, received }
      }
    })
    ctx.status = status
  }
}

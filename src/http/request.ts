/**
 * What handlers find on a request and a reply: language, text size, browser, address, CSRF, pages. Everything is
 * computed when first used, so token endpoints pay nothing for it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { HttpDeps } from './deps.ts'
import {
  browserCookieAttributes,
  browserCookieName,
  browserCookieSeconds,
  browserHash,
  newBrowserSecret,
  type BrowserIdentity
} from './browser.ts'
import { addressPrefix, clientAddressFinder, describeNetwork } from './client-address.ts'
import { makeCsrf, originAllowed, type CsrfVerdict } from './csrf.ts'
import { PageError } from './page-error.ts'
import { chooseLocale, localeCookieValue, matchLocale, translator, type Locale, type Translate } from './locale.ts'
import type { PageName, Pages } from './pages.ts'
import { encodeBody, type PageContext, type PageOptions, type Renderer, type TextSize } from './rendering.ts'
import { browserLabel, isTrident } from './user-agent.ts'

/** Coarse facts about where a request comes from. `ip` is for limits and the audit record only. */
export interface ClientAddress {
  ip: string
  prefix: string
  place: string
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Language of the answer. */
    readonly locale: Locale
    readonly t: Translate
    readonly textSize: TextSize
    /** Null until the browser has a cookie; `reply.ensureBrowser()` gives it one. */
    readonly browser: BrowserIdentity | null
    readonly clientAddress: ClientAddress
    /** 'Windows · Chrome'. */
    readonly browserLabel: string
    /** Languages that the relying site asked for (OIDC Core §3.1.2.1 ui_locales); call before rendering. */
    preferLocales(uiLocales: string | undefined): void
    /** Token for one form; needs a browser (call reply.ensureBrowser() first). */
    csrfToken(scope: string): string
    /** Verdict on a posted form, for handlers that keep what was typed and show the form again. */
    checkCsrf(scope: string): CsrfVerdict
    /** As checkCsrf, but ends with an error page (403, or 400 without cookie). */
    requireCsrf(scope: string): void
    readonly pageContext: PageContext
  }
  interface FastifyReply {
    page<N extends PageName>(name: N, model: Pages[N], options?: PageOptions): FastifyReply
    /** The browser's identity; sets the cookie when there is none. Only on interaction pages. */
    ensureBrowser(): BrowserIdentity
  }
  interface FastifyInstance {
    renderer: Renderer
  }
}

interface State {
  locale?: Locale
  uiLocales?: string | undefined
  browser?: BrowserIdentity | null
  address?: ClientAddress
}

const preferenceSeconds = 365 * 86400

/** The page that a form stands on: the address posted to, or the nearest one above it that can be read. */
function readPagePath ({ url, routeOptions, server }: FastifyRequest): string {
  const path = (url.split('?')[0] ?? '').split('/')
  const pattern = (routeOptions.url ?? '').split('/')
  for (let length = Math.min(path.length, pattern.length); length > 1; length--) {
    if (server.hasRoute({ method: 'GET', url: pattern.slice(0, length).join('/') })) {
      return path.slice(0, length).join('/')
    }
  }
  return '/'
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

export function decorateRequests (
  app: FastifyInstance,
  deps: Pick<HttpDeps, 'config' | 'crypto'>,
  renderer: Renderer
): void {
  const { config } = deps
  const secure = config.issuer.startsWith('https:')
  const cookieName = browserCookieName(config.issuer)
  const csrf = makeCsrf(...deps.crypto.secretKeys('csrf'))
  const findAddress = clientAddressFinder(config.trustedProxies)
  const states = new WeakMap<FastifyRequest, State>()
  const readState = (request: FastifyRequest): State => {
    let state = states.get(request)
    if (state !== undefined) return state
    state = {}
    states.set(request, state)
    return state
  }
  const query = (request: FastifyRequest): Record<string, unknown> => (request.query ?? {}) as Record<string, unknown>

  app.decorate('renderer', renderer)
  app.decorateRequest('locale', {
    getter (this: FastifyRequest) {
      const state = readState(this)
      state.locale ??= chooseLocale({
        path: this.url,
        lang: text(query(this)['lang']),
        uiLocales: state.uiLocales,
        cookie: this.cookies['kora_lang'],
        acceptLanguage: this.headers['accept-language']
      })
      return state.locale
    }
  })
  app.decorateRequest('t', {
    getter (this: FastifyRequest) {
      return translator(this.locale)
    }
  })
  app.decorateRequest('textSize', {
    getter (this: FastifyRequest): TextSize {
      const asked = query(this)['size'] ?? this.cookies['kora_size']
      return asked === 'l' ? 'l' : 'n'
    }
  })
  app.decorateRequest('browser', {
    getter (this: FastifyRequest) {
      const state = readState(this)
      if (state.browser === undefined) {
        const hash = browserHash(this.cookies[cookieName])
        state.browser = hash === null ? null : { hash, fresh: false }
      }
      return state.browser
    }
  })
  app.decorateRequest('clientAddress', {
    getter (this: FastifyRequest) {
      const state = readState(this)
      if (state.address === undefined) {
        const ip = findAddress(this.socket.remoteAddress, this.headers['x-forwarded-for'])
        state.address = { ip, prefix: addressPrefix(ip), place: describeNetwork(ip) }
      }
      return state.address
    }
  })
  app.decorateRequest('browserLabel', {
    getter (this: FastifyRequest) {
      return browserLabel(this.headers['user-agent'])
    }
  })
  app.decorateRequest('pageContext', {
    getter (this: FastifyRequest): PageContext {
      return {
        locale: this.locale,
        size: this.textSize,
        url: this.url,
        traceId: String(this.id),
        trident: isTrident(this.headers['user-agent'])
      }
    }
  })
  app.decorateRequest('preferLocales', function (this: FastifyRequest, uiLocales: string | undefined) {
    const state = readState(this)
    state.uiLocales = uiLocales
    delete state.locale
  })
  app.decorateRequest('csrfToken', function (this: FastifyRequest, scope: string) {
    if (this.browser === null) throw new Error('csrfToken needs reply.ensureBrowser() first')
    return csrf.token(this.browser.hash, scope)
  })
  app.decorateRequest('checkCsrf', function (this: FastifyRequest, scope: string): CsrfVerdict {
    if (!originAllowed(this.headers, config.issuer)) return 'bad_origin'
    if (this.browser === null) return 'no_cookie'
    const token = (this.body as Record<string, unknown> | undefined | null)?.['csrf']
    return csrf.matches(token, this.browser.hash, scope) ? 'ok' : 'bad_token'
  })
  app.decorateRequest('requireCsrf', function (this: FastifyRequest, scope: string): void {
    const verdict = this.checkCsrf(scope)
    if (verdict === 'ok') return
    const details = { restartHref: readPagePath(this) }
    throw verdict === 'no_cookie' ? new PageError(400, 'cookie', details) : new PageError(403, 'csrf', details)
  })

  app.decorateReply('ensureBrowser', function (this: FastifyReply): BrowserIdentity {
    const known = this.request.browser
    if (known !== null) return known
    const secret = newBrowserSecret()
    this.setCookie(cookieName, secret, {
      ...browserCookieAttributes(config.issuer),
      maxAge: browserCookieSeconds
    })
    const made = { hash: browserHash(secret) as string, fresh: true }
    readState(this.request).browser = made
    return made
  })
  app.decorateReply('page', function <
    N extends PageName
  >(this: FastifyReply, name: N, model: Pages[N], options: PageOptions = {}): FastifyReply {
    const { request } = this
    const lang = matchLocale(text(query(request)['lang']))
    const preference = { path: '/', sameSite: 'lax', secure, maxAge: preferenceSeconds, httpOnly: true } as const
    if (lang !== undefined) this.setCookie('kora_lang', localeCookieValue(lang, request.url), preference)
    const size = query(request)['size']
    if (size === 'l' || size === 'n') this.setCookie('kora_size', size, preference)
    const html = renderer.html(name, model, request.pageContext)
    const { body, encoding } = encodeBody(html, text(request.headers['accept-encoding']))
    this.headers(renderer.headers(name, options.kind))
      .header('content-language', request.locale)
      .header('vary', 'accept-encoding')
    if (encoding !== null) this.header('content-encoding', encoding)
    if (options.headers !== undefined) this.headers(options.headers)
    return this.code(options.status ?? 200).send(body)
  })
}

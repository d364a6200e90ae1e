/**
 * Pages: typed model in, compressed HTML out. Templates are compiled once at start-up; values are escaped by
 * default, and a missing value is an error instead of the word "undefined" on a citizen's screen.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { Eta } from 'eta/core'
import { showText } from '../domain/plain-text.ts'
import type { Config } from '../ports/config.ts'
import type { Assets } from './assets.ts'
import { pageHeaders, type HeaderSet, type PageKind } from './headers.ts'
import {
  adminTranslator,
  faultKey,
  faultText,
  locales,
  snakeCase,
  translator,
  type Locale,
  type Translate
} from './locale.ts'
import { isForStaff } from './messages.ts'
import type { PageName, Pages } from './pages.ts'
import { qrSvg } from './qr-svg.ts'
import { formatDate, formatMoment, formatTime, templateHelpers } from './template-helpers.ts'

export type TextSize = 'n' | 'l'

/** What every page needs to know about the request, besides its model. */
export interface PageContext {
  locale: Locale
  size: TextSize
  /** Path and query, for the links that change language and text size. */
  url: string
  /** 12 hexadecimal characters, as in the log and the audit record. */
  traceId: string
  /** User agent of the old engine of dual-engine browsers. */
  trident: boolean
}

export interface PageOptions {
  status?: number
  headers?: Record<string, string>
  /** Default: by the page's name (login, phone, device and logout are 'hosted'). */
  kind?: PageKind
}

export interface Renderer {
  html<N extends PageName>(name: N, model: Pages[N], context: PageContext): string
  headers(name: PageName, kind?: PageKind): HeaderSet
  /** For answers outside Fastify (logout and error pages of oidc-provider): body and headers, not compressed. */
  pageHtml<N extends PageName>(
    name: N,
    model: Pages[N],
    context: PageContext,
    options?: Pick<PageOptions, 'kind'>
  ): { html: string; headers: Record<string, string> }
  readonly assets: Assets
  /** Of all pages. */
  readonly names: readonly string[]
}

/** Where templates lie: a screen's beside its handler, layouts and partials under views/. */
const templateFolders = [new URL('../../views/', import.meta.url), new URL('../', import.meta.url)]

/** Templates that others include. */
const isPart = (name: string): boolean => /(?:^|\/)(?:layout$|partials\/|texts\/)/.test(name)

/** 'journeys/login/password.eta' is the page 'login/password'. */
const pageName = (file: string): string => file.replaceAll('\\', '/').replace(/^journeys\//, '').slice(0, -4)

const classifyPage = (name: string): PageKind =>
  /^(user-center|console|admin-api|help|developers|simulators)(\/|$)/.test(name) ? 'own' : 'hosted'

interface Spoken {
  zh: string
  bo: string
  en: string
}

/** What may change while pages are being served; texts by language, '' = nothing. */
export interface LiveSite {
  contact: Config['contact']
  brand: Spoken
  maintenance: Spoken
}

const nothing: Spoken = { zh: '', bo: '', en: '' }

export function createRenderer (
  config: Pick<Config, 'contact' | 'issuer' | 'sandbox'>,
  assets: Assets,
  live: () => LiveSite = () => ({ contact: config.contact, brand: nothing, maintenance: nothing })
): Renderer {
  const eta = new Eta({
    autoEscape: true,
    autoFilter: true,
    rmWhitespace: true,
    functionHeader: 'const { t, f, h } = it;',
    filterFunction: (value) => {
      if (value === undefined || value === null || typeof value === 'object' || typeof value === 'function') {
        throw new TypeError(`a template was given ${value === null ? 'null' : typeof value} to print`)
      }
      return String(value)
    }
  })
  // a row may be older than the rule
  const escape = eta.config.escapeFunction
  eta.configure({ escapeFunction: (value) => escape(showText(String(value))) })
  const loaded = new Set<string>()
  for (const folder of templateFolders) {
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.eta')) continue
      const name = pageName(file)
      if (loaded.has(name)) throw new Error(`two templates are called "${name}"`)
      loaded.add(name)
      eta.loadTemplate(`@${name}`, readFileSync(new URL(file, folder), 'utf8'))
    }
  }
  const names = [...loaded].filter((name) => !isPart(name))
  const sets = pageHeaders(config, assets)
  const languageNames = Object.fromEntries(locales.map((locale) => [locale, translator(locale)('lang.name')]))
  const site = {
    sandbox: config.sandbox,
    css: assets.css,
    script: assets.url('app.js'),
    locales,
    languageNames
  }

  const link = (url: string, set: Record<string, string>): string => {
    const target = new URL(url, 'http://localhost')
    for (const [name, value] of Object.entries(set)) target.searchParams.set(name, value)
    return target.pathname.replace(/^\/{2,}/, '/') + target.search
  }

  const html: Renderer['html'] = (name, model, context) => {
    const t = isForStaff(name)
      ? (adminTranslator(context.locale) as unknown as Translate)
      : translator(context.locale)
    const { contact, brand, maintenance } = live()
    const spoken = (texts: Spoken): { text: string; lang: Locale } => {
      const own = t.locale === 'zh-CN' ? '' : texts[t.locale]
      return own === '' ? { text: texts.zh, lang: 'zh-CN' } : { text: own, lang: t.locale }
    }
    const f = {
      ...site,
      ...context,
      contact,
      brand: spoken(brand),
      maintenance: spoken(maintenance),
      locale: t.locale,
      page: name,
      link: (set: Record<string, string>, self?: string) => link(self ?? context.url, set)
    }
    const h = {
      ...templateHelpers,
      asset: (name: string) => assets.url(name),
      date: (iso: string) => formatDate(iso, t),
      time: (iso: string) => formatTime(iso, context.locale),
      moment: (iso: string) => formatMoment(iso, t),
      fault: (error: Parameters<typeof faultText>[1]) => faultText(t, error),
      /** The hook of an error: what tests look at, in every language alike. */
      faultKey: (error: Parameters<typeof faultText>[1]) => faultKey(t, error),
      snakeCase,
      label: (group: 'claim' | 'subject' | 'cert_type', name: string) =>
        t.code([`${group}.${name}`], `${group}.other`),
      reason: (code: string) => t.code([`face.reason.${snakeCase(code)}`], 'face.reason.other'),
      qr: qrSvg
    }
    return eta.render(`@${name}`, { ...model, t, f, h })
  }
  const headers: Renderer['headers'] = (name, kind) => sets[kind ?? classifyPage(name)]
  return {
    html,
    headers,
    pageHtml: (name, model, context, options = {}) => ({
      html: html(name, model, context),
      headers: { ...headers(name, options.kind) }
    }),
    assets,
    names
  }
}

/**
 * Compressed body for what the browser accepts. Synchronous on purpose: 0.3 ms, and the thread pool is for password
 * hashes.
 */
export function encodeBody (
  html: string,
  acceptEncoding: string | undefined
): { body: Buffer | string; encoding: 'br' | 'gzip' | null } {
  const accepted = acceptEncoding ?? ''
  if (/\bbr\b(?!;q=0(?:\.0+)?(?:,|$))/.test(accepted)) {
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: 5,
      [constants.BROTLI_PARAM_SIZE_HINT]: html.length,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT
    }
    return { body: brotliCompressSync(html, { params }), encoding: 'br' }
  }
  if (/\bgzip\b(?!;q=0(?:\.0+)?(?:,|$))/.test(accepted)) {
    return { body: gzipSync(html, { level: 6 }), encoding: 'gzip' }
  }
  return { body: html, encoding: null }
}

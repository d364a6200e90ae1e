/**
 * Languages: which one a request gets, and the catalogue of messages.
 * Order: ?lang > ui_locales of the relying site > cookie > Accept-Language > zh-CN. A choice made inside a login
 * attempt stays for all of it: the cookie remembers for which attempt it was made and then beats ui_locales.
 */
import { defaultLocale, locales, matchLocale, type Locale } from '../domain/locale.ts'
import { catalogues, consoleCatalogues, type ConsoleMessageKey, type MessageKey } from './messages.ts'

export { catalogues, defaultLocale, locales, matchLocale, type Locale, type MessageKey }

export type Values = Record<string, string | number>

export interface Translate {
  /** Text of a message. Throws when the key or a placeholder's value is missing: a mistake of ours, found by tests. */
  (key: MessageKey, values?: Values): string
  /**
   * Text for a code that comes from elsewhere: the first key of the list that exists and can be filled, else
   * `fallback`.
   */
  code(keys: string[], fallback: MessageKey, values?: Values): string
  /** The key whose text `code` gives: what a page carries as a hook. */
  chooseKey(keys: string[], fallback: MessageKey, values?: Values): string
  readonly locale: Locale
}

const fill = (text: string, values: Values): string | null => {
  let complete = true
  const filled = text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) complete = false
    return String(value)
  })
  return complete ? filled : null
}

function makeTranslate (
  locale: Locale,
  more: Readonly<Partial<Record<Locale, Record<string, string>>>> = {}
): Translate {
  // a catalogue that lags behind shows Chinese for the missing message, never a key
  const find = (key: string): string | undefined =>
    more[locale]?.[key] ?? more[defaultLocale]?.[key] ?? catalogues[locale][key] ?? catalogues[defaultLocale][key]
  const t = (key: string, values: Values = {}): string => {
    const text = find(key)
    if (text === undefined) throw new Error(`no message "${key}"`)
    const filled = fill(text, values)
    if (filled === null) throw new Error(`message "${key}" misses a value`)
    return filled
  }
  const chooseKey = (keys: string[], fallback: MessageKey, values: Values = {}): string =>
    keys.find((key) => {
      const text = find(key)
      return text !== undefined && fill(text, values) !== null
    }) ?? fallback
  const code = (keys: string[], fallback: MessageKey, values: Values = {}): string =>
    t(chooseKey(keys, fallback, values), values)
  return Object.assign(t, { code, chooseKey, locale }) as Translate
}

const translates: Record<Locale, Translate> = {
  'zh-CN': makeTranslate('zh-CN'),
  bo: makeTranslate('bo'),
  en: makeTranslate('en')
}

export const translator = (locale: Locale): Translate => translates[locale]

export type AdminMessageKey = ConsoleMessageKey

export interface AdminTranslate {
  (key: AdminMessageKey, values?: Values): string
  code(keys: string[], fallback: AdminMessageKey, values?: Values): string
  chooseKey(keys: string[], fallback: AdminMessageKey, values?: Values): string
  readonly locale: Locale
}

const adminTranslates = {
  'zh-CN': makeTranslate('zh-CN', consoleCatalogues),
  en: makeTranslate('en', consoleCatalogues)
} as unknown as Record<'zh-CN' | 'en', AdminTranslate>

/** Chinese also for readers of Tibetan: the console is for staff. */
export const adminTranslator = (locale: Locale): AdminTranslate => adminTranslates[locale === 'en' ? 'en' : 'zh-CN']

/** 'validFrom' and 'LEGACY15' as they stand in message keys and form fields: 'valid_from', 'legacy15'. */
export const snakeCase = (name: string): string =>
  /[a-z]/.test(name) ? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name.toLowerCase()

interface Fault {
  field: string
  code: string
  details?: Values
}

/** Message of a field error: `fault.<field>.<code>`, `fault.<code>`, or the general sentence. */
export function faultKey (t: Translate, error: Fault): string {
  const code = snakeCase(error.code)
  return t.chooseKey([`fault.${snakeCase(error.field)}.${code}`, `fault.${code}`], 'fault.invalid', error.details ?? {})
}

export const faultText = (t: Translate, error: Fault): string =>
  t.code([faultKey(t, error)], 'fault.invalid', error.details ?? {})

/** The first of ours in an Accept-Language header (RFC 9110 §12.5.4), by weight. */
export function acceptedLocale (header: string | undefined): Locale | undefined {
  const wishes = (header ?? '')
    .slice(0, 500)
    .split(',')
    .map((part, at) => {
      const [tag = '', ...parameters] = part.split(';')
      const q = Number(parameters.map((item) => /^\s*q=([\d.]+)\s*$/.exec(item)?.[1]).find(Boolean) ?? 1)
      return { tag, at, q: Number.isFinite(q) ? q : 0 }
    })
  return wishes
    .filter((wish) => wish.q > 0)
    .sort((a, b) => b.q - a.q || a.at - b.at)
    .map((wish) => matchLocale(wish.tag))
    .find((locale) => locale !== undefined)
}

const readAttemptUid = (path: string): string => /^\/i\/([\w-]{1,64})(?:\/|$|\?)/.exec(path)?.[1] ?? ''

/** Value of the language cookie for a choice made on this path. */
export const localeCookieValue = (locale: Locale, path: string): string => {
  const attempt = readAttemptUid(path)
  return attempt === '' ? locale : `${locale}~${attempt}`
}

export interface LocaleSources {
  path: string
  lang: string | undefined
  uiLocales: string | undefined
  cookie: string | undefined
  acceptLanguage: string | undefined
}

/** Chooses; never throws, also for malformed input. */
export function chooseLocale (from: LocaleSources): Locale {
  const [remembered, attempt] = (from.cookie ?? '').split('~')
  const stored = locales.find((locale) => locale === remembered)
  const here = readAttemptUid(from.path)
  const chosenHere = here !== '' && attempt === here ? stored : undefined
  const asked = (from.uiLocales ?? '')
    .slice(0, 200)
    .split(' ')
    .map(matchLocale)
    .find((locale) => locale !== undefined)
  return (
    matchLocale(from.lang) ?? chosenHere ?? asked ?? stored ?? acceptedLocale(from.acceptLanguage) ?? defaultLocale
  )
}

/** Sentences by their keys, from the message files: for tests that are about what people read. */
import { adminTranslator, translator, type AdminMessageKey, type Locale, type Values } from '../../src/http/locale.ts'
import { catalogues, consoleCatalogues } from '../../src/http/messages.ts'

/** The text as it is shown, with all its values. Pages for staff come first when a key is in both catalogues. */
export const text = (key: AdminMessageKey, values: Values = {}, locale: Locale = 'zh-CN'): string =>
  key in consoleCatalogues[locale]
    ? adminTranslator(locale)(key, values)
    : translator(locale)(key as never, values)

const escaped = (part: string): string => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Source of the pattern of one text: values that are not given match anything. */
function source (key: AdminMessageKey, values: Values, locale: Locale): string {
  const texts = [catalogues[locale][key], consoleCatalogues[locale][key]].filter((one) => one !== undefined)
  if (texts.length === 0) throw new Error(`no message "${key}"`)
  const patterns = texts.map((one) =>
    one
      .replace(/\{(\w+)\}/g, (hole, name: string) => String(values[name] ?? hole))
      .split(/\{\w+\}/)
      .map(escaped)
      .join('.*?')
      // a page read as words has one space where tags were
      .replace(/\s+/g, '\\s+')
  )
  return patterns.length === 1 ? `${patterns[0]}` : `(?:${patterns.join('|')})`
}

/** Finds the text of a message in a page, as it stands or read with `words`. */
export const said = (key: AdminMessageKey, values: Values = {}, locale: Locale = 'zh-CN'): RegExp =>
  new RegExp(source(key, values, locale))

/** Finds these texts in this order, with anything between; names and other data as regular expressions. */
export const saidInOrder = (...parts: Array<AdminMessageKey | RegExp>): RegExp =>
  new RegExp(parts.map((part) => (part instanceof RegExp ? part.source : source(part, {}, 'zh-CN'))).join('[^]*'))

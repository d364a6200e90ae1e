/** The languages that people are spoken to in. */
export const locales = ['zh-CN', 'bo', 'en'] as const
export type Locale = (typeof locales)[number]
export const defaultLocale: Locale = 'zh-CN'

/** The locale for a language tag (BCP 47: exact, then by primary subtag), or undefined. */
export function matchLocale (tag: string | undefined): Locale | undefined {
  const wanted = (tag ?? '').trim().toLowerCase()
  if (wanted === '') return undefined
  return (
    locales.find((locale) => locale.toLowerCase() === wanted) ??
    locales.find((locale) => locale.split('-')[0] === wanted.split('-')[0])
  )
}

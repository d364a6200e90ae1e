/**
 * The texts of all pages. Each folder with screens keeps its own beside them, `messages.<locale>.json`, and declares
 * the keys in `message-keys.ts`; what all pages share lies in views/locales. Keys begin with the name of the page.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type bo from '../../views/locales/bo.json'
import type en from '../../views/locales/en.json'
import type zh from '../../views/locales/zh-CN.json'
import { defaultLocale, locales, type Locale } from '../domain/locale.ts'

type Texts<Keys extends PropertyKey> = Record<Keys, string>

/** The keys of a folder. A text that lacks in one of the languages, or that only one of them has, is a type error. */
export type InAllLanguages<
  Chinese extends Texts<keyof Tibetan | keyof English>,
  Tibetan extends Texts<keyof Chinese>,
  English extends Texts<keyof Chinese>
> = keyof Chinese

/** Keys by folder; each folder adds its own by declaration merging. */
export interface Messages {
  shared: InAllLanguages<typeof zh, typeof bo, typeof en>
}

export type MessageKey = Messages[keyof Messages]

export type Catalogues = Readonly<Record<Locale, Readonly<Record<string, string>>>>

const folders = [new URL('../../views/locales/', import.meta.url), new URL('../', import.meta.url)]

/** @throws Error a key stands in two files: one of them would never be shown */
function load (): Catalogues {
  const all: Record<Locale, Record<string, string>> = { 'zh-CN': {}, bo: {}, en: {} }
  for (const root of folders) {
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .map((name) => name.replaceAll('\\', '/'))
      .filter((name) => /(?:^|\/)(?:messages\.)?(?:zh-CN|bo|en)\.json$/.test(name))
      .sort()
    for (const file of files) {
      const locale = locales.find((one) => file.endsWith(`${one}.json`)) ?? defaultLocale
      const texts = JSON.parse(readFileSync(new URL(file, root), 'utf8')) as Record<string, string>
      for (const [key, text] of Object.entries(texts)) {
        if (key in all[locale]) throw new Error(`message "${key}" stands twice, at last in ${file}`)
        all[locale][key] = text
      }
    }
  }
  return all
}

export const catalogues: Catalogues = load()

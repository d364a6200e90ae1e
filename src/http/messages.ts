/**
 * The texts of all pages. Each folder with screens keeps its own beside them, `messages.<locale>.json`, and declares
 * the keys in `message-keys.ts`; texts of all pages are in views/locales. Keys begin with the name of the page. The
 * console and the pages of its API are for staff and have no Tibetan; their texts override those of all pages.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type bo from '../../views/locales/bo.json'
import type en from '../../views/locales/en.json'
import type zh from '../../views/locales/zh-CN.json'
import type { Locale } from '../domain/locale.ts'

type Texts<Keys extends PropertyKey> = Record<Keys, string>

/**
 * The keys of a folder. A text that is missing in one of the languages, or that only one of them has, is a type error.
 */
export type InAllLanguages<
  Chinese extends Texts<keyof Tibetan | keyof English>,
  Tibetan extends Texts<keyof Chinese>,
  English extends Texts<keyof Chinese>
> = keyof Chinese

export type InTwoLanguages<
  Chinese extends Texts<keyof English>,
  English extends Texts<keyof Chinese>
> = keyof Chinese

/** Keys by folder; each folder adds its own by declaration merging. */
export interface Messages {
  shared: InAllLanguages<typeof zh, typeof bo, typeof en>
}

/** Of pages for staff. */

export interface ConsoleMessages {}

export type MessageKey = Messages[keyof Messages]
export type ConsoleMessageKey = MessageKey | ConsoleMessages[keyof ConsoleMessages]

/** Whether a page or a folder of messages is for staff. */
export const isForStaff = (name: string): boolean => /^(?:console|admin-api)\//.test(name)

export type Catalogues = Readonly<Record<Locale, Readonly<Record<string, string>>>>

const folders = [new URL('../../views/locales/', import.meta.url), new URL('../', import.meta.url)]

/** @throws Error a key is in two files: one of them would never be shown */
function load (): { all: Catalogues; staff: Catalogues } {
  const all: Record<Locale, Record<string, string>> = { 'zh-CN': {}, bo: {}, en: {} }
  const staff: Record<Locale, Record<string, string>> = { 'zh-CN': {}, bo: {}, en: {} }
  for (const root of folders) {
    for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
      const name = file.replaceAll('\\', '/').replace(/^journeys\//, '')
      const locale = /(?:^|[/.]messages\.)(zh-CN|bo|en)\.json$/.exec(name)?.[1] as Locale | undefined
      if (locale === undefined) continue
      const catalogue = (isForStaff(name) ? staff : all)[locale]
      const texts = JSON.parse(readFileSync(new URL(file, root), 'utf8')) as Record<string, string>
      for (const [key, text] of Object.entries(texts)) {
        if (key in catalogue) throw new Error(`message "${key}" stands twice, at last in ${file}`)
        catalogue[key] = text
      }
    }
  }
  return { all, staff }
}

/** `catalogues`: of pages for everybody; `consoleCatalogues`: what overrides them on pages for staff. */
export const { all: catalogues, staff: consoleCatalogues } = load()

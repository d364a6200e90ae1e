/** The messages of the console, one file for each of its areas: views/admin/locales/<language>/<area>.json. */
import { readdirSync, readFileSync } from 'node:fs'
import type accounts from '../../views/admin/locales/zh-CN/accounts.json'
import type approvals from '../../views/admin/locales/zh-CN/approvals.json'
import type clientFields from '../../views/admin/locales/zh-CN/client-fields.json'
import type clients from '../../views/admin/locales/zh-CN/clients.json'
import type common from '../../views/admin/locales/zh-CN/common.json'
import type organizations from '../../views/admin/locales/zh-CN/organizations.json'
import type overview from '../../views/admin/locales/zh-CN/overview.json'
import type people from '../../views/admin/locales/zh-CN/people.json'
import type settings from '../../views/admin/locales/zh-CN/settings.json'

/** A new area is a file here and in each language. */
export type AdminKey = keyof (typeof accounts &
  typeof approvals &
  typeof clientFields &
  typeof clients &
  typeof common &
  typeof organizations &
  typeof overview &
  typeof people &
  typeof settings)

/** @throws Error a key stands in two files: one of them would never be shown */
function load (language: string): Record<string, string> {
  const folder = new URL(`../../views/admin/locales/${language}/`, import.meta.url)
  const all: Record<string, string> = {}
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()) {
    for (const [key, text] of Object.entries(
      JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Record<string, string>
    )) {
      if (key in all) throw new Error(`message "${key}" stands twice, at last in ${language}/${file}`)
      all[key] = text
    }
  }
  return all
}

export const adminCatalogues = { 'zh-CN': load('zh-CN'), en: load('en') } as const

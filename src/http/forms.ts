/** Reading posted forms: strings only, bounded, no duplicates unless a list is expected. */
import { PageError } from './page-error.ts'

const maxLength = 4096

/** One field; absent = ''. Duplicated, nested or oversized, or with NUL in it (which no column can hold) = 400. */
export function formField (body: unknown, name: string): string {
  const value = (body as Record<string, unknown> | null | undefined)?.[name]
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string' || value.length > maxLength || value.includes('\0')) {
    throw new PageError(400, 'bad_request')
  }
  return value
}

/** A repeated field (checkboxes): at most 50 values. */
export function formList (body: unknown, name: string): string[] {
  const value = (body as Record<string, unknown> | null | undefined)?.[name]
  const list = value === undefined ? [] : Array.isArray(value) ? value : [value]
  if (list.length > 50 || list.some((item) => typeof item !== 'string' || item.length > 200)) {
    throw new PageError(400, 'bad_request')
  }
  return list as string[]
}

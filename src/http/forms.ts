/** Reading posted forms: strings only, bounded, no duplicates unless a list is expected. */
import { cleanText } from '../domain/plain-text.ts'
import { PageError } from './page-error.ts'

const maxLength = 4096

/** What is compared with a hash stays as it was typed. */
const secret = /password|^secret$|^again$/

/**
 * One field, without signs that nobody sees (domain/plain-text.ts); absent = ''. Duplicated, nested or oversized, or
 * with NUL in it (which no column can hold) = 400.
 */
export function formField (body: unknown, name: string): string {
  const value = (body as Record<string, unknown> | null | undefined)?.[name]
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string' || value.length > maxLength || value.includes('\0')) {
    throw new PageError(400, 'bad_request')
  }
  return secret.test(name) ? value : cleanText(value)
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

/** Small pure functions that templates use for showing values. */
import { shanghaiDate } from '../ports/clock.ts'
import { snakeCase, type Locale, type Translate } from './locale.ts'

/** '2035-06-01' → 2035年6月1日 and its like. A plain date has no time zone; of a moment, the day in Asia/Shanghai. */
export function formatDate (iso: string, t: Translate): string {
  const at = iso.includes('T') ? new Date(iso).getTime() : NaN
  const plain = Number.isNaN(at) ? iso : shanghaiDate(at)
  const [, y, m, d] = /^(\d{4})-(\d{2})-(\d{2})/.exec(plain) ?? []
  if (y === undefined || m === undefined || d === undefined) return iso
  return t('format.date', t.locale === 'en' ? { y, m, d } : { y, m: Number(m), d: Number(d) })
}

const tags: Record<Locale, string> = { 'zh-CN': 'zh-CN', bo: 'en-GB', en: 'en-GB' }

/** Hour and minute in Asia/Shanghai; digits stay 0–9 in every language. */
export function formatTime (iso: string, locale: Locale): string {
  const at = new Date(iso)
  if (Number.isNaN(at.getTime())) return ''
  return new Intl.DateTimeFormat(tags[locale], {
    timeZone: 'Asia/Shanghai',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23'
  }).format(at)
}

/** Day and minute of something that happened. */
export const formatMoment = (iso: string, t: Translate): string => `${formatDate(iso, t)} ${formatTime(iso, t.locale)}`

// the end date is derived: what is wrong with it is corrected at the start date
const dateFields: Record<string, string> = {
  valid_to: 'valid_from',
  year: 'valid_from',
  month: 'valid_from',
  day: 'valid_from'
}
const noField = ['form', '']

export const templateHelpers = {
  /** Id of the input that a field's error links to; '' when the error is about the form as a whole. */
  anchor (field: string): string {
    const name = dateFields[snakeCase(field)] ?? snakeCase(field)
    return noField.includes(name) ? '' : name === 'valid_from' ? 'year' : name
  },
  /** 9f3c21ab77d0 → 9f3c 21ab 77d0: easier to read out on the telephone. */
  trace: (id: string): string => id.replace(/(.{4})(?=.)/g, '$1 '),
  /** Minutes and seconds of a number of seconds. */
  minutes: (seconds: number): { m: number; s: number } => ({
    m: Math.floor(seconds / 60),
    s: Math.floor(seconds % 60)
  }),
  /** Whole minutes, at least one. */
  wholeMinutes: (seconds: number): number => Math.max(1, Math.ceil(seconds / 60)),
  /** Errors by field, the first of each. */
  byField: <E extends { field: string }>(errors: E[]): Record<string, E> => {
    const first: Record<string, E> = Object.create(null)
    for (const error of errors) first[dateFields[snakeCase(error.field)] ?? snakeCase(error.field)] ??= error
    return first
  },
  /** Digits only, for tel: links. */
  tel: (text: string): string => text.replace(/[^\d+]/g, '')
}

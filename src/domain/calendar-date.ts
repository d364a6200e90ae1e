/**
 * Plain calendar dates as 'YYYY-MM-DD' text. Identity documents carry dates without a time zone,
 * so they are compared as text and never pass through an instant.
 */

const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

export interface DateParts {
  year: number
  month: number
  day: number
}

/** Gregorian leap year. */
export function isLeapYear (year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
}

/** The parts of a 'YYYY-MM-DD' text, or null when it is no date of the calendar. */
export function dateParts (text: string): DateParts | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (match === null) return null
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number]
  const length = month === 2 && isLeapYear(year) ? 29 : LENGTHS[month - 1]
  if (length === undefined || day < 1 || day > length) return null
  return { year, month, day }
}

/** Is this text a date of the calendar, written 'YYYY-MM-DD'? */
export function isCalendarDate (text: string): boolean {
  return dateParts(text) !== null
}

/** 'YYYY-MM-DD' from numbers; no check. */
export function formatDate (year: number, month: number, day: number): string {
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

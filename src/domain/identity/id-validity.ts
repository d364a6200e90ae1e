/**
 * Validity of identity cards: 居民身份证法 art. 5 gives the terms by age, GA 214.8-2004 the dates. The card
 * ends on the same month and day n years later (not one day before), and is valid through that day.
 */
import { dateParts, formatDate, isCalendarDate, isLeapYear } from '../calendar-date.ts'
import type { CertType } from './cert-type.ts'

/** 有效期限 in years, or 长期有效. */
export type Term = 5 | 10 | 20 | 'long'

const terms: readonly Term[] = [5, 10, 20, 'long']

/**
 * DATE not a date · FUTURE issued after today · BEFORE_BIRTH · BEFORE_2004 before second-generation cards ·
 * TERM no such term, or none given · TERM_MISMATCH not the term of that age · END_MISMATCH not start + term ·
 * END_BEFORE_START · EXPIRED
 */
export type ValidityFault =
  | 'DATE'
  | 'FUTURE'
  | 'BEFORE_BIRTH'
  | 'BEFORE_2004'
  | 'TERM'
  | 'TERM_MISMATCH'
  | 'END_MISMATCH'
  | 'END_BEFORE_START'
  | 'EXPIRED'

export interface ValidityIssue {
  field: 'validFrom' | 'term' | 'validTo'
  code: ValidityFault
}

export interface ValidityInput {
  /** 'YYYY-MM-DD' from the document number; null where the number does not contain it (passports). */
  birthdate: string | null
  validFrom: string
  /** null only for documents other than 居民身份证, whose end date is given instead. */
  term: Term | null
  /** End date typed by hand or sent by an app, if any; null for 长期. */
  validTo?: string | null | undefined
  /** 'YYYY-MM-DD' in Asia/Shanghai. */
  today: string
  certType: CertType
  /** Is a term that does not fit the age an error (default) or a warning? */
  strictTerm?: boolean | undefined
}

export type ValidityResult =
  | { ok: true; /** null: 长期 */ validTo: string | null; warnings: ValidityIssue[] }
  | { ok: false; errors: ValidityIssue[] }

/**
 * Same month and day `years` later; 29 February becomes 1 March where the year has none (GA 214.8-2004).
 * `date` is a valid 'YYYY-MM-DD'; anything else is a caller's fault (RangeError).
 */
export function addYears (date: string, years: number): string {
  const { year, month, day } = parts(date)
  const end = year + years
  return month === 2 && day === 29 && !isLeapYear(end) ? formatDate(end, 3, 1) : formatDate(end, month, day)
}

/** Age in whole years on a day. A person born on 29 February has the birthday on 1 March in other years. */
export function ageOn (birthdate: string, on: string): number {
  const day = parts(on)
  const birthday = addYears(birthdate, day.year - parts(birthdate).year)
  return day.year - parts(birthdate).year - (on < birthday ? 1 : 0)
}

/** Term of a 居民身份证 by the age on the day of issue: under 16, 16–25, 26–45, 46 and over. */
export function expectedTerm (birthdate: string, issue: string): Term {
  const age = ageOn(birthdate, issue)
  if (age < 16) return 5
  if (age < 26) return 10
  return age < 46 ? 20 : 'long'
}

/** Last valid day, or null for 长期. */
export function derivedEnd (start: string, term: Term): string | null {
  return term === 'long' ? null : addYears(start, term)
}

/** All rules at once, because a form shows every fault. Never throws on bad text from a form. */
export function checkValidity (input: ValidityInput): ValidityResult {
  const { birthdate, validFrom, today } = input
  if (!isCalendarDate(validFrom)) return { ok: false, errors: [{ field: 'validFrom', code: 'DATE' }] }
  const errors: ValidityIssue[] = []
  const warnings: ValidityIssue[] = []
  if (validFrom > today) errors.push({ field: 'validFrom', code: 'FUTURE' })
  const unborn = birthdate !== null && validFrom <= birthdate
  if (unborn) errors.push({ field: 'validFrom', code: 'BEFORE_BIRTH' })
  if (input.certType === 'resident_id') {
    if (validFrom < '2004-01-01') warnings.push({ field: 'validFrom', code: 'BEFORE_2004' })
    const misfit =
      birthdate !== null && !unborn && isTerm(input.term) && input.term !== expectedTerm(birthdate, validFrom)
    if (misfit) (input.strictTerm === false ? warnings : errors).push({ field: 'term', code: 'TERM_MISMATCH' })
  }
  const validTo = endDate(input, errors)
  if (validTo !== null && validTo < today) errors.push({ field: 'validTo', code: 'EXPIRED' })
  return errors.length > 0 ? { ok: false, errors } : { ok: true, validTo, warnings }
}

/** The end date that follows from the input; null for 长期 or when a fault was noted. */
function endDate (input: ValidityInput, errors: ValidityIssue[]): string | null {
  const { validFrom, term } = input
  const given = input.validTo === '' ? undefined : input.validTo
  const fault = (field: ValidityIssue['field'], code: ValidityFault): null => {
    errors.push({ field, code })
    return null
  }
  if (typeof given === 'string' && !isCalendarDate(given)) return fault('validTo', 'DATE')
  if (input.certType === 'resident_id') {
    if (!isTerm(term)) return fault('term', 'TERM')
    const end = derivedEnd(validFrom, term)
    return given === undefined || given === end ? end : fault('validTo', 'END_MISMATCH')
  }
  // Other documents have their end date printed; passports and travel permits often end one day before the round year.
  if (typeof given === 'string') return given > validFrom ? given : fault('validTo', 'END_BEFORE_START')
  if (isTerm(term)) return derivedEnd(validFrom, term)
  return given === null ? null : fault('term', 'TERM')
}

/** Is this one of the four terms? For values from outside. */
export function isTerm (term: unknown): term is Term {
  return (terms as readonly unknown[]).includes(term)
}

function parts (date: string) {
  const result = dateParts(date)
  if (result === null) throw new RangeError('not a calendar date')
  return result
}

/**
 * Numbers of the documents that share the structure of GB 11643: 居民身份证, 港澳台居民居住证, and
 * 外国人永久居留身份证 (18 digits since 2023-12-01; the older 15 characters stay valid until they expire).
 */
import { formatDate, isCalendarDate } from '../calendar-date.ts'
import { isAbsurdlyLong, normaliseNumber } from './number-text.ts'
import { isKnownCounty, isProvince } from './region-code.ts'

export type ResidentIdKind = 'resident_id' | 'hkm_residence' | 'tw_residence' | 'foreign_pr'
export type Gender = 'male' | 'female'

/**
 * FORMAT other characters than digits and a final X · LENGTH · LEGACY15 first-generation number ·
 * CHECK check character · REGION province · NATIONALITY · DATE no such birth date · FUTURE born after today
 */
export type ResidentIdFault = 'FORMAT' | 'LENGTH' | 'LEGACY15' | 'CHECK' | 'REGION' | 'NATIONALITY' | 'DATE' | 'FUTURE'

export interface ResidentId {
  ok: true
  /** Normal form: what is stored, compared and sent on (X in upper case). */
  value: string
  kind: ResidentIdKind
  /** 'YYYY-MM-DD'. In the 15-character residence number the century is not written: the latest possible one. */
  birthdate: string
  /** null for the 15-character residence number only, which does not contain it. */
  gender: Gender | null
  /** Six-digit code of first registration; for 外国人永久居留 the province or prefecture of issue, filled with zeros. */
  region: string
  /** False: the province is known but not the county. A reason for a check, never for a refusal. */
  regionKnown: boolean
  /** 外国人永久居留 only: ISO 3166-1 numeric (18 digits) or alpha-3 (15 characters). */
  nationality?: string
}

export interface ResidentIdRefusal {
  ok: false
  code: ResidentIdFault
  /** What may have been meant: offered to the person, never used instead of the input. */
  suggestion?: string
}

export type ResidentIdResult = ResidentId | ResidentIdRefusal

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]

/** Old enough for every record ever imported, and for the example in the standard itself (born 1880). */
const EARLIEST_BIRTH = '1850-01-01'

/** 港澳台居民居住证: three address codes of their own. 710000 was never issued. */
const RESIDENCE: Readonly<Record<string, ResidentIdKind>> = {
  810000: 'hkm_residence',
  820000: 'hkm_residence',
  830000: 'tw_residence'
}

/** NFKC, no blanks or hyphens, upper case. Idempotent, never throws. */
export function normaliseResidentId (input: string): string {
  return normaliseNumber(input)
}

/** Check character of the first 17 digits, ISO 7064 MOD 11-2 (GB 11643-1999). */
export function residentIdCheck (body: string): string {
  let sum = 0
  for (let i = 0; i < 17; i++) sum += Number(body[i]) * WEIGHTS[i]!
  return '10X98765432'[sum % 11]!
}

/**
 * Read a number as a person typed it. `today` is 'YYYY-MM-DD' in Asia/Shanghai; a birth date of today
 * is allowed. Never throws.
 */
export function parseResidentId (input: string, today: string): ResidentIdResult {
  if (isAbsurdlyLong(input)) return { ok: false, code: 'LENGTH' }
  const value = normaliseResidentId(input)
  if (/^[A-Z]{3}\d{12}$/.test(value)) return parseForeignPr15(value, today)
  if (/^\d{15}$/.test(value)) return withSuggestion('LEGACY15', upgradeLegacy15(value) ?? '', today)
  if (!/^\d*X?$/.test(value)) return withSuggestion('FORMAT', lookalikesToDigits(value), today)
  if (value.length !== 18) return { ok: false, code: 'LENGTH' }
  return parse18(value, today)
}

function parse18 (value: string, today: string): ResidentIdResult {
  if (residentIdCheck(value) !== value[17]) return { ok: false, code: 'CHECK' }
  const region = value.slice(0, 6)
  const foreign = value.startsWith('9')
  const kind = foreign ? 'foreign_pr' : (RESIDENCE[region] ?? 'resident_id')
  const province = foreign ? value.slice(1, 3) : region.slice(0, 2)
  if (kind !== 'hkm_residence' && kind !== 'tw_residence' && !isProvince(province)) {
    return { ok: false, code: 'REGION' }
  }
  // Codes of new and dissolved states occur on cards: only 000, which is nobody's, is refused.
  const nationality = value.slice(3, 6)
  if (foreign && nationality === '000') return { ok: false, code: 'NATIONALITY' }

  const birthdate = `${value.slice(6, 10)}-${value.slice(10, 12)}-${value.slice(12, 14)}`
  if (!isCalendarDate(birthdate) || birthdate < EARLIEST_BIRTH) return { ok: false, code: 'DATE' }
  if (birthdate > today) return { ok: false, code: 'FUTURE' }
  return {
    ok: true,
    value,
    kind,
    birthdate,
    gender: Number(value[16]) % 2 === 1 ? 'male' : 'female',
    region: foreign ? `${province}0000` : region,
    regionKnown: kind !== 'resident_id' || isKnownCounty(region),
    ...(foreign && { nationality })
  }
}

/**
 * 外国人永久居留证 of 2004 and 2017: nationality (alpha-3), region (4), YYMMDD, sequence (1) and the
 * 7-3-1 check digit of ICAO 9303 over the 14 characters before it.
 */
export function parseForeignPr15 (input: string, today: string): ResidentIdResult {
  if (isAbsurdlyLong(input)) return { ok: false, code: 'LENGTH' }
  const value = normaliseResidentId(input)
  if (value.length !== 15) return { ok: false, code: 'LENGTH' }
  if (!/^[A-Z]{3}\d{12}$/.test(value)) return { ok: false, code: 'FORMAT' }
  if (icaoCheck(value.slice(0, 14)) !== Number(value[14])) return { ok: false, code: 'CHECK' }
  if (!isProvince(value.slice(3, 5))) return { ok: false, code: 'REGION' }
  const birthdate = latestPast(value.slice(7, 13), today)
  if (birthdate === null) return { ok: false, code: 'DATE' }
  return {
    ok: true,
    value,
    kind: 'foreign_pr',
    birthdate,
    gender: null,
    region: `${value.slice(3, 7)}00`,
    regionKnown: true,
    nationality: value.slice(0, 3)
  }
}

/** ICAO 9303-3 §4.9: weights 7-3-1, A = 10 … Z = 35, modulo 10. */
function icaoCheck (text: string): number {
  let sum = 0
  for (let i = 0; i < text.length; i++) sum += Number.parseInt(text[i]!, 36) * [7, 3, 1][i % 3]!
  return sum % 10
}

/** The latest date not after today that ends in YYMMDD; null when no century has it. */
function latestPast (yymmdd: string, today: string): string | null {
  const [year, month, day] = [0, 2, 4].map((at) => Number(yymmdd.slice(at, at + 2))) as [number, number, number]
  for (const century of [2000, 1900]) {
    const date = formatDate(century + year, month, day)
    if (isCalendarDate(date) && date <= today) return date
  }
  return null
}

/**
 * The 18-digit form of a first-generation number (GB 11643-1989): '19' before the year, check character
 * appended. For matching imported records; at input the 15 digits are refused. Null when the text is
 * not 15 digits. The result is not checked further.
 */
export function upgradeLegacy15 (input: string): string | null {
  if (isAbsurdlyLong(input)) return null
  const value = normaliseResidentId(input)
  if (!/^\d{15}$/.test(value)) return null
  const body = `${value.slice(0, 6)}19${value.slice(6)}`
  return body + residentIdCheck(body)
}

function withSuggestion (code: ResidentIdFault, candidate: string, today: string): ResidentIdRefusal {
  const valid = /^\d{17}[\dX]$/.test(candidate) && parse18(candidate, today).ok
  return valid ? { ok: false, code, suggestion: candidate } : { ok: false, code }
}

/** Letters taken for digits, and the signs that stand in for a final X on phone keyboards. */
function lookalikesToDigits (value: string): string {
  return value
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1')
    .replace(/[*×ХχΧ]$/u, 'X')
}

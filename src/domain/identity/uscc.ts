/**
 * 统一社会信用代码, GB 32100-2015 with amendment 1 (2016): department, category, region (6), organization
 * code of GB 11714 (9, own check), check character.
 */
import { isAbsurdlyLong, normaliseNumber } from './number-text.ts'
import { isProvince } from './region-code.ts'

export type UsccFault = 'LENGTH' | 'CHARSET' | 'DEPT' | 'CATEGORY' | 'REGION' | 'ORG_CHECK' | 'CHECK'

export interface Uscc {
  ok: true
  value: string
  /** 登记管理部门, first character. */
  dept: string
  /** 机构类别, second character. */
  category: string
  /** 登记管理机关行政区划, six digits; 100000 for national registries. */
  region: string
  /** The first two characters: the kind of organization (91 企业, 92 个体工商户, 11 机关 …). */
  type: string
}

export interface UsccRefusal {
  ok: false
  code: UsccFault
  /** Where, counted from 1 as the standard does; absent when no single character is at fault. */
  position?: number
  /** A valid code that may have been meant: offered to the person, never used instead of the input. */
  suggestion?: string
}

export type UsccResult = Uscc | UsccRefusal

const CHARSET = '0123456789ABCDEFGHJKLMNPQRTUWXY'
const WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
const ORG_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2]

/** Categories of each department. */
const CATEGORIES: Readonly<Record<string, string>> = {
  1: '1239',
  2: '19',
  3: '123459',
  4: '19',
  5: '1239',
  6: '129',
  7: '129',
  8: '19',
  9: '123',
  A: '19',
  N: '1239',
  Y: '1'
}

/** The five letters the standard leaves out, and what they are usually mistaken for. */
const LOOKALIKES: Readonly<Record<string, string>> = { I: '1', O: '0', S: '5', Z: '2', V: 'U' }

/** NFKC, no blanks or hyphens, upper case. Idempotent, never throws. */
export function normaliseUscc (input: string): string {
  return normaliseNumber(input)
}

/** Check character over the first 17, MOD 31-3. The outer modulus matters: remainder 0 gives '0'. */
export function usccCheck (body: string): string {
  let sum = 0
  for (let i = 0; i < 17; i++) sum += CHARSET.indexOf(body[i]!) * WEIGHTS[i]!
  return CHARSET[(31 - (sum % 31)) % 31]!
}

/** Check character of an organization code over its first 8 characters, GB 11714. */
export function organizationCodeCheck (body: string): string {
  let sum = 0
  for (let i = 0; i < 8; i++) sum += Number.parseInt(body[i]!, 36) * ORG_WEIGHTS[i]!
  const check = 11 - (sum % 11)
  return check === 10 ? 'X' : check === 11 ? '0' : String(check)
}

/** Read a code as a person typed it. Never throws. */
export function parseUscc (input: string): UsccResult {
  if (isAbsurdlyLong(input)) return { ok: false, code: 'LENGTH' }
  const value = normaliseUscc(input)
  if ([...value].length !== 18) return { ok: false, code: 'LENGTH' }
  const bad = [...value].findIndex((character) => !CHARSET.includes(character))
  if (bad === -1) return parseCharset(value)

  const refusal: UsccRefusal = { ok: false, code: 'CHARSET', position: bad + 1 }
  const candidate = value.replace(/[IOSZV]/g, (letter) => LOOKALIKES[letter]!)
  const meant = /^[0-9A-Z]{18}$/.test(candidate) && parseCharset(candidate).ok
  return meant ? { ...refusal, suggestion: candidate } : refusal
}

function parseCharset (value: string): UsccResult {
  const dept = value[0]!
  const category = value[1]!
  const region = value.slice(2, 8)
  const categories = CATEGORIES[dept]
  if (categories === undefined) return { ok: false, code: 'DEPT', position: 1 }
  if (!categories.includes(category)) return { ok: false, code: 'CATEGORY', position: 2 }
  // Abolished counties stay in codes for good: the province decides, as for resident numbers.
  const regionOk = /^\d{6}$/.test(region) && (isProvince(region.slice(0, 2)) || region === '100000')
  if (!regionOk) return { ok: false, code: 'REGION', position: 3 }
  if (organizationCodeCheck(value.slice(8, 16)) !== value[16]) return { ok: false, code: 'ORG_CHECK' }
  if (usccCheck(value) !== value[17]) return { ok: false, code: 'CHECK' }
  return { ok: true, value, dept, category, region, type: dept + category }
}

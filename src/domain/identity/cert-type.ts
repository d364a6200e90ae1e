/**
 * 证件类型. There is no single national enumeration, so the values here are Kora's own, stored as text;
 * what other systems call them is a mapping. The default outward code is GA/T 517 常用证件代码.
 */
import { isAbsurdlyLong, normaliseNumber } from './number-text.ts'
import { parseResidentId } from './resident-id.ts'
import type { Gender, ResidentIdFault } from './resident-id.ts'

export const certTypes = [
  'resident_id',
  'hkm_residence',
  'tw_residence',
  'foreign_pr',
  'passport',
  'hkm_travel',
  'tw_travel',
  'military',
  'other'
] as const

export type CertType = (typeof certTypes)[number]

/** What a person may register with online; holders of all other documents go to a counter. */
export const onlineCertTypes: readonly CertType[] = ['resident_id']

/** Document type → GA/T 517. Both residence permits share 154 居住证. */
const OUTWARD: Readonly<Record<CertType, string>> = {
  resident_id: '111',
  hkm_residence: '154',
  tw_residence: '154',
  foreign_pr: '553',
  passport: '414',
  hkm_travel: '516',
  tw_travel: '511',
  military: '114',
  other: '990'
}

/** Is this one of our document types? For values from outside. */
export function isCertType (value: unknown): value is CertType {
  return (certTypes as readonly unknown[]).includes(value)
}

/** GA/T 517 code of a stored document type; what we do not know is 990 其他. */
export function certTypeCode (certType: string): string {
  return OUTWARD[isCertType(certType) ? certType : 'other']
}

/** FORMAT not the shape of that document · KIND a valid number of another document */
export type CertNoFault = ResidentIdFault | 'KIND'

export type CertNoResult =
  | { ok: true; value: string; birthdate: string | null; gender: Gender | null }
  | { ok: false; code: CertNoFault; suggestion?: string }

/** Printed passport and permit numbers have no public check digit: only the shape can be checked. */
const FORMATS: Readonly<
  Record<Exclude<CertType, 'resident_id' | 'hkm_residence' | 'tw_residence' | 'foreign_pr'>, RegExp>
> = {
  passport: /^[A-Z0-9]{5,17}$/,
  hkm_travel: /^[HM]\d{8}(?:\d{2})?$/,
  tw_travel: /^(?:\d{8}|\d{10}[A-Z])$/,
  military: /^[\p{Script=Han}A-Z0-9]{5,20}$/u,
  other: /^[\p{L}\p{N}()·]{4,40}$/u
}

/**
 * Reads a document number as a person typed it, for the chosen type. `today` is 'YYYY-MM-DD' in Asia/Shanghai. Birth
 * date and gender come from the number itself. Never throws.
 */
export function parseCertNo (certType: CertType, input: string, today: string): CertNoResult {
  if (isAbsurdlyLong(input)) return { ok: false, code: 'LENGTH' }
  switch (certType) {
    case 'resident_id':
    case 'hkm_residence':
    case 'tw_residence':
    case 'foreign_pr': {
      const result = parseResidentId(input, today)
      if (!result.ok) return result
      if (result.kind !== certType) return { ok: false, code: 'KIND' }
      return { ok: true, value: result.value, birthdate: result.birthdate, gender: result.gender }
    }
    default: {
      const value = normaliseNumber(input)
      return FORMATS[certType].test(value)
        ? { ok: true, value, birthdate: null, gender: null }
        : { ok: false, code: 'FORMAT' }
    }
  }
}

export interface IdentifiedDocument {
  certType: CertType
  certNo: string
  /** It is a valid number of the national scheme. */
  national: boolean
}

/** After every birth date that a number can hold. */
const whenever = '9999-12-31'

/**
 * The document that a number names: a valid 18-digit number of the national scheme (GB 11643) is one person's, whatever
 * type was written beside it.
 */
export function identifyDocument (certType: CertType, certNo: string): IdentifiedDocument {
  const read = parseResidentId(certNo, whenever)
  return read.ok && read.value.length === 18
    ? { certType: read.kind, certNo: read.value, national: true }
    : { certType, certNo, national: false }
}

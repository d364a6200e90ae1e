/**
 * Mobile numbers of the mainland. Only the shape is checked: new segments appear every year, so a table
 * of operators would refuse real users.
 */
import { isAbsurdlyLong } from './number-text.ts'

/** FORMAT other characters than digits · COUNTRY a number of another country · LENGTH · PREFIX no mobile segment */
export type PhoneFault = 'FORMAT' | 'COUNTRY' | 'LENGTH' | 'PREFIX'

export interface Phone {
  ok: true
  /** E.164, what is stored and released: '+8613800138000'. */
  value: string
  /** Eleven digits: '13800138000'. */
  national: string
}

export type PhoneResult = Phone | { ok: false; code: PhoneFault }

/** Read a number as a person typed it: full-width, grouped, with +86, 0086 or 86. Never throws. */
export function parsePhone (input: string): PhoneResult {
  if (isAbsurdlyLong(input)) return { ok: false, code: 'LENGTH' }
  const text = input.normalize('NFKC').replace(/[\s\p{Cf}\p{Pd}\u2212()]/gu, '')
  if (!/^\+?\d*$/.test(text)) return { ok: false, code: 'FORMAT' }
  if (/^\+(?!86)/.test(text) || /^00(?!86)/.test(text)) return { ok: false, code: 'COUNTRY' }
  const national = text.replace(text.length === 13 ? /^86/ : /^(?:\+|00)86/, '')
  if (national.length !== 11) return { ok: false, code: 'LENGTH' }
  if (!/^1[3-9]/.test(national)) return { ok: false, code: 'PREFIX' }
  return { ok: true, value: `+86${national}`, national }
}

/** '138 0013 8000' from E.164 or eleven digits; anything else is given back as it is. */
export function formatPhone (value: string): string {
  return value.replace(/^(?:\+86)?(1\d{2})(\d{4})(\d{4})$/, '$1 $2 $3')
}

/** What a person types as account at login: an ID number or a mainland mobile number, distinguished by form. */
import { parsePhone } from './phone-number.ts'
import { normaliseResidentId, parseResidentId } from './resident-id.ts'

export type AccountIdentifier = { kind: 'cert_no'; value: string; certType: string } | { kind: 'phone'; value: string }

export type ParsedAccount =
  { ok: true; identifier: AccountIdentifier } | { ok: false; code: string; suggestion?: string }

/** Errors speak of the spelling only, never of whether an account exists. `today`: YYYY-MM-DD. */
export function parseAccount (input: string, today: string): ParsedAccount {
  const text = normaliseResidentId(input)
  if (text === '') return { ok: false, code: 'required' }
  const phone = parsePhone(input)
  if (phone.ok) return { ok: true, identifier: { kind: 'phone', value: phone.value } }
  // eleven digits, or a country code in front: meant as a phone
  if (/^(?:\+|00|86)?\d{8,13}$/.test(text) && text.length !== 15) return { ok: false, code: 'phone' }
  const number = parseResidentId(input, today)
  if (number.ok) return { ok: true, identifier: { kind: 'cert_no', value: number.value, certType: number.kind } }
  return {
    ok: false,
    code: number.code,
    ...(number.suggestion === undefined ? {} : { suggestion: number.suggestion })
  }
}

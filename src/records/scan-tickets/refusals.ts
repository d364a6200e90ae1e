import { phoneStates } from '../../domain/login/scan-ticket.ts'
import { resolveState, type PhoneTicketRow } from './rows.ts'
import type { PhoneRefusal } from './types.ts'

/** Every refusal without further data. */
export type RefusalCode = Exclude<PhoneRefusal, { code: 'invalid_fields' }>['code']

export const refuse = (code: RefusalCode): { ok: false; code: RefusalCode } => ({ ok: false, code })

/** Rolls the transaction back and becomes the answer. */
export class Refused extends Error {
  readonly code: RefusalCode
  constructor (code: RefusalCode) {
    super(code)
    this.name = 'Refused'
    this.code = code
  }
}

/** Runs work that may throw Refused. */
export async function answered<T> (work: () => Promise<T>): Promise<T | { ok: false; code: RefusalCode }> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Refused) return refuse(error.code)
    throw error
  }
}

/** Why the phone that has this ticket cannot continue, or null when it can. */
export function whyNot (row: PhoneTicketRow | undefined): RefusalCode | null {
  if (row === undefined) return 'not_found'
  const state = resolveState(row)
  if (row.barred) return 'account_locked'
  if (phoneStates.includes(state)) return null
  if (state === 'expired' || state === 'superseded') return 'expired'
  if (state === 'failed' && row.failure === 'wrong_person') return 'wrong_person'
  if (state === 'failed' && row.failure === 'number_mismatch') return 'number_exhausted'
  return 'wrong_state'
}

/** Who uses the command line, and why: for the audit event of what a command does. */
import { userInfo } from 'node:os'
import type { Act } from '../domain/administration.ts'

/** Options of every command that changes something, for `parseArgs`. */
export const actOptions = { reason: { type: 'string' }, operator: { type: 'string' } } as const

export const actUsage = '--reason <why> [--operator <who, else the account of this machine>]'

/** Null: no reason was given. */
export function actOf (values: { reason?: string | undefined, operator?: string | undefined }): Act | null {
  const reason = values.reason?.trim() ?? ''
  if (reason === '') return null
  return { actor: `operator:${values.operator?.trim() || accountName()}`, reason, address: null, traceId: null }
}

function accountName (): string {
  try {
    return userInfo().username
  } catch {
    // a container may run as a number without a name
    return `uid-${process.getuid?.() ?? 'unknown'}`
  }
}

/** The operator and the reason, for the audit event of what a command does. */
import { userInfo } from 'node:os'
import { cleanLine } from '../domain/plain-text.ts'
import type { Act } from '../domain/administration/administration.ts'

/** Options of every command that changes something, for `parseArgs`. */
export const actOptions = { reason: { type: 'string' }, operator: { type: 'string' } } as const

export const actUsage = '--reason <why> [--operator <who, else the account of this machine>]'

/** Options of commands with acts that need approval (docs/clients.md). */
export const emergencyOptions = { emergency: { type: 'boolean' } } as const
export const emergencyUsage = '[--emergency: without approval, where no security administrator is left]'

/** The second person of an act that no console can decide: it is just being restored (docs/runbooks). */
export const agreedOptions = { 'agreed-by': { type: 'string' } } as const

/** '' = nobody was named. Null: the operator named themselves. */
export function readAgreedBy (values: { 'agreed-by'?: string | undefined }, act: Act): string | null {
  const name = cleanLine(values['agreed-by'] ?? '').trim()
  return name !== '' && act.actor === `operator:${name}` ? null : name
}

/** Null: no reason was given. */
export function readAct (values: { reason?: string | undefined; operator?: string | undefined }): Act | null {
  const reason = cleanLine(values.reason ?? '').trim()
  if (reason === '') return null
  return { actor: `operator:${cleanLine(values.operator ?? '').trim() || accountName()}`, reason, address: null, traceId: null }
}

function accountName (): string {
  try {
    return userInfo().username
  } catch {
    // a container may run as a number without a name
    return `uid-${process.getuid?.() ?? 'unknown'}`
  }
}

/**
 * What needs approval: the one table for console, admin API, command line, declared files and dynamic registration. A
 * kind is stored with its requests and named by the message `change.<kind>`.
 */
import type { AdminRole } from './administration.ts'
import type { AdminScope } from './admin-scopes.ts'
import { resourceServerReasons } from '../resource-server/dual-control.ts'
import { contentReasonNames } from './dual-control.ts'

export interface ApprovalRule {
  /** Roles that may approve; never the administrator who asked or endorsed. */
  approvers: readonly AdminRole[]
  /** What it covers. */
  covers: readonly string[]
  /** Scopes of the admin API with which a program may request it; none: only administrators may. */
  scopes: readonly AdminScope[]
}

export const approvalKinds = {
  'client.change': { approvers: ['security'], covers: contentReasonNames, scopes: ['kora.clients:write'] },
  'client.status': { approvers: ['security'], covers: ['goes_live'], scopes: ['kora.clients:write'] },
  'client.secret': { approvers: ['security'], covers: ['secret_changed'], scopes: ['kora.clients:write'] },
  'resource-server.change': {
    approvers: ['security'],
    covers: resourceServerReasons,
    scopes: ['kora.clients:write']
  },
  'keys.rotate': { approvers: ['security', 'system'], covers: ['signing_key'], scopes: ['kora.keys:write'] },
  'account.invite': { approvers: ['security'], covers: ['new_administrator'], scopes: [] },
  'account.reset': { approvers: ['security', 'system'], covers: ['administrator_credentials'], scopes: [] },
  'notice.send': { approvers: ['security', 'system'], covers: ['everybody'], scopes: [] },
  'people.reveal': { approvers: ['security'], covers: ['unmasking'], scopes: [] },
  'registrations.reveal': { approvers: ['security'], covers: ['unmasking'], scopes: [] },
  'settings.reveal': { approvers: ['security'], covers: ['unmasking_rule'], scopes: [] }
} as const satisfies Record<string, ApprovalRule>

export type ApprovalKind = keyof typeof approvalKinds

/**
 * Roles that may approve the reset of an account, by who asks for it. Nobody takes over an account of an exclusive role
 * without one of that role, because two of another role would act in its place; for audit, which decides nothing, it is
 * one of security. Where none is left: `kora admin bootstrap --force`.
 */
export function resetApprovers (account: AdminRole, asker: AdminRole): readonly AdminRole[] {
  const needed = account === 'audit' ? 'security' : account === 'counter' ? null : account
  return needed === null || asker === needed ? approvalKinds['account.reset'].approvers : [needed]
}

/** Roles that may endorse the request of a program: a program and one administrator are not two people. */
export const endorsers: readonly AdminRole[] = ['system', 'security']

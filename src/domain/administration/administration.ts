/**
 * The roles of administrators, and what each may do. The three classic roles exclude each other (GB/T 22239 8.1.5):
 * configuration, approval and audit are never in one hand.
 */

/** 系统 configures; 安全 manages accounts and approves; 审计 reads the audit trail; 窗口 checks people in person. */
export const adminRoles = ['system', 'security', 'audit', 'counter'] as const
export type AdminRole = (typeof adminRoles)[number]

/** The console as a client: administrators sign in to it only, and nobody else signs in to it. */
export const consoleClientId = 'kora-console'

/** Subject of an administrator, in a name space of its own. */
export const isAdministratorId = (sub: string): boolean => /^adm_[\w-]{8,64}$/.test(sub)

/** The actor and the reason of an act, for the audit event of the same transaction. */
export interface Act {
  /** `admin:<id>` (console), `client:<client_id>` (admin API), `operator:<name>` (command line). */
  actor: `admin:${string}` | `client:${string}` | `operator:${string}`
  /** In the actor's own words; never empty. */
  reason: string
  address: string | null
  traceId: string | null
}

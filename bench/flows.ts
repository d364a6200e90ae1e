/**
 * The flows that are measured, and the goals: which part of the comparison's rate Kora must reach on the same cores.
 */
import type { FlowName } from './load/scenarios.ts'

export interface Flow {
  name: FlowName
  title: string
  against: 'bare engine' | 'argon2 alone'
  /** Ratio, 1 = as fast as what it is compared with. */
  goal: number
}

export const flows: readonly Flow[] = [
  { name: 'cc-jwt', title: 'client credentials, JWT', against: 'bare engine', goal: 0.9 },
  { name: 'cc-opaque', title: 'client credentials, opaque', against: 'bare engine', goal: 0.45 },
  { name: 'introspection', title: 'introspection', against: 'bare engine', goal: 0.65 },
  { name: 'userinfo', title: 'userinfo', against: 'bare engine', goal: 0.7 },
  { name: 'refresh', title: 'refresh, rotating', against: 'bare engine', goal: 0.65 },
  { name: 'sso', title: 'SSO code flow (authorize, token)', against: 'bare engine', goal: 0.7 },
  { name: 'login', title: 'password login, whole', against: 'argon2 alone', goal: 0.7 }
]

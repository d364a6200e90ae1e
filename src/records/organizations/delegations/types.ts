/** Delegations as the user center, the registration wizard, the sandbox and the CLI use them. */
import type { Transaction } from 'kysely'
import type { Database } from '../../../database/schema.ts'
import type { DelegationContent, DelegationState, ValidityFault } from '../../../domain/representation/delegation.ts'
import type { Approval, ApprovalRefusal } from './decide.ts'

export interface DelegationView {
  id: string
  version: number
  organizationId: string
  organizationName: string
  uscc: string
  agentId: string
  /** Masked for lists. */
  agent: { maskedName: string; maskedCertNo: string; maskedPhone: string | null }
  state: DelegationState
  functions: string[] | null
  clientIds: string[] | null
  validFrom: string
  validTo: string
  digest: string | null
  reason: string | null
  createdAt: Date
  submittedAt: Date | null
  decidedAt: Date | null
  endedAt: Date | null
}

export interface Actor {
  personId: string
  address: string
  traceId: string
}

export interface DraftInput {
  organizationId: string
  agentId: string
  functions: string[] | null
  clientIds: string[] | null
  validFrom: string
  validTo: string
}

export type DraftRefusal =
  | {
    ok: false
    code: 'self_delegation' | 'too_many_agents' | 'already_waiting' | 'unknown_function' | 'unknown_client'
  }
  | { ok: false; code: 'validity'; fault: ValidityFault }

export interface Delegations {
  /**
   * draft → submitted at once (by the legal representative), or draft (agent's own registration). A new version when
   * one is in force.
   * @throws DomainError `organization_not_active`, `not_legal_representative`, `not_agent`, `unknown_person`
   */
  propose(
    input: DraftInput,
    by: 'legal_representative' | 'agent',
    actor: Actor
  ): Promise<{ ok: true; id: string; version: number } | DraftRefusal>
  agentVerified(trx: Transaction<Database>, id: string, version: number): Promise<boolean>
  submit(id: string, version: number, actor: Actor): Promise<boolean>
  /** The exact content of a submitted version and its digest: what is shown on the page and on the phone. */
  content(id: string, version: number): Promise<{ content: DelegationContent; digest: string } | null>
  /**
   * submitted → active by one statement bound to (id, version, digest, state, present legal representative); needs
   * proofs of scan + face of the approver. The ticket was made with purpose `approve-delegation` and subjectRef
   * `approvalSubject(id, version, digest)` of domain/representation/delegation, and is consumed in the transaction that
   * decides.
   */
  approve(approval: Approval): Promise<{ ok: true } | { ok: false; code: ApprovalRefusal }>
  reject(rejection: { id: string; version: number; reason: string; actor: Actor }): Promise<boolean>
  withdraw(id: string, version: number, actor: Actor): Promise<boolean>
  /** By the legal representative; everything of that context ends in the same transaction. */
  revoke(id: string, reason: string, actor: Actor): Promise<boolean>
  suspend(id: string, reason: string, actor: Actor): Promise<boolean>
  /** The agent gives it back. */
  resign(id: string, actor: Actor): Promise<boolean>
  listOfOrganization(organizationId: string): Promise<DelegationView[]>
  listOfAgent(personId: string): Promise<DelegationView[]>
  /** The version in force, else the latest. */
  find(id: string): Promise<DelegationView | null>
  /** Worker: everything whose last day has passed. Returns how many ended. */
  expireDue(): Promise<number>
}

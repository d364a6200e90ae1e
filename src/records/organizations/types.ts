/** What other folders call of organizations: identification by code and password, and who may represent whom. */
import type { Selectable, Transaction } from 'kysely'
import type { Database, OrganizationTable } from '../../database/schema.ts'
import type { CandidateState } from '../../domain/representation/authorization.ts'
import type { RepresentationOption } from '../../domain/representation/option.ts'
import type { Representation, RepresentationRef, Role } from '../../domain/representation/representation.ts'
import type { ClientPolicy } from '../../domain/client/policy.ts'

export type Organization = Pick<
  Selectable<OrganizationTable>,
  | 'id'
  | 'uscc'
  | 'name'
  | 'type'
  | 'status'
  | 'registeredRegion'
  | 'legalRepresentativeId'
  | 'legalRepresentativeSince'
  | 'passwordMustChange'
>

export interface Representations {
  /** Every representation that this person could choose, self first; blocked ones have their reason. */
  listOptions(personId: string, client: { clientId: string; policy: ClientPolicy }): Promise<RepresentationOption[]>
  /** Whether this person could act for anybody else, usable or not. One query; most people cannot. */
  actsForAny(personId: string): Promise<boolean>
  /**
   * The facts behind a reference, if it is valid at this moment (person, organization, legal representative,
   * delegation, dates). Null = ended. One query. That of an organization that is `pending` is for the user center only:
   * `usableAt` decides.
   */
  resolve(personId: string, ref: RepresentationRef): Promise<Representation | null>
  /** The last choice at this relying site, if it is still valid. */
  rememberedChoice(personId: string, clientId: string): Promise<RepresentationRef | null>
  rememberChoice(
    trx: Transaction<Database>,
    choice: { personId: string; clientId: string; ref: RepresentationRef }
  ): Promise<void>
}

/** The agent or representative, for the organization tab of the login. */
export interface Candidate {
  personId: string
  role: Exclude<Role, 'self'>
  delegationId: string | null
  state: CandidateState
}

export interface OrganizationLogin {
  /** By normalized code, with the password hash for the hasher; null when there is none. Both take the same time. */
  find(uscc: string): Promise<(Organization & { passwordHash: string | null }) | null>
  /** The legal representative, or every agent of the organization with the state of the latest version. */
  candidates(organizationId: string, role: 'legal_representative' | 'agent'): Promise<Candidate[]>
  trustedBrowser(organizationId: string, personId: string, browserHash: string): Promise<boolean>
  /** After scan + identity + face of exactly that person: 30 days, revocable. */
  trustBrowser(
    trx: Transaction<Database>,
    browser: { organizationId: string; personId: string; browserHash: string }
  ): Promise<void>
}

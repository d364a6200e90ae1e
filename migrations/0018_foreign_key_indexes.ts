import type { Kysely } from 'kysely'
import { createIndex } from '../src/database/constraints.ts'

/** An index for every foreign key that has none: deleting or correcting what it points to reads no whole table. */
export const transaction = false

const indexes: Record<string, string> = {
  scan_ticket_person: 'scan_ticket (person_id) where person_id is not null',
  scan_ticket_expected_person: 'scan_ticket (expected_person_id) where expected_person_id is not null',
  scan_ticket_device: 'scan_ticket (device_id) where device_id is not null',
  scan_ticket_client: 'scan_ticket (client_id) where client_id is not null',
  login_attempt_person: 'login_attempt (person_id) where person_id is not null',
  consent_client: 'consent (client_id) where client_id is not null',
  representation_choice_client: 'representation_choice (client_id)',
  delegation_created_by: 'delegation (created_by)',
  delegation_approver: 'delegation (approver_id) where approver_id is not null',
  registration_person: 'registration (person_id) where person_id is not null',
  registration_organization: 'registration (organization_id) where organization_id is not null',
  user_centre_session_person: 'user_centre_session (person_id)',
  organization_password_draft_organization: 'organization_password_draft (organization_id)',
  admin_ceremony_account: 'admin_ceremony (account_id) where account_id is not null',
  reveal_grant_person: 'reveal_grant (person_id) where person_id is not null',
  counter_visit_person: 'counter_visit (person_id)',
  client_registration_token: 'client_registration (registration_token_id)'
}

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const [name, on] of Object.entries(indexes)) await createIndex(db, name, on)
}

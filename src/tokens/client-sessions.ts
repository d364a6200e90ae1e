/**
 * A relying site's session as the provider knows it: one row for each `sid` and representation context, which lives
 * until the end of the provider's session and is deleted by logout and revocation.
 */
import { statement } from '../database/statement.ts'
import type { Connection } from './artifact-repository.ts'

export interface ClientSession {
  /** As stored. */
  id: string
  /** `sub` */
  accountId: string
  /** `self`, `lr:<organization>` or a delegation. */
  contextId: string
  /** Of the provider's session. */
  sessionUid: string | null
}

const columns = "id, account_id, coalesce(context_id, 'self') as context_id, session_uid"

const findStatement = statement<[id: string], ClientSession>(
  'client session find',
  `
  select ${columns} from oidc_artifact where model = 'ClientSession' and id = $1 and expires_at > now()`
)

const findBySidStatement = statement<
  [accountId: string, clientId: string, sid: string, contextId: string],
  ClientSession
>(
  'client session find by sid',
  `
  select ${columns} from oidc_artifact
   where model = 'ClientSession' and account_id = $1 and client_id = $2 and payload->>'sid' = $3
     and coalesce(context_id, 'self') = $4 and expires_at > now()`
)

/** Null: it has ended. */
export const findClientSession = async (db: Connection, id: string): Promise<ClientSession | null> =>
  (await findStatement(db, id))[0] ?? null

/** The session whose `sid` an ID token named. Null: it has ended already. */
export const findClientSessionBySid = async (
  db: Connection,
  { accountId, clientId, sid, contextId }: { accountId: string; clientId: string; sid: string; contextId: string }
): Promise<ClientSession | null> => (await findBySidStatement(db, accountId, clientId, sid, contextId))[0] ?? null

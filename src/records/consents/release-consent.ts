/**
 * Consent to release data to a relying site (PIPL art. 23 and 29): what was decided before, and whether the person has
 * still to be asked. Trusted government clients skip the page.
 */
import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { isUndecided } from '../../domain/claims/requested-scopes.ts'
import type { ClientPolicy } from '../../domain/client/policy.ts'

type Db = Kysely<Database> | Transaction<Database>

/** Decisions of this person for this client: scope → given or refused (optional scopes may be refused for good). */
export async function decidedScopes (db: Db, personId: string, clientId: string): Promise<Map<string, boolean>> {
  const rows = await db
    .selectFrom('consent')
    .select(['scope', 'withdrawnAt'])
    .where('personId', '=', personId)
    .where('clientId', '=', clientId)
    .where('kind', '=', 'release')
    .orderBy('givenAt')
    .execute()
  return new Map(rows.filter((row) => row.scope !== null).map((row) => [row.scope ?? '', row.withdrawnAt === null]))
}

export interface ReleaseRequest {
  personId: string
  clientId: string
  policy: Pick<ClientPolicy, 'trusted' | 'optionalScopes'>
  /** requestedScopes of domain/claims/requested-scopes. */
  scopes: string[]
  /** The site wants the page shown (prompt=consent), and this login has not shown it yet. */
  prompted?: boolean
}

/** Whether this person must be asked. The hosted login and the protocol engine decide by this. */
export async function isConsentDue (db: Db, request: ReleaseRequest): Promise<boolean> {
  const { personId, clientId, policy, scopes, prompted = false } = request
  if (policy.trusted || scopes.length === 0) return false
  return prompted || isUndecided(scopes, await decidedScopes(db, personId, clientId), policy.optionalScopes)
}

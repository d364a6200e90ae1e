/**
 * Consent to release data to a relying site (S13, PIPL art. 23 and 29): what was agreed to before,
 * what is new, what is optional. Trusted government clients skip the page.
 */
import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { ConsentsDeps } from './deps.ts'
import { claimsByScope } from '../../domain/claims/claims.ts'
import type { LoginContext } from '../../journeys/login/index.ts'

type Db = Kysely<Database> | Transaction<Database>

export const sensitiveScopes = ['identity']

/** Scopes of the request that mean data and that the client may ask for. */
export function requestedScopes (context: Pick<LoginContext, 'params' | 'client'>): string[] {
  const allowed = new Set((context.client.scope ?? '').split(' '))
  return String(context.params['scope'] ?? '')
    .split(' ')
    .filter((scope) => scope in claimsByScope && scope !== 'openid' && allowed.has(scope))
}

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

/** The consent page is due when something asked for was never decided, or the site asks for it (prompt=consent). */
export async function needsConsent (deps: ConsentsDeps, context: LoginContext): Promise<boolean> {
  if (context.person === null || context.policy.trusted) return false
  const scopes = requestedScopes(context)
  const prompted = String(context.params['prompt'] ?? '')
    .split(' ')
    .includes('consent')
  if (context.row.proofs.some((proof) => proof.kind === 'consent')) return false
  if (prompted && scopes.length > 0) return true
  return await isUndecided(deps.db, {
    personId: context.person.id,
    clientId: context.client.clientId,
    optionalScopes: context.policy.optionalScopes,
    scopes
  })
}

/** Whether this person has still to be asked: an optional scope was never decided, another one not given. */
export async function isUndecided (
  db: Db,
  {
    personId,
    clientId,
    optionalScopes,
    scopes
  }: { personId: string; clientId: string; optionalScopes: string[]; scopes: string[] }
): Promise<boolean> {
  if (scopes.length === 0) return false
  const decided = await decidedScopes(db, personId, clientId)
  return scopes.some((scope) => (optionalScopes.includes(scope) ? !decided.has(scope) : decided.get(scope) !== true))
}

import { sql, type Kysely } from 'kysely'
import { inTransaction } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { Database } from '../../database/schema.ts'
import { incrementEpoch } from '../../tokens/cache-epoch.ts'
import { revokeEverything } from '../../tokens/revocation.ts'
import { endByStaff } from '../organizations/index.ts'
import { endOwnSites } from '../own-sites/index.ts'
import { enqueueLogouts } from '../sessions/index.ts'

/**
 * What else could be used once more. None of it is told to anybody: who was in the middle of something begins again.
 * What is kept for its history keeps its row and ends.
 */
const endings: Record<string, string> = {
  login_attempt: 'update login_attempt set expires_at = now() where expires_at > now()',
  scan_ticket: `update scan_ticket set state = 'expired', expires_at = least(expires_at, now())
    where state not in ('consumed', 'rejected', 'failed', 'expired', 'superseded')`,
  face_check: `update face_check set state = 'expired', expires_at = least(expires_at, now())
    where state in ('pending', 'passed')`,
  challenge: 'update challenge set expires_at = now() where used_at is null and expires_at > now()',
  // a verified code is good until it is used, whatever its end
  sms_code: 'update sms_code set expires_at = least(expires_at, now()), used_at = now() where used_at is null',
  counter_code: 'update counter_code set expires_at = now() where used_at is null and expires_at > now()',
  counter_visit: 'update counter_visit set expires_at = now() where used_at is null and expires_at > now()',
  reveal_grant: 'update reveal_grant set expires_at = now() where used_at is null and expires_at > now()',
  registration_resume: 'update registration_resume set expires_at = now() where used_at is null and expires_at > now()',
  registration: `update registration set expires_at = now()
    where state not in ('completed', 'abandoned') and expires_at > now()`,
  registration_token: 'update registration_token set expires_at = now() where uses_left > 0 and expires_at > now()',
  trusted_browser: 'update trusted_browser set revoked_at = now() where revoked_at is null',
  known_browser: 'delete from known_browser',
  admin_bootstrap: 'update admin_bootstrap set expires_at = now() where used_at is null and expires_at > now()',
  admin_ceremony: 'delete from admin_ceremony',
  pending_change: "update pending_change set expires_at = now() where state = 'pending' and expires_at > now()"
}

export interface Bumped {
  /** Sessions of relying sites that ended; those with a logout address are told. */
  clientSessions: number
  /** Rows that ended, by table. */
  ended: Record<string, number>
  /** Delegations that were suspended. */
  suspended: string[]
}

/**
 * Ends everything that was issued before now, in one transaction, and then suspends delegations, each in its own.
 *
 * @param options agreedBy: the second person; delegations: which of them are not to be believed
 */
export async function bumpEpoch (
  deps: Parameters<typeof endByStaff>[0],
  act: Act,
  { agreedBy, delegations }: { agreedBy: string; delegations: 'all' | readonly string[] }
): Promise<Bumped> {
  const { db, audit } = deps
  const result = await inTransaction(db, async (trx) => {
    const sessions = await revokeEverything(trx)
    await enqueueLogouts(trx, deps, sessions)
    const ended: Record<string, number> = { own_sites: await endOwnSites(trx) }
    for (const [table, statement] of Object.entries(endings)) {
      const { numAffectedRows } = await sql.raw(statement).execute(trx)
      if (numAffectedRows !== undefined && numAffectedRows > 0n) ended[table] = Number(numAffectedRows)
    }
    // what processes keep in memory is older than this
    await incrementEpoch(trx, 'clients')
    await incrementEpoch(trx, 'signing-keys')
    const clientSessions = sessions.filter(({ sid }) => sid !== null).length
    await audit.record(trx, {
      type: 'epoch.bumped',
      actor: act.actor,
      reason: act.reason,
      details: {
        agreedBy,
        clientSessions,
        delegations: delegations === 'all' ? 'all' : delegations.length,
        ...ended
      }
    })
    return { clientSessions, ended }
  })
  const suspended: string[] = []
  for (const id of delegations === 'all' ? await findActiveDelegations(db) : delegations) {
    const staffAct = { actor: act.actor, reason: act.reason, address: act.address, traceId: act.traceId }
    if (await endByStaff(deps, { id, to: 'suspended', staffAct })) suspended.push(id)
  }
  return { ...result, suspended }
}

async function findActiveDelegations (db: Kysely<Database>): Promise<string[]> {
  const rows = await db
    .selectFrom('delegation')
    .select('id')
    .distinct()
    .where('state', '=', 'active')
    .orderBy('id')
    .execute()
  return rows.map(({ id }) => id)
}

/** Locking an account, and giving it back. */
import { sql } from 'kysely'
import type { Act } from '../../domain/administration/administration.ts'
import { recordSessionsEnded } from '../../records/sessions/index.ts'
import { revokeAccount } from '../../tokens/revocation.ts'
import { expireAttempts } from '../../records/login-attempts/index.ts'
import { expireTickets } from '../../records/scan-tickets/index.ts'
import type { SupportDeps } from './deps.ts'
import { aboutPerson, notifyPerson, type ActOutcome } from './act.ts'

type Needed = Pick<SupportDeps, 'db' | 'crypto' | 'audit'>

/**
 * Nothing of the account works from the commit on: no login, code, token or session, in any capacity; logins and scans
 * that are under way end for good, and sites are notified.
 */
export async function lockPerson (deps: Needed, act: Act, personId: string): Promise<ActOutcome> {
  return await aboutPerson(deps, {
    act,
    personId,
    work: async (trx, { id, sub }, stamp) => {
      const locked = await trx
        .updateTable('person')
        .set({ status: 'locked', lockedFrom: sql<'active'>`status`, updatedAt: sql<Date>`now()` })
        .where('id', '=', id)
        .where('status', 'in', ['active', 'unactivated'])
        .returning('id')
        .executeTakeFirst()
      if (locked === undefined) return false
      await expireAttempts(trx, id)
      await expireTickets(trx, id)
      const ended = await revokeAccount(trx, sub)
      if (ended.length > 0) {
        await recordSessionsEnded(trx, deps, {
          ended,
          about: {
            reason: 'person_locked',
            ...(stamp.traceId === null ? {} : { traceId: stamp.traceId })
          }
        })
      }
      await deps.audit.record(trx, {
        type: 'person.locked',
        ...stamp,
        personId: id,
        details: { sites: ended.length }
      })
      await notifyPerson(trx, deps, { personId: id, kind: 'security-account-locked' })
      return true
    }
  })
}

/** Restores the former state. Sessions and tokens do not come back. */
export async function unlockPerson (deps: Needed, act: Act, personId: string): Promise<ActOutcome> {
  return await aboutPerson(deps, {
    act,
    personId,
    work: async (trx, { id }, stamp) => {
      const unlocked = await trx
        .updateTable('person')
        .set({ status: sql<'active'>`coalesce(locked_from, 'active')`, lockedFrom: null, updatedAt: sql<Date>`now()` })
        .where('id', '=', id)
        .where('status', '=', 'locked')
        .returning('status')
        .executeTakeFirst()
      if (unlocked === undefined) return false
      await deps.audit.record(trx, {
        type: 'person.unlocked',
        ...stamp,
        personId: id,
        details: { to: unlocked.status }
      })
      await notifyPerson(trx, deps, { personId: id, kind: 'security-account-unlocked' })
      return true
    }
  })
}

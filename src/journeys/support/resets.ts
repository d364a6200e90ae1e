/** Help for a person who has used up the tries of a day, and the end of a device. */
import { sql } from 'kysely'
import type { Act } from '../../domain/administration/administration.ts'
import { resetFaceTries } from '../../records/face-checks/index.ts'
import { createThrottle, personIdentifier } from '../../records/throttle/index.ts'
import type { SupportDeps } from './deps.ts'
import { aboutPerson, notifyPerson, type ActOutcome } from './act.ts'

type Needed = Pick<SupportDeps, 'db' | 'crypto' | 'audit'>

/** The face tries of today restart. Starts that a provider is paid for stay limited. */
export async function resetPersonFaceTries (deps: Needed, act: Act, personId: string): Promise<ActOutcome> {
  return await aboutPerson(deps, {
    act,
    personId,
    work: async (trx, { id }, stamp) => {
      const reset = await resetFaceTries(trx, id)
      if (reset === 0) return false
      await deps.audit.record(trx, {
        type: 'person.face-tries-reset',
        ...stamp,
        personId: id,
        details: { tries: reset }
      })
      await notifyPerson(trx, deps, { personId: id, kind: 'security-face-tries-reset' })
      return true
    }
  })
}

/** Ends the throttling and suspension of the person's password; pauses of networks stay. */
export async function resetPasswordTries (deps: Needed, act: Act, personId: string): Promise<ActOutcome> {
  const throttle = createThrottle(deps)
  return await aboutPerson(deps, {
    act,
    personId,
    work: async (trx, { id }, stamp) => {
      await throttle.lift(trx, personIdentifier(id))
      await deps.audit.record(trx, { type: 'person.password-tries-reset', ...stamp, personId: id })
      await notifyPerson(trx, deps, { personId: id, kind: 'security-password-tries-reset' })
      return true
    }
  })
}

/** Revokes a phone, at once and for ever. */
export async function endDevice (deps: Needed, act: Act, personId: string, deviceId: string): Promise<ActOutcome> {
  return await aboutPerson(deps, {
    act,
    personId,
    work: async (trx, { id }, stamp) => {
      const row = await trx
        .updateTable('device')
        .set({ revokedAt: sql<Date>`now()` })
        .where('id', '=', deviceId)
        .where('personId', '=', id)
        .where('revokedAt', 'is', null)
        .returning('id')
        .executeTakeFirst()
      if (row === undefined) return false
      await deps.audit.record(trx, { type: 'person.device-ended', ...stamp, personId: id, deviceId })
      await notifyPerson(trx, deps, { personId: id, kind: 'security-device-ended' })
      return true
    }
  })
}

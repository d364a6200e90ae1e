/** Where a person is signed in, and ending it. */
import { createHash } from 'node:crypto'
import type { Act } from '../../domain/administration/administration.ts'
import { clientPolicy } from '../../domain/client/policy.ts'
import { recordSessionsEnded } from '../../records/sessions/index.ts'
import { hasArtifacts } from '../../tokens/artifact-repository.ts'
import { revokeAccount, revokeSession } from '../../tokens/revocation.ts'
import { listSessions } from '../../tokens/session-repository.ts'
import type { SupportDeps } from './deps.ts'
import { aboutPerson, notifyPerson, type ActOutcome } from './act.ts'

type Needed = Pick<SupportDeps, 'db' | 'crypto' | 'audit'>

/** Names a session on pages without being its identifier. */
const buildMark = (uid: string): string => createHash('sha256').update(uid).digest('base64url').slice(0, 22)

export interface ListedSession {
  mark: string
  startedAt: Date
  expiresAt: Date
  acr: string | null
  /** Relying sites, by their Chinese names. */
  sites: string[]
}

/** Newest first, at most 50. */
export async function listPersonSessions ({ db }: Pick<SupportDeps, 'db'>, sub: string): Promise<ListedSession[]> {
  const found = await listSessions(db, sub, 50)
  const clientIds = [...new Set(found.flatMap(({ payload }) => Object.keys(payload.authorizations ?? {})))]
  const clients =
    clientIds.length === 0
      ? []
      : await db.selectFrom('client').select(['clientId', 'policy']).where('clientId', 'in', clientIds).execute()
  const names = new Map(
    clients.map(({ clientId, policy }) => [clientId, clientPolicy(policy).names['zh-CN'] || clientId])
  )
  return found.map(({ uid, payload, startedAt, expiresAt }) => ({
    mark: buildMark(uid),
    startedAt: new Date(startedAt * 1000),
    expiresAt: new Date(expiresAt * 1000),
    acr: typeof payload['acr'] === 'string' ? payload['acr'] : null,
    sites: Object.keys(payload.authorizations ?? {}).map((clientId) => names.get(clientId) ?? clientId)
  }))
}

/**
 * Ends everything: sessions, tokens and codes in every capacity; sites are notified. `unchanged`: there was nothing.
 */
export async function endAllSessions (deps: Needed, act: Act, personId: string): Promise<ActOutcome> {
  return await aboutPerson(deps, {
    act,
    personId,
    work: async (trx, { id, sub }, stamp) => {
      if (!(await hasArtifacts(trx, sub))) return false
      const ended = await revokeAccount(trx, sub)
      if (ended.length > 0) {
        await recordSessionsEnded(trx, deps, {
          ended,
          about: {
            reason: 'ended_by_staff',
            ...(stamp.traceId === null ? {} : { traceId: stamp.traceId })
          }
        })
      }
      await deps.audit.record(trx, {
        type: 'person.sessions-ended',
        ...stamp,
        personId: id,
        details: { sites: ended.length }
      })
      await notifyPerson(trx, deps, { personId: id, kind: 'security-sessions-ended' })
      return true
    }
  })
}

/** One session of this person, by the mark of the list. */
export async function endPersonSession (deps: Needed, act: Act, personId: string, mark: string): Promise<ActOutcome> {
  return await aboutPerson(deps, {
    act,
    personId,
    work: async (trx, { id, sub }, stamp) => {
      const uid = (await listSessions(trx, sub)).find((session) => buildMark(session.uid) === mark)?.uid
      if (uid === undefined) return false
      const ended = await revokeSession(trx, uid)
      if (ended.length > 0) {
        await recordSessionsEnded(trx, deps, {
          ended,
          about: {
            reason: 'ended_by_staff',
            ...(stamp.traceId === null ? {} : { traceId: stamp.traceId })
          }
        })
      }
      await deps.audit.record(trx, {
        type: 'session.terminated',
        ...stamp,
        personId: id,
        details: { session: mark, sites: ended.length }
      })
      await notifyPerson(trx, deps, { personId: id, kind: 'security-sessions-ended' })
      return true
    }
  })
}

/**
 * The Session model. Each request extends the idle time, up to the absolute end. Two writes are omitted: one that only
 * extends the idle time by less than a tenth, and one of an empty session.
 */
import type { Adapter, AdapterPayload, Session } from 'oidc-provider'
import { inTransaction } from '../database/transaction.ts'
import { artifactId } from '../tokens/artifact-repository.ts'
import { currentRequest, currentState, verifiedGrants } from './request-state.ts'
import { revokeClientsOfSession, revokeSession } from '../tokens/revocation.ts'
import { isEmpty, sessionChange, storable, type SessionPayload } from '../tokens/session-change.ts'
import { findSession, insertSession, updateSession } from '../tokens/session-repository.ts'
import { grantContext, type GrantContext } from '../tokens/grant-id.ts'
import { notSupported, type AdapterParts } from './adapter-parts.ts'
import { readReplacedSession } from './overrides/read-replaced-session.ts'

/** A write that extends the idle time by less than this share of it is omitted. */
const renewalShare = 0.1

const stored = (id: string): string => artifactId('Session', id)

/** This request returns from a hosted login in which nobody gave a proof: the stored session continues. */
export function isSameLogin (session: Session): boolean {
  const continued = (currentRequest()?.result as { kora?: { continued?: boolean } } | undefined)?.kora?.continued
  return continued === true && currentState()?.session?.payload.accountId === session.accountId
}

/** The representation that the login which this request completes is confined to. */
export const readLoginConfinement = (): unknown =>
  (currentRequest()?.entities.Interaction?.result as { kora?: { confined?: unknown } } | undefined)?.kora?.confined

export function createSessionAdapter ({ db, crypto, clock, limits, sessionsEnded, log }: AdapterParts): Adapter {
  const readContext = (grantId: string): GrantContext | undefined => grantContext(crypto, grantId, verifiedGrants())

  return {
    async find (id) {
      const session = await findSession(db, { id: stored(id) })
      if (session === undefined) return undefined
      const state = currentState()
      // a copy, because the library changes the payload that it gets
      if (state) state.session = { ...session, payload: structuredClone(session.payload) }
      return { ...session.payload, jti: id } as AdapterPayload
    },

    /** Without `jti`, which only the browser has, so the library must not save it. */
    async findByUid (uid) {
      return (await findSession(db, { uid }))?.payload as AdapterPayload | undefined
    },

    async upsert (id, { jti: _jti, ...given }, ttl = limits.sessionIdleSeconds) {
      const payload = {
        ...given,
        authorizations: storable(given.authorizations as SessionPayload['authorizations'], readContext)
      } as SessionPayload
      const uid = payload.uid as string
      const times = {
        keepSeconds: Math.min(ttl, limits.sessionIdleSeconds) + limits.clockToleranceSeconds,
        absoluteSeconds: limits.sessionAbsoluteSeconds
      }
      const state = currentState()
      const found = state?.session?.uid === uid ? state.session : undefined
      const now = clock.now() / 1000

      if (found === undefined) {
        // the library saves an empty session for every request with an expired cookie
        if (payload.accountId === undefined && payload['state'] === undefined) return
        await insertSession(db, { id: stored(id), uid, payload }, times)
        if (state) {
          state.session = {
            id: stored(id),
            uid,
            payload: structuredClone(payload),
            startedAt: now,
            expiresAt: now + times.keepSeconds
          }
        }
        return
      }

      const change = sessionChange(found.payload, payload)
      const renewed = stored(id) === found.id ? null : stored(id)
      const expiresAt = Math.min(now + times.keepSeconds, found.startedAt + times.absoluteSeconds)
      if (renewed === null && isEmpty(change) && expiresAt - found.expiresAt < ttl * renewalShare) return

      // the logout of a single client revokes its tokens of this session in the same transaction
      const written = await (change.clientsGone.length === 0
        ? save(db)
        : inTransaction(db, async (trx) => {
          const ended = await revokeClientsOfSession(trx, uid, change.clientsGone)
          await sessionsEnded?.(trx, ended)
          return save(trx)
        }))
      if (!written) log.info('a session ended while a request was using it')
      if (state && written) state.session = { ...found, id: stored(id), payload: structuredClone(payload), expiresAt }

      function save (connection: typeof db): Promise<boolean> {
        return updateSession(connection, {
          found: found as NonNullable<typeof found>,
          change: { ...change, set: { ...change.set, exp: payload.exp } },
          id: renewed,
          accountId: payload.accountId ?? null,
          times
        })
      }
    },

    async destroy (id) {
      // the session gets a new identifier: the save that follows writes it into the same row
      if (readReplacedSession(currentRequest()?.session) === id) return
      const state = currentState()
      const uid = state?.session?.uid ?? (await findSession(db, { id: stored(id) }))?.uid
      if (uid === undefined) return
      await inTransaction(db, async (trx) => {
        const ended = await revokeSession(trx, uid)
        await sessionsEnded?.(trx, ended)
      })
      if (state) delete state.session
    },

    consume: notSupported,
    findByUserCode: notSupported,
    revokeByGrantId: notSupported
  }
}

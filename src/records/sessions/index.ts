/**
 * The end of sessions: in the transaction that ends one, the audit event and an outbox row for each relying site that
 * must be notified (OpenID Connect Back-Channel Logout 1.0). Owns no table; sessions are stored by tokens/.
 */
import type { Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import { revokeSession, type EndedClientSession } from '../../tokens/revocation.ts'
import { findPersonIdBySub } from '../persons/index.ts'
import { enqueue, type GivenUp } from '../outbox/index.ts'
import type { SessionsDeps } from './deps.ts'

export const logoutTopic = 'backchannel-logout'
export interface LogoutDelivery {
  clientId: string
  accountId: string
  sid: string
}

/**
 * What belongs to ended sessions, in the same transaction: the audit event and an outbox row for each relying site that
 * must be notified (the worker knows which have a logout address).
 */
export async function recordSessionsEnded (
  trx: Transaction<Database>,
  deps: Pick<SessionsDeps, 'audit' | 'crypto'>,
  { ended, about }: { ended: EndedClientSession[]; about: { traceId?: string; reason: string } }
): Promise<void> {
  await enqueueLogouts(trx, deps, ended)
  const sub = ended[0]?.accountId
  await deps.audit.record(trx, {
    type: 'session.ended',
    personId: sub === undefined ? null : await findPersonIdBySub(trx, sub),
    traceId: about.traceId ?? null,
    reason: about.reason,
    details: { clients: ended.map((session) => session.clientId) }
  })
}

/** Only the outbox rows: for what writes an event of its own. */
export async function enqueueLogouts (
  trx: Transaction<Database>,
  deps: Pick<SessionsDeps, 'crypto'>,
  ended: readonly EndedClientSession[]
): Promise<void> {
  for (const { clientId, sid, accountId } of ended) {
    if (sid === null) continue
    await enqueue(trx, deps, {
      topic: logoutTopic,
      dedupeKey: `${logoutTopic}:${clientId}:${sid}`,
      payload: { clientId, accountId, sid } satisfies LogoutDelivery
    })
  }
}

/** A site could not be reached for a logout token: its session may continue there. Called when the outbox gives up. */
export const recordLogoutUndelivered =
  (deps: Pick<SessionsDeps, 'audit'>): GivenUp =>
    async (trx, payload, { attempts }) => {
      const { clientId, accountId } = (payload ?? {}) as Partial<LogoutDelivery>
      await deps.audit.record(trx, {
        type: 'logout.delivery-failed',
        clientId,
        personId: accountId === undefined ? null : await findPersonIdBySub(trx, accountId),
        details: { attempts }
      })
    }

/** Ends everything that one session gave, for callers outside of the provider. */
export async function endSession (
  deps: SessionsDeps,
  sessionUid: string,
  about: { traceId?: string; reason: string }
): Promise<void> {
  await inTransaction(deps.db, async (trx) => {
    await recordSessionsEnded(trx, deps, { ended: await revokeSession(trx, sessionUid), about })
  })
}

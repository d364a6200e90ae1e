/**
 * What the protocol engine writes into the audit trail about codes, tokens and logins without a page. Each function
 * is called where it happens, in the transaction of the change where there is one.
 */
import { Provider } from 'oidc-provider'
import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../database/schema.ts'
import { eventFields, parseRef } from '../domain/representation/representation.ts'
import type { Audit, AuditEvent } from '../records/audit/index.ts'
import { findPersonIdBySub } from '../records/persons/index.ts'
import type { GrantContext } from '../tokens/grant-id.ts'
import type { EndedClientSession } from '../tokens/revocation.ts'
import { getTraceId } from './error-pages.ts'

/** A code or refresh token that was presented again, or by another client (RFC 6749 §4.1.2, RFC 9700 §4.5, §4.14.2). */
export interface Replay {
  model: string
  /** Everything of the grant, which the replay has ended. */
  ended: EndedClientSession[]
  /** The client that presented it, when it is not the one it was issued to. */
  presentedBy: string | null
}

export interface Trail {
  replayed(trx: Transaction<Database>, replay: Replay): Promise<void>
  /** A client gave a token back (RFC 7009). */
  revoked(
    trx: Transaction<Database>,
    token: { model: string; clientId: string; accountId: string | null }
  ): Promise<void>
  /** A code was issued from a running session, without any page. The code leaves only after the event is stored. */
  loggedInSilently(db: Kysely<Database>, login: SilentLogin): Promise<void>
}

export interface SilentLogin {
  personId: string
  clientId: string
  context: GrantContext | undefined
  acr: string | undefined
}

export function createTrail ({ audit }: { audit: Audit }): Trail {
  return {
    async replayed (trx, { model, ended, presentedBy }) {
      const [grant] = ended
      if (grant === undefined) return
      await audit.record(trx, {
        type: model === 'RefreshToken' ? 'token.refresh-reused' : 'token.code-replayed',
        ...circumstances(),
        ...(presentedBy === null ? {} : { actor: `client:${presentedBy}` }),
        personId: await findPersonIdBySub(trx, grant.accountId),
        clientId: grant.clientId,
        reason: presentedBy === null ? 'used_before' : 'another_client',
        details: { model }
      })
    },

    async revoked (trx, { model, clientId, accountId }) {
      await audit.record(trx, {
        type: 'token.revoked',
        ...circumstances(),
        personId: accountId === null ? null : await findPersonIdBySub(trx, accountId),
        clientId,
        details: { model }
      })
    },

    async loggedInSilently (db, { personId, clientId, context, acr }) {
      const ref = context === undefined ? null : parseRef(context)
      await audit.recordSingle(db, {
        type: 'login.single-sign-on',
        ...circumstances(),
        personId,
        clientId,
        ...eventFields(ref),
        details: { acr: acr ?? null }
      })
    }
  }
}

/** Of the request that the provider answers now. */
function circumstances (): Pick<AuditEvent, 'address' | 'traceId'> {
  const ctx = Provider.ctx
  return ctx === undefined ? {} : { address: getAddress(ctx), traceId: getTraceId(ctx) }
}

/** The client's address as the mount has judged it (http/client-address). */
export const getAddress = (ctx: { req: object }): string | null =>
  (ctx.req as { koraAddress?: () => string }).koraAddress?.() ?? null

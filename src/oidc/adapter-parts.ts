/** What the adapters of all models are made from, and the row that a payload becomes. */
import type { AdapterPayload } from 'oidc-provider'
import type { Kysely, Transaction } from 'kysely'
import type { Logger } from 'pino'
import type { Database } from '../database/schema.ts'
import type { FieldCrypto } from '../database/field-crypto.ts'
import type { Clock } from '../ports/clock.ts'
import { artifactId, hashGrantId, type ArtifactRow } from '../tokens/artifact-repository.ts'
import { grantContext } from '../tokens/grant-id.ts'
import { verifiedGrants } from './request-state.ts'
import type { TestLoginKey } from '../tokens/test-login-key.ts'
import type { DeviceAllowed } from './device-code-adapter.ts'
import type { EndedClientSession } from '../tokens/revocation.ts'

export interface AdapterParts {
  /** The console's trial login: accepted for clients in test, beside their own keys. */
  testLoginJwk?: TestLoginKey['publicJwk']
  db: Kysely<Database>
  crypto: FieldCrypto
  clock: Clock
  /** All in seconds. */
  limits: { sessionIdleSeconds: number; sessionAbsoluteSeconds: number; clockToleranceSeconds: number }
  log: Pick<Logger, 'info' | 'warn'>
  /** Called in the transaction in which the library's logout ends relying sites' sessions: outbox, audit. */
  sessionsEnded?: (trx: Transaction<Database>, ended: EndedClientSession[]) => Promise<void>
  /** Audit of a device that a person lets log in (RFC 8628). */
  deviceAllowed?: DeviceAllowed
}

/** The row of a payload; `jti` is what the client holds and is not kept. */
export function artifactRow (
  { crypto, limits }: Pick<AdapterParts, 'crypto' | 'limits'>,
  model: string,
  id: string,
  { jti: _jti, ...payload }: AdapterPayload,
  ttl: number | undefined
): ArtifactRow {
  const { grantId, sessionUid, accountId, clientId, userCode } = payload
  return {
    model,
    id: artifactId(model, id),
    payload,
    grantHash: grantId === undefined ? null : hashGrantId(grantId),
    sessionUid: sessionUid ?? null,
    accountId: accountId ?? null,
    clientId: clientId ?? null,
    contextId: grantContext(crypto, grantId, verifiedGrants())?.id ?? null,
    userCode: userCode ?? null,
    keepSeconds: ttl === undefined ? null : ttl + limits.clockToleranceSeconds
  }
}

/** For the methods of an adapter that the library never calls on a model. */
export async function notSupported (): Promise<never> {
  throw new Error('not supported by this model')
}

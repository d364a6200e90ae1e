/** The dependencies of the adapters of all models, and the row that a payload becomes. */
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
import type { Trail } from './trail.ts'

export interface AdapterParts {
  /** Key of the console's test login: accepted for clients in test beside their own keys. */
  testLoginJwk?: TestLoginKey['publicJwk']
  db: Kysely<Database>
  crypto: FieldCrypto
  clock: Clock
  /** All in seconds. */
  limits: { sessionIdleSeconds: number; sessionAbsoluteSeconds: number; clockToleranceSeconds: number }
  log: Pick<Logger, 'info' | 'warn'>
  /** Called in the transaction in which a logout ends sessions of relying sites: writes the outbox and the audit. */
  sessionsEnded?: (trx: Transaction<Database>, ended: EndedClientSession[]) => Promise<void>
  /** Called in the transaction in which a person allows a device to sign in (RFC 8628). */
  deviceAllowed?: DeviceAllowed
  /** Audit events of codes, tokens and logins without a page. */
  trail?: Trail
}

interface ArtifactRowInput {
  model: string
  id: string
  adapterPayload: AdapterPayload
  ttl: number | undefined
}

/** The row of a payload. `jti` is the value that the client holds, so it is not stored. */
export function artifactRow (
  { crypto, limits }: Pick<AdapterParts, 'crypto' | 'limits'>,
  { model, id, adapterPayload: { jti: _jti, ...payload }, ttl }: ArtifactRowInput
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

/** For methods of the adapter interface that the library never calls on a model. */
export async function notSupported (): Promise<never> {
  throw new Error('not supported by this model')
}

/**
 * Services of Kora that are relying sites of Kora (the user center, the console): confidential clients like all others,
 * created at the first start, with code and PKCE at the same endpoints.
 */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { decodeJwt, type JWTPayload } from 'jose'
import type { Transaction } from 'kysely'
import type { Database } from '../database/schema.ts'
import { inTransaction } from '../database/transaction.ts'
import type { ClientPolicy } from '../domain/client/policy.ts'
import { newIdentifier } from '../domain/identifier.ts'
import { PageError } from '../http/page-error.ts'
import type { OidcDeps } from './deps.ts'
import { incrementEpoch } from '../tokens/cache-epoch.ts'
import { routes } from './configuration.ts'

export interface OwnClient {
  clientId: string
  /** Name of the stored secret. */
  secretName: string
  callback: string
  policy: Partial<ClientPolicy>
}

const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('base64url')

const buildMetadata = ({ policy, callback }: OwnClient): Record<string, unknown> => ({
  client_name: policy.names?.['zh-CN'] ?? '',
  application_type: 'web',
  grant_types: ['authorization_code'],
  response_types: ['code'],
  token_endpoint_auth_method: 'client_secret_basic',
  redirect_uris: [callback],
  scope: 'openid'
})

/**
 * Creates the client and its secret when they are missing, and corrects the client when the issuer's address has
 * changed. Processes that start together share one secret: the first insert wins, and the others read it.
 *
 * @returns the secret
 */
export async function ensureOwnClient (
  { db, crypto }: Pick<OidcDeps, 'db' | 'crypto'>,
  client: OwnClient
): Promise<string> {
  const { clientId, secretName } = client
  return await inTransaction(db, async (trx) => {
    const drafted = newIdentifier(32)
    await trx
      .insertInto('serverSecret')
      .values({ name: secretName, valueEnc: crypto.encrypt('server_secret', 'value_enc', secretName, drafted) })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .execute()
    const { valueEnc } = await trx
      .selectFrom('serverSecret')
      .select('valueEnc')
      .where('name', '=', secretName)
      .executeTakeFirstOrThrow()
    const secret = crypto.decrypt('server_secret', 'value_enc', secretName, valueEnc)
    await ensureClient(trx, client)
    await trx
      .insertInto('clientSecret')
      .values({ id: `sec_${clientId}`, clientId, secretHash: hashSecret(secret), hint: secret.slice(-4) })
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet({ secretHash: hashSecret(secret), hint: secret.slice(-4) })
      )
      .execute()
    return secret
  })
}

async function ensureClient (trx: Transaction<Database>, client: OwnClient): Promise<void> {
  const { clientId, policy } = client
  const metadata = buildMetadata(client)
  const stored = await trx
    .selectFrom('client')
    .select(['metadata', 'policy'])
    .where('clientId', '=', clientId)
    .executeTakeFirst()
  if (
    stored !== undefined &&
    isDeepStrictEqual(stored.metadata, metadata) &&
    isDeepStrictEqual(stored.policy, policy)
  ) {
    return
  }
  const values = { metadata: JSON.stringify(metadata), policy: JSON.stringify(policy) }
  await trx
    .insertInto('client')
    .values({ clientId, status: 'live', ...values })
    .onConflict((conflict) => conflict.column('clientId').doUpdateSet(values))
    .execute()
  await incrementEpoch(trx, 'clients')
}

/** PKCE S256 (RFC 7636 §4.2). */
export const hashVerifier = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')

interface RedeemCodeInput {
  issuer: string
  ownClient: Pick<OwnClient, 'clientId' | 'callback'>
  secret: string;
  code: string;
  verifier: string
}

/**
 * Redeems a code at the token endpoint within this process, which needs neither a network nor a certificate. The ID
 * token comes directly from the token endpoint, so its signature is not verified (OIDC Core §3.1.3.7, 6). Null:
 * refused.
 */
export async function redeemCode (
  app: FastifyInstance,
  { issuer, ownClient: { clientId, callback }, secret, code, verifier }: RedeemCodeInput
): Promise<JWTPayload | null> {
  const response = await app.inject({
    method: 'POST',
    url: routes.token,
    headers: {
      host: new URL(issuer).host,
      authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded'
    },
    payload: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: callback,
      code_verifier: verifier
    }).toString()
  })
  if (response.statusCode === 503) throw new PageError(503, 'unavailable', { retryAfterSeconds: 5 })
  return response.statusCode === 200 ? decodeJwt(String(response.json<Record<string, unknown>>()['id_token'])) : null
}

/** Whether the ID token is of this issuer, client and request, and has not expired (OIDC Core §3.1.3.7). */
export const isOurs = (
  claims: JWTPayload,
  { issuer, clientId, nonce, now }: { issuer: string; clientId: string; nonce: string; now: number }
): boolean =>
  claims.iss === issuer && claims.aud === clientId && claims['nonce'] === nonce && (claims.exp ?? 0) * 1000 > now

/**
 * Codes, tokens and pushed requests. They are stored by the hash of their identifier, consumed by one conditional
 * statement, and inserted only while the row that they are issued from exists.
 */
import { errors, type Adapter, type AdapterPayload } from 'oidc-provider'
import {
  artifactId,
  consumeAndInsert,
  consumeArtifact,
  deleteArtifact,
  findArtifact,
  findToken,
  hashGrantId,
  insertArtifact,
  insertUnder,
  insertUnderSession,
  tokenModels,
  upsertArtifact,
  type Source
} from '../tokens/artifact-repository.ts'
import { artifactRow, notSupported, type AdapterParts } from './adapter-parts.ts'
import { openPersonal, sealPersonal } from './personal-parameters.ts'
import { currentRequest, currentState, verifiedGrants } from './request-state.ts'
import { inTransaction } from '../database/transaction.ts'
import { grantContext } from '../tokens/grant-id.ts'
import { revokeGrantHash } from '../tokens/revocation.ts'
import { revokeReplayed } from './revoke-replayed.ts'

/** Models that the library saves once. */
const issuedOnce = new Set([
  'AuthorizationCode',
  'AccessToken',
  'RefreshToken',
  'ClientCredentials',
  'PushedAuthorizationRequest'
])
/** Models that tokens are issued from at the token endpoint. */
const sources = new Set(['AuthorizationCode', 'RefreshToken', 'DeviceCode'])

export function createArtifactAdapter (parts: AdapterParts, model: string): Adapter {
  const { db, crypto, log, trail } = parts

  async function load (id: string): Promise<Record<string, unknown> | undefined> {
    const state = currentState()
    const route = currentRequest()?.route
    // the library looks for a token at introspection and revocation in three models: one statement answers all
    if (state === undefined || !tokenModels.has(model) || (route !== 'introspection' && route !== 'revocation')) {
      return findArtifact(db, model, id)
    }
    const lookup = state.lookups.get(id) ?? findToken(db, id)
    state.lookups.set(id, lookup)
    return (await lookup).get(model)
  }

  return {
    async find (id) {
      const stored = artifactId(model, id)
      const payload = await load(stored)
      if (payload === undefined) return undefined
      const state = currentState()
      if (state && sources.has(model) && typeof payload['grantId'] === 'string') {
        const grantHash = hashGrantId(payload['grantId'])
        state.source = { model, id: stored, grantHash }
        const by = currentRequest()
        if (by?.route === 'token' && by.client !== undefined && by.client.clientId !== payload['clientId']) {
          // it has leaked: the library refuses this client, and the grant ends for every other one (RFC 9700 §4.5)
          log.warn(
            { model, clientId: payload['clientId'], by: by.client.clientId },
            'presented by another client, grant revoked'
          )
          await revokeReplayed(parts, { model, grantHash }, by.client.clientId)
        }
      }
      return { ...openPersonal(crypto, stored, payload), jti: id } as AdapterPayload
    },

    /**
     * @throws InvalidGrant when the code or refresh token was used by another request or is gone
     * @throws LoginRequired when the session of an authorization code has ended meanwhile
     */
    async upsert (id, payload, ttl) {
      const row = artifactRow(parts, { model, id, adapterPayload: payload, ttl })
      row.payload = sealPersonal(crypto, row.id, row.payload)
      if (!issuedOnce.has(model)) return upsertArtifact(db, row)

      const state = currentState()
      const { source, session } = state ?? {}
      if (model !== 'AuthorizationCode' && source !== undefined && source.grantHash === row.grantHash) {
        const waiting = state?.waiting === source
        if (waiting) delete state?.waiting
        const inserted = waiting ? await consumeAndInsert(db, source, row) : await insertUnder(db, source, row)
        // a replay or a logout revoked the grant since the first token of this response: no further one is stored
        if (!inserted && state?.issued !== true) await refuse(source)
        if (state) state.issued = true
      } else if (model === 'AuthorizationCode' && session !== undefined && session.uid === row.sessionUid) {
        if (!(await insertUnderSession(db, session.uid, row))) throw new errors.LoginRequired('the session has ended')
        await recordSilentLogin(payload)
      } else {
        await insertArtifact(db, row)
      }
    },

    /**
     * @throws InvalidGrant when it was used before; everything issued under its grant is revoked then (RFC 6749 §4.1.2)
     */
    async consume (id) {
      const state = currentState()
      const stored = artifactId(model, id)
      const source = state?.source
      if (state?.defers === true && source?.model === model && source.id === stored) {
        state.waiting = source
        return
      }
      if (await consumeArtifact(db, { model, id: stored })) return
      if (model === 'PushedAuthorizationRequest') {
        throw new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used')
      }
      if (source?.id === stored) await refuse(source)
      const grantId = (await findArtifact(db, model, stored))?.['grantId']
      if (typeof grantId === 'string') await revokeReplayed(parts, { model, grantHash: hashGrantId(grantId) })
      throw new errors.InvalidGrant('already used')
    },

    async destroy (id) {
      const by = currentRequest()
      const clientId = by?.client?.clientId
      if (by?.route !== 'revocation' || clientId === undefined) {
        // the library destroys a refresh token that was used before, beside revoking its grant
        const source = by?.route === 'token' ? currentState()?.source : undefined
        const stored = artifactId(model, id)
        if (model === 'RefreshToken' && source?.id === stored) await revokeOnce(source.grantHash)
        else await deleteArtifact(db, model, stored)
        return
      }
      await inTransaction(db, async (trx) => {
        if (!(await deleteArtifact(trx, model, artifactId(model, id)))) return
        const entities = by.entities as Record<string, { accountId?: string } | undefined>
        await trail?.revoked(trx, { model, clientId, accountId: entities[model]?.accountId ?? null })
      })
    },

    /** Revokes for all models: the library asks once for each of them, at the same time. */
    async revokeByGrantId (grantId) {
      await revokeOnce(hashGrantId(grantId))
    },

    findByUid: notSupported,
    findByUserCode: notSupported
  }

  async function refuse (source: Source): Promise<never> {
    await revokeReplayed(parts, source)
    throw new errors.InvalidGrant('already used, or revoked')
  }

  async function revokeOnce (grantHash: string): Promise<void> {
    const state = currentState()
    const running = state?.revocations.get(grantHash)
    if (running) return await running
    const revocation = revoke(grantHash).finally(() => state?.revocations.delete(grantHash))
    state?.revocations.set(grantHash, revocation)
    await revocation
  }

  /** At the token endpoint the library revokes a grant for one reason: its code or refresh token was used before. */
  async function revoke (grantHash: string): Promise<void> {
    const source = currentRequest()?.route === 'token' ? currentState()?.source : undefined
    if (source?.grantHash === grantHash) await revokeReplayed(parts, source)
    else await revokeGrantHash(db, grantHash)
  }

  /** After a page the login itself is in the audit trail; here the session answered at once. */
  async function recordSilentLogin ({ clientId, grantId, acr }: AdapterPayload): Promise<void> {
    const request = currentRequest()
    const personId = (request?.account as { person?: { id: string } } | undefined)?.person?.id
    if (trail === undefined || request?.route !== 'authorization' || personId === undefined) return
    await trail.loggedInSilently(db, {
      personId,
      clientId: clientId ?? '',
      context: grantContext(crypto, grantId, verifiedGrants()),
      acr
    })
  }
}

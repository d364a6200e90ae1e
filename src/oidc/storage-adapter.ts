/**
 * The library's storage on PostgreSQL. `createStorageAdapter` gives the adapter of each model;
 * `completeStorage` completes it on a provider (once for every provider built).
 *
 * What the library leaves open is closed here: consumption is one conditional statement, what is issued
 * falls with what it was issued from, sessions merge, interaction results are written once, replays
 * are refused. Models with rules of their own have files of their own.
 */
import { errors, type Adapter, type AdapterFactory, type AdapterPayload, type Provider } from 'oidc-provider'
import { notSupported, type AdapterParts } from './adapter-parts.ts'
import { createArtifactAdapter } from './artifact-adapter.ts'
import { loadClient } from './client-store.ts'
import { deferConsumption } from './deferred-consumption.ts'
import { createDeviceCodeAdapter } from './device-code-adapter.ts'
import { artifactId } from '../tokens/artifact-repository.ts'
import { grantPayload } from '../tokens/grant-id.ts'
import { noteUse } from '../tokens/replay.ts'
import { createInteractionAdapter } from './interaction-adapter.ts'
import { replaceReplayDetection } from './overrides/detect-replay.ts'
import { verifiedGrants } from './request-state.ts'
import { createSessionAdapter } from './session-adapter.ts'

export type { AdapterParts } from './adapter-parts.ts'

export function createStorageAdapter (parts: AdapterParts): AdapterFactory {
  return (model) => {
    switch (model) {
      case 'Client':
        return createClientAdapter(parts)
      case 'Grant':
        return createGrantAdapter(parts)
      case 'Interaction':
        return createInteractionAdapter(parts)
      case 'ReplayDetection':
        return createReplayAdapter(parts)
      case 'Session':
        return createSessionAdapter(parts)
      case 'DeviceCode':
        return createDeviceCodeAdapter(parts, createArtifactAdapter(parts, model))
      default:
        return createArtifactAdapter(parts, model)
    }
  }
}

/** Must be called for each provider built with the adapter, before it serves. */
export function completeStorage (provider: Provider, { db, limits }: Pick<AdapterParts, 'db' | 'limits'>): void {
  deferConsumption(provider, db)
  // `iss` is a client_id, which has no line break: the pair is unambiguous
  replaceReplayDetection(provider, (iss, jti, exp) =>
    noteUse(
      db,
      artifactId('ReplayDetection', `${iss}\n${jti}`),
      Math.max(exp - Math.floor(Date.now() / 1000), 0) + limits.clockToleranceSeconds
    )
  )
}

/** Grants have no row (grant-id.ts). */
function createGrantAdapter ({ crypto }: AdapterParts): Adapter {
  return {
    find: async (id) => grantPayload(crypto, id, verifiedGrants()),
    async upsert (id) {
      if (grantPayload(crypto, id, verifiedGrants()) === undefined) {
        throw new Error('a grant is made by createGrant')
      }
    },
    // what was issued under it goes by revokeByGrantId; no identifier of it is kept anywhere else
    destroy: async () => {},
    consume: notSupported,
    findByUid: notSupported,
    findByUserCode: notSupported,
    revokeByGrantId: notSupported
  }
}

/** `replaceReplayDetection` asks in one statement; this is the library's own way to ask, made safe. */
function createReplayAdapter ({ db, limits }: AdapterParts): Adapter {
  return {
    find: async () => undefined,
    async upsert (id, _payload, ttl = 0) {
      if (!(await noteUse(db, id, Math.max(ttl, 0) + limits.clockToleranceSeconds))) {
        throw new errors.InvalidRequest('used before')
      }
    },
    destroy: notSupported,
    consume: notSupported,
    findByUid: notSupported,
    findByUserCode: notSupported,
    revokeByGrantId: notSupported
  }
}

/** Clients are written by their feature, never by the library. */
function createClientAdapter ({ db, testLoginJwk }: AdapterParts): Adapter {
  return {
    find: async (clientId) => (await loadClient(db, clientId, testLoginJwk))?.metadata as AdapterPayload | undefined,
    upsert: notSupported,
    destroy: notSupported,
    consume: notSupported,
    findByUid: notSupported,
    findByUserCode: notSupported,
    revokeByGrantId: notSupported
  }
}

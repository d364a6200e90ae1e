/**
 * The storage of the provider on PostgreSQL. `createStorageAdapter` makes the adapter of each model, and
 * `completeStorage` completes it on each new provider.
 *
 * The library's storage interface leaves some rules to the storage: a code is consumed by one conditional statement,
 * revoking a code or session revokes the tokens issued from it, concurrent changes of a session are merged, the result
 * of an interaction is written once, and replays are refused. A model with such rules has a file.
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

/** To be called for each new provider with the adapter, before it serves. */
export function completeStorage (provider: Provider, parts: Pick<AdapterParts, 'db' | 'limits' | 'trail'>): void {
  const { db, limits } = parts
  deferConsumption(provider, parts)
  // `iss` is a client_id, which has no line break: the pair is unambiguous
  replaceReplayDetection(provider, (iss, jti, exp) =>
    noteUse(
      db,
      artifactId('ReplayDetection', `${iss}\n${jti}`),
      Math.max(exp - Math.floor(Date.now() / 1000), 0) + limits.clockToleranceSeconds
    )
  )
}

/** Grants have no row (tokens/grant-id.ts). */
function createGrantAdapter ({ crypto }: AdapterParts): Adapter {
  return {
    find: async (id) => grantPayload(crypto, id, verifiedGrants()),
    async upsert (id) {
      if (grantPayload(crypto, id, verifiedGrants()) === undefined) {
        throw new Error('a grant is made by createGrant')
      }
    },
    // `revokeByGrantId` deletes what was issued under it; nothing else keeps its identifier
    destroy: async () => {},
    consume: notSupported,
    findByUid: notSupported,
    findByUserCode: notSupported,
    revokeByGrantId: notSupported
  }
}

/** The overridden check does not call it (overrides/detect-replay.ts); without the override it refuses replays, too. */
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

/** The library only reads clients. */
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

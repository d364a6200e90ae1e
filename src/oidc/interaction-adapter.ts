/**
 * The Interaction model. The identifier is in the browser's cookie and in the address to which the login returns; only
 * the browser that began the interaction finds it. Neither the identifier nor the session's cookie value is stored, and
 * a device code and parameters that name a person only encrypted.
 *
 * A result is written once, into a row that exists. Resuming the authorization deletes the row, which one request can.
 */
import { errors, Provider, type Adapter, type AdapterPayload } from 'oidc-provider'
import { DomainError } from '../domain/errors.ts'
import { artifactId, decryptPart, deleteArtifact, encryptPart, findArtifact } from '../tokens/artifact-repository.ts'
import { saveInteraction, submitInteraction } from '../tokens/interaction-repository.ts'
import { notSupported, type AdapterParts } from './adapter-parts.ts'
import { openPersonal, sealPersonal } from './personal-parameters.ts'
import { ensurePresentedBrowser, presentedBrowser } from './browser-binding.ts'

/** Replaces the identifier in the stored address. */
const placeholder = '{uid}'

/** The library reads it at the return from the hosted login; the hosted login compares for itself. */
function isOwnBrowser ({ browserHash }: Record<string, unknown>): boolean {
  const ctx = Provider.ctx
  // started by a version that did not store it
  return ctx === undefined || browserHash === undefined || browserHash === presentedBrowser(ctx)
}

export function createInteractionAdapter ({ db, crypto, limits }: AdapterParts): Adapter {
  return {
    async find (uid) {
      const stored = await findArtifact(db, 'Interaction', artifactId('Interaction', uid))
      if (stored === undefined || !isOwnBrowser(stored)) return undefined
      const payload = openPersonal(crypto, artifactId('Interaction', uid), stored)
      const { returnTo, deviceCode } = payload as { returnTo?: string; deviceCode?: string }
      return {
        ...payload,
        ...(returnTo === undefined ? {} : { returnTo: returnTo.replace(placeholder, uid) }),
        ...(deviceCode === undefined
          ? {}
          : { deviceCode: decryptPart(crypto, artifactId('Interaction', uid), deviceCode) }),
        jti: uid
      } as AdapterPayload
    },

    /** @throws DomainError `interaction_gone` when it has another result, was resumed, or has expired */
    async upsert (uid, { jti: _jti, ...given }, ttl = 0) {
      const { session, returnTo, deviceCode } = given as {
        session?: Record<string, unknown>
        returnTo?: string
        deviceCode?: string
      }
      const { cookie: _cookie, ...rest } = session ?? {}
      const ctx = Provider.ctx
      const payload = {
        ...given,
        // the library makes an interaction only within a request of the browser that begins it
        ...(ctx === undefined || 'browserHash' in given ? {} : { browserHash: ensurePresentedBrowser(ctx) }),
        ...(session === undefined ? {} : { session: rest }),
        ...(returnTo === undefined ? {} : { returnTo: returnTo.replace(uid, placeholder) }),
        ...(deviceCode === undefined
          ? {}
          : { deviceCode: encryptPart(crypto, artifactId('Interaction', uid), deviceCode) })
      }
      const save = 'result' in given ? submitInteraction : saveInteraction
      const keepSeconds = ttl + limits.clockToleranceSeconds
      const sealed = sealPersonal(crypto, artifactId('Interaction', uid), payload)
      if (!(await save(db, { uid, payload: sealed, keepSeconds }))) throw new DomainError('interaction_gone')
    },

    /** @throws SessionNotFound when another request resumed it first */
    async destroy (uid) {
      if (!(await deleteArtifact(db, 'Interaction', artifactId('Interaction', uid)))) {
        throw new errors.SessionNotFound('interaction session not found')
      }
    },

    findByUid: notSupported,
    findByUserCode: notSupported,
    consume: notSupported,
    revokeByGrantId: notSupported
  }
}

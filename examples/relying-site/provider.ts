/**
 * The link to the identity provider. Everything about it except the issuer comes from its discovery document
 * (OIDC Discovery §4), fetched when first needed and kept; a failure is not kept, so the next request tries again.
 */
import { createRemoteJWKSet, type JWTVerifyGetKey } from 'jose'
import { setTimeout as wait } from 'node:timers/promises'
import * as oidc from 'openid-client'

export interface OpenIdProvider {
  /** Configuration of this site as a client. Throws ProviderUnreachable. */
  configuration(): Promise<oidc.Configuration>
  /** The provider's public keys, fetched and refetched as needed. Throws ProviderUnreachable. */
  keys(): Promise<JWTVerifyGetKey>
  /** Asks the provider about a token, as the protected resource (RFC 7662). Throws what openid-client throws. */
  introspect(token: string): Promise<oidc.IntrospectionResponse>
  /** GET with a bearer token; throws WWWAuthenticateChallengeError on a challenge (RFC 6750 §3, RFC 9470 §3). */
  get(url: URL, accessToken: string): Promise<Response>
}

/** The discovery document cannot be had, or is not the issuer's. */
export class ProviderUnreachable extends Error {
  override readonly name = 'ProviderUnreachable'
}

const ATTEMPTS = 3
const PAUSE_MS = 300
const TIMEOUT_SECONDS = 5

/** Throws when `issuer` is http and not on a loopback address: codes and tokens would travel in the clear. */
export function openIdProvider (options: {
  issuer: string
  clientId: string
  clientSecret: string
  resourceClient?: { id: string; secret: string }
}): OpenIdProvider {
  const issuer = new URL(options.issuer)
  const insecure = issuer.protocol === 'http:'
  if (insecure && !isLoopback(issuer.hostname)) {
    throw new Error('the issuer must be https (http is for loopback addresses only)')
  }

  let ready: Promise<oidc.Configuration> | undefined
  let keys: JWTVerifyGetKey | undefined

  function configuration (): Promise<oidc.Configuration> {
    ready ??= discover().catch((error: unknown) => {
      ready = undefined
      throw new ProviderUnreachable(`discovery of ${options.issuer} failed`, { cause: error })
    })
    return ready
  }

  async function discover (): Promise<oidc.Configuration> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await oidc.discovery(
          issuer,
          options.clientId,
          undefined,
          oidc.ClientSecretBasic(options.clientSecret),
          {
            // Signatures of ID tokens are checked too, not only the TLS connection they came through (OIDC Core
            // §3.1.3.7).
            execute: insecure
              ? [oidc.enableNonRepudiationChecks, oidc.allowInsecureRequests]
              : [oidc.enableNonRepudiationChecks],
            timeout: TIMEOUT_SECONDS
          }
        )
      } catch (error) {
        if (attempt === ATTEMPTS) throw error
        await wait(PAUSE_MS)
      }
    }
  }

  return {
    configuration,

    async keys () {
      const { jwks_uri: uri } = (await configuration()).serverMetadata()
      if (uri === undefined) throw new ProviderUnreachable('the discovery document names no jwks_uri')
      keys ??= createRemoteJWKSet(new URL(uri), { timeoutDuration: TIMEOUT_SECONDS * 1000 })
      return keys
    },

    async introspect (token) {
      const config = await configuration()
      if (!options.resourceClient) return oidc.tokenIntrospection(config, token)
      const { id, secret } = options.resourceClient
      const resource = new oidc.Configuration(config.serverMetadata(), id, undefined, oidc.ClientSecretBasic(secret))
      resource.timeout = TIMEOUT_SECONDS
      if (insecure) oidc.allowInsecureRequests(resource)
      return oidc.tokenIntrospection(resource, token)
    },

    async get (url, accessToken) {
      const config = await configuration()
      const caller = new oidc.Configuration(config.serverMetadata(), options.clientId)
      caller.timeout = TIMEOUT_SECONDS
      // The API of this sample is this very process, reached over http on its own address.
      oidc.allowInsecureRequests(caller)
      return oidc.fetchProtectedResource(caller, accessToken, url, 'GET')
    }
  }
}

function isLoopback (hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d+){3}$/.test(hostname)
  )
}

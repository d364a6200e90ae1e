/**
 * Members of oidc-provider 9.13.3 that Kora relies on and that its published types leave out or declare otherwise.
 * Each override names the file of the library that they come from.
 */
import type { Client, KoaContextWithOIDC } from 'oidc-provider'

/** lib/helpers/claims.js: what the constructor keeps. */
export interface ClaimsMembers {
  ctx: KoaContextWithOIDC | undefined
  client: Client
}

/** lib/models/client.js: posts a logout token to the site (OIDC Back-Channel Logout 1.0 §2.5). */
export interface BackchannelLogoutMembers {
  backchannelLogout(this: Client, sub: string, sid: string): Promise<void>
}

/** lib/models/session.js, lib/shared/session.js. */
export interface SessionMembers {
  /** The identifier before `resetIdentifier`, until the session is saved. */
  oldId?: string
  /** A session that is touched is saved when the request ends. */
  touched?: boolean
}

/** lib/models/device_code.js: a truthy mark of the browser that decides; the library itself only writes `true`. */
export interface DeviceCodeMembers {
  inFlight?: unknown
}

/** lib/models/interaction.js. */
export interface InteractionPayload {
  returnTo: string
  prompt: { name: string; reasons: string[]; details: Record<string, unknown> }
  params: Record<string, unknown>
  cid: string
  deviceCode?: string
  session?: object
  browserHash?: string
}
/** What Kora adds (keep-interaction-browser.ts). */
export interface InteractionBrowser {
  browserHash?: string
}
/** lib/models/payload.js: the members that a model keeps. */
export interface PayloadMembers {
  readonly IN_PAYLOAD: readonly string[]
}
export interface InteractionConstructor {
  new (uid: string, payload: InteractionPayload): { save(ttl: number): Promise<string> }
}

/** lib/models/pushed_authorization_request.js: `trusted` is a flag there, not a list as in the published types. */
export interface PushedRequestPayload {
  request: string
  dpopJkt: string | undefined
  trusted: boolean
}
export interface PushedRequestConstructor {
  new (payload: PushedRequestPayload): { save(ttl: number): Promise<string> }
}

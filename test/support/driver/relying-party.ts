/** A relying site on the unmodified `openid-client`: what integrators write, driven through a scripted browser. */
import * as oidc from 'openid-client'
import type { Answer, Browser } from './browser.ts'
import { continueAfterPhone, payloadOf, submitPassword, type Credentials } from './journeys.ts'
import type { SandboxClient } from './sandbox.ts'

export interface RelyingPartyOptions {
  issuer: string
  clientId: string
  /** Undefined: a public client, or `auth`. */
  secret?: string | null
  auth?: oidc.ClientAuth
  redirectUri: string
  scope?: string
  /** Client metadata that the library itself must know (id_token_signed_response_alg …). */
  metadata?: Partial<oidc.ClientMetadata>
  /** Another way to the provider than its address. */
  fetch?: typeof fetch
}

/** One authorization request: what must be kept until the answer comes. */
export interface Started {
  url: URL
  verifier: string
  nonce: string
  state: string
  maxAge?: number
}
export type Tokens = Awaited<ReturnType<typeof oidc.authorizationCodeGrant>>

export class RelyingParty {
  readonly config: oidc.Configuration
  readonly #options: RelyingPartyOptions

  private constructor (config: oidc.Configuration, options: RelyingPartyOptions) {
    this.config = config
    this.#options = options
  }

  static async discover (options: RelyingPartyOptions): Promise<RelyingParty> {
    const auth =
      options.auth ?? (typeof options.secret === 'string' ? oidc.ClientSecretBasic(options.secret) : oidc.None())
    const config = await oidc.discovery(
      new URL(options.issuer),
      options.clientId,
      { id_token_signed_response_alg: 'ES256', ...options.metadata },
      auth,
      {
        execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
        ...(options.fetch === undefined ? {} : { [oidc.customFetch]: options.fetch as oidc.CustomFetch })
      }
    )
    return new RelyingParty(config, options)
  }

  get redirectUri (): string {
    return this.#options.redirectUri
  }

  /** For `stop` of the browser: the person is back at the site. */
  readonly arrived = (url: URL): boolean => {
    const home = new URL(this.#options.redirectUri)
    return url.origin === home.origin && url.pathname === home.pathname
  }

  async start (extra: Record<string, string> = {}): Promise<Started> {
    const [verifier, nonce, state] = [oidc.randomPKCECodeVerifier(), oidc.randomNonce(), oidc.randomState()]
    const url = oidc.buildAuthorizationUrl(this.config, {
      redirect_uri: this.#options.redirectUri,
      scope: this.#options.scope ?? 'openid profile',
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      nonce,
      state,
      ...extra
    })
    return {
      url,
      verifier,
      nonce,
      state,
      ...(extra['max_age'] === undefined ? {} : { maxAge: Number(extra['max_age']) })
    }
  }

  /** Follows the request until a page of the provider, or the way back to the site (`answer.url`). */
  async visit (browser: Browser, started: Started): Promise<Answer> {
    return await browser.go(started.url.href, {}, this.arrived)
  }

  /**
   * Redeems the code of the address that the browser arrived at; the library checks state, iss, nonce, at_hash,
   * signature.
   */
  async redeem (
    started: Started,
    arrival: string | Request,
    options: oidc.DPoPOptions = {},
    parameters: Record<string, string> = {}
  ): Promise<Tokens> {
    const current = typeof arrival === 'string' ? new URL(arrival) : arrival
    return await oidc.authorizationCodeGrant(
      this.config,
      current,
      {
        pkceCodeVerifier: started.verifier,
        expectedNonce: started.nonce,
        expectedState: started.state,
        idTokenExpected: true,
        ...(started.maxAge === undefined ? {} : { maxAge: started.maxAge })
      },
      parameters,
      options
    )
  }

  /** A whole login with account and password, for people who need nothing else. */
  async login (browser: Browser, person: Credentials, extra: Record<string, string> = {}): Promise<Tokens> {
    const started = await this.start(extra)
    let page = await this.visit(browser, started)
    if (!this.arrived(new URL(page.url))) page = await submitPassword(browser, page, person, this.arrived)
    return await this.redeem(started, arrivedAt(this, page))
  }

  /** Single sign-on: nothing may be asked. */
  async again (browser: Browser, extra: Record<string, string> = {}): Promise<Tokens> {
    const started = await this.start(extra)
    return await this.redeem(started, arrivedAt(this, await this.visit(browser, started)))
  }
}

/** The address with the answer. Throws with the page's text when the person is somewhere else. */
export function arrivedAt (party: RelyingParty, page: Answer): string {
  if (party.arrived(new URL(page.url))) return page.url
  throw new Error(
    `expected to be back at the site, not at ${page.status} ${page.url}: ${page.text
      .replace(/<style[\s\S]*?<\/style>|<[^>]+>/g, ' ')
      .replace(/\s+/g, ' ')
      .slice(0, 400)}`
  )
}

/** The phone's whole side of a QR page, then the page's own form; returns where the browser is sent. */
export async function scanAndReturn (
  browser: Browser,
  sandbox: SandboxClient,
  qr: Answer,
  person: string,
  stop: (url: URL) => boolean
): Promise<Answer> {
  const phone = await sandbox.journey({ payload: payloadOf(qr), person })
  if (phone.outcome !== 'confirmed') throw new Error(`phone: ${phone.outcome} ${JSON.stringify(phone.steps.at(-1))}`)
  const done = await continueAfterPhone(browser, qr, stop)
  const back = /href="([^"]*\/oidc\/auth\/[^"]*)"/.exec(done.text)?.[1]
  return back === undefined ? done : await browser.go(new URL(back, done.url).href, {}, stop)
}

/** The error that the browser brings back to the site. */
export function errorOf (party: RelyingParty, page: Answer): string | null {
  return new URL(arrivedAt(party, page)).searchParams.get('error')
}

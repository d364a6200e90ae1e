/**
 * What this site remembers about a browser: the local session (who is signed in here) and logins on their way.
 * Both live in memory under random keys; the cookies hold nothing but the key.
 */
import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { randomBytes } from 'node:crypto'
import type { IDToken, TokenEndpointResponse, TokenEndpointResponseHelpers, UserInfoResponse } from 'openid-client'
import { ExpiringMap } from './expiring-map.ts'
import type { Html } from './html.ts'

export interface Session {
  claims: IDToken
  idToken: string
  accessToken: string
  accessTokenExpiresAt: Date | undefined
  refreshToken: string | undefined
  scope: string | undefined
  userinfo: UserInfoResponse | undefined
  /** Outcome of the last action, shown once. */
  notice?: Html | undefined
  /** A refresh under way, so that a double click does not send one refresh token twice. */
  refreshing?: Promise<void> | undefined
}

/** An authorization request on its way, found again by its state parameter. */
export interface PendingLogin {
  /** Which browser began: the same one must come back (RFC 9700 §4.7.1). */
  browser: string
  nonce: string
  codeVerifier: string
  /** What was asked for, so that "try again" can ask the same. */
  asked: LoginRequest
}

/** The choices a link of this site can make about a login. */
export interface LoginRequest {
  prompt?: 'none' | 'login' | 'select_account'
  acr_values?: string
  /** Seconds. */
  max_age?: number
  ui_locales?: 'zh-CN' | 'bo' | 'en'
  /** Unified social credit code: only in the name of this organization. */
  organization?: string
  /** And only when this may be done for it: a code of our catalogue of functions. */
  function?: string
  /** Page of this site to show afterwards. */
  next?: '/me' | '/property-certificate'
}

const MINUTE = 60_000
const IDLE = 30 * MINUTE
const LOGIN_TIME = 15 * MINUTE
const LIMIT = 10_000

export type SiteSessions = ReturnType<typeof siteSessions>

/** Cookies are named after the client, because localhost shares its cookies among all ports. */
export function siteSessions (clientId: string, secure: boolean) {
  const prefix = (secure ? '__Host-' : '') + clientId.replace(/\W/g, '_')
  const sessionCookie = `${prefix}_session`
  const browserCookie = `${prefix}_login`
  const cookie: CookieSerializeOptions = { path: '/', httpOnly: true, sameSite: 'lax', secure }

  const sessions = new ExpiringMap<Session>(IDLE, LIMIT)
  const endedByProvider = new ExpiringMap<true>(IDLE, LIMIT)
  const logins = new ExpiringMap<PendingLogin>(LOGIN_TIME, LIMIT)
  const logouts = new ExpiringMap<{ browser: string }>(LOGIN_TIME, LIMIT)

  const keyOf = (request: FastifyRequest) => request.cookies[sessionCookie] ?? ''

  function browserOf (request: FastifyRequest, reply: FastifyReply): string {
    const browser = request.cookies[browserCookie] ?? random()
    reply.setCookie(browserCookie, browser, { ...cookie, maxAge: LOGIN_TIME / 1000 })
    return browser
  }

  return {
    /** The session of this browser; being asked for keeps it alive. */
    current (request: FastifyRequest): Session | undefined {
      const session = sessions.get(keyOf(request))
      if (session) sessions.set(keyOf(request), session)
      return session
    },

    /** Always under a new key, so that a key planted before login is worth nothing (session fixation). */
    start (request: FastifyRequest, reply: FastifyReply, session: Session): void {
      sessions.delete(keyOf(request))
      const key = random()
      sessions.set(key, session)
      reply.setCookie(sessionCookie, key, cookie)
    },

    end (request: FastifyRequest, reply: FastifyReply): void {
      sessions.delete(keyOf(request))
      reply.clearCookie(sessionCookie, cookie)
    },

    /** Ends every session a logout token speaks of: that sid, or without one all of that sub. Returns how many. */
    endByProvider ({ sid, sub }: { sid?: string | undefined; sub?: string | undefined }): number {
      const ended = [...sessions.entries()].filter(([, { claims }]) =>
        sid === undefined ? claims.sub === sub : claims.sid === sid && (sub === undefined || claims.sub === sub)
      )
      for (const [key] of ended) {
        sessions.delete(key)
        endedByProvider.set(key, true)
      }
      return ended.length
    },

    /** True once, for a browser whose session the provider ended. */
    wasEndedByProvider (request: FastifyRequest, reply: FastifyReply): boolean {
      if (!endedByProvider.take(keyOf(request))) return false
      reply.clearCookie(sessionCookie, cookie)
      return true
    },

    beginLogin (
      request: FastifyRequest,
      reply: FastifyReply,
      state: string,
      login: Omit<PendingLogin, 'browser'>
    ): void {
      logins.set(state, { ...login, browser: browserOf(request, reply) })
    },

    /** The login with this state, once, and only in the browser that began it. */
    finishLogin (request: FastifyRequest, state: string): PendingLogin | undefined {
      if (logins.get(state)?.browser !== request.cookies[browserCookie]) return undefined
      return logins.take(state)
    },

    beginLogout (request: FastifyRequest, reply: FastifyReply, state: string): void {
      logouts.set(state, { browser: browserOf(request, reply) })
    },

    finishLogout (request: FastifyRequest, state: string): boolean {
      return logouts.get(state)?.browser === request.cookies[browserCookie] && logouts.take(state) !== undefined
    }
  }
}

/**
 * Takes over what a token response brings; a refresh may leave out the ID token and the refresh token (OIDC Core
 * §12.2).
 */
export function fromTokens (tokens: TokenEndpointResponse & TokenEndpointResponseHelpers, before?: Session): Session {
  const claims = tokens.claims() ?? before?.claims
  const idToken = tokens.id_token ?? before?.idToken
  if (!claims || !idToken) throw new Error('the provider sent no ID token')
  const lifetime = tokens.expiresIn()
  return {
    claims,
    idToken,
    accessToken: tokens.access_token,
    accessTokenExpiresAt: lifetime === undefined ? undefined : new Date(Date.now() + lifetime * 1000),
    refreshToken: tokens.refresh_token ?? before?.refreshToken,
    scope: tokens.scope ?? before?.scope,
    userinfo: before?.userinfo
  }
}

function random (): string {
  return randomBytes(32).toString('base64url')
}

/**
 * The one relying party of the sites of Kora itself, the user center and the console: authorization code with PKCE
 * (RFC 7636) at our own endpoints, with the same rules as for every other site. It owns the way from the start of a
 * login to the session cookie, and reading, renewing and ending that session; records/own-sites stores both.
 *
 * A site says what is its own in one description (description.ts): client, cookie, lifetimes, what the authorization
 * request asks for, who is admitted and who is looked up at every request. Its pages, forms and tokens of forms stay
 * with the site.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Kysely, Transaction } from 'kysely'
import type { Database, OwnSiteName } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import { PageError } from '../../http/page-error.ts'
import { routes } from '../../oidc/configuration.ts'
import { ensureOwnClient, hashVerifier, isOurs, redeemCode } from '../../oidc/own-client.ts'
import {
  deleteExpired,
  endSession,
  extendSession,
  findSession,
  hashSecret,
  openSession,
  saveLogin,
  takeLogin,
  type SessionLifetime,
  type SessionSubject,
  type StoredSession
} from '../../records/own-sites/index.ts'
import { findClientSessionBySid } from '../../tokens/client-sessions.ts'
import { describeCookie } from './cookie.ts'
import type { OwnSiteDeps } from './deps.ts'
import type { OwnSite } from './description.ts'

export type { Admitted, OwnSite, VerifiedLogin } from './description.ts'

/** What the pages of a site do with its relying party. */
export interface RelyingParty<Subject> {
  /** To the authorization endpoint; `to` of the query is the page to come back to. */
  beginLogin(request: FastifyRequest, reply: FastifyReply, parameters?: Record<string, string>): Promise<FastifyReply>
  /**
   * The redirect address: redeems the code and opens a session.
   * @throws PageError
   */
  finishLogin(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>
  /** Whose session this request belongs to, as of now; null = nobody is signed in. */
  findSubject(request: FastifyRequest): Promise<Subject | null>
  /** For a way to sign in without the authorization endpoint. Returns what `keepCookie` gives to the browser. */
  openSession(trx: Transaction<Database>, browserHash: string, subject: SessionSubject): Promise<string>
  keepCookie(reply: FastifyReply, secret: string): void
  /** Ends a session of this site. */
  endSession(db: Kysely<Database> | Transaction<Database>, idHash: string): Promise<void>
  clearCookie(reply: FastifyReply): void
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Creates the client when it is missing. Call once for each site, when Kora starts. */
export async function createRelyingParty<Subject> (
  app: FastifyInstance,
  deps: OwnSiteDeps,
  site: OwnSite<Subject>
): Promise<RelyingParty<Subject>> {
  const { db, audit, clock } = deps
  const { issuer } = deps.config
  const { client, homePath } = site
  const secret = await ensureOwnClient(deps, client)
  const cookie = describeCookie(issuer, site.cookie)
  const readCookie = (request: FastifyRequest): string => request.cookies[cookie.name] ?? ''

  async function readSession (request: FastifyRequest): Promise<StoredSession | null> {
    const { browser } = request
    return browser === null
      ? null
      : await findSession(db, { site: site.name, secret: readCookie(request), browserHash: browser.hash })
  }

  const openOwnSession: RelyingParty<Subject>['openSession'] = async (trx, browserHash, subject) =>
    await openSession(trx, { site: site.name, browserHash, subject, lifetime: site.lifetime })

  const keepCookie: RelyingParty<Subject>['keepCookie'] = (reply, session) => {
    reply.setCookie(cookie.name, session, cookie.options)
  }

  return {
    async beginLogin (request, reply, parameters = {}) {
      const { state, nonce, verifier } = await saveLogin(deps, {
        site: site.name,
        browserHash: reply.ensureBrowser().hash,
        returnTo: site.readReturnPath((request.query as { to?: unknown }).to)
      })
      const query = new URLSearchParams({
        client_id: client.clientId,
        response_type: 'code',
        redirect_uri: client.callback,
        scope: 'openid',
        ...site.listParameters(request),
        ...parameters,
        state,
        nonce,
        code_challenge: hashVerifier(verifier),
        code_challenge_method: 'S256'
      })
      return await reply
        .header('cache-control', 'no-store')
        .redirect(`${routes.authorization}?${query.toString()}`, 303)
    },

    async finishLogin (request, reply) {
      const { code, state, iss, error } = request.query as Record<string, unknown>
      const { browser } = request
      reply.header('cache-control', 'no-store')
      const login =
        browser === null
          ? null
          : await takeLogin(deps, { site: site.name, state: text(state), browserHash: browser.hash })
      // an old page of the history: who is signed in goes on there, everybody else begins again
      if (login === null || browser === null) return await reply.redirect(homePath, 303)
      if (text(error) === 'access_denied' && site.deniedPath !== null) return await reply.redirect(site.deniedPath, 303)
      if (error !== undefined || iss !== issuer) throw new PageError(400, 'oauth', { restartHref: homePath })

      const expired = new PageError(400, 'expired', { restartHref: homePath })
      const { nonce, verifier } = login
      const claims = await redeemCode(app, { issuer, ownClient: client, secret, code: text(code), verifier })
      const expected = { issuer, clientId: client.clientId, nonce, now: clock.now() }
      if (claims === null || !isOurs(claims, expected)) throw expired

      const contextId = await site.readContextId(claims)
      const before = readCookie(request)
      const opened = await inTransaction(db, async (trx) => {
        if (before !== '') await endSession(trx, hashSecret(before))
        const named = { accountId: text(claims.sub), clientId: client.clientId, sid: text(claims['sid']), contextId }
        const clientSession = await findClientSessionBySid(trx, named)
        if (clientSession === null) return null
        const admitted = await site.admit(trx, { claims, clientSession, request })
        if (admitted === null) return null
        const { subject, event } = admitted
        await audit.record(trx, {
          ...event,
          clientId: client.clientId,
          address: request.clientAddress.ip,
          traceId: String(request.id)
        })
        return await openOwnSession(trx, browser.hash, subject)
      })
      // ended between the code and here
      if (opened === null) throw expired
      keepCookie(reply, opened)
      return await reply.redirect(login.returnTo, 303)
    },

    async findSubject (request) {
      const session = await readSession(request)
      const subject = session === null ? null : await site.findSubject(session)
      if (session === null || subject === null) return null
      await extendSession(db, session, site.lifetime)
      return subject
    },

    openSession: openOwnSession,
    keepCookie,
    endSession,

    clearCookie (reply) {
      reply.clearCookie(cookie.name, cookie.options)
    }
  }
}

/** Deletes at most `limit` requests and sessions of a site that have expired. Returns how many. */
export const sweepOwnSite = async (
  db: Kysely<Database>,
  { name, lifetime }: { name: OwnSiteName; lifetime: SessionLifetime },
  limit: number
): Promise<number> => await deleteExpired(db, { site: name, keptDays: lifetime.keptDays, limit })

/**
 * 试登录: a real login at this client through a callback page of the console, every step shown with what a site would
 * send. Clients in test accept this address beside their own (oidc/client-store); live ones never do. What must be
 * remembered between the two requests travels encrypted in a cookie of this browser for ten minutes.
 */
import { createHash, randomBytes } from 'node:crypto'
import { decodeJwt } from 'jose'
import { canBeTried, type ClientRecord } from '../../../../domain/client-record.ts'
import { PageError } from '../../../../http/page-error.ts'
import { routes } from '../../../../oidc/configuration.ts'
import { findClient, usesSecret } from '../../../clients/index.ts'
import type { Console, ConsoleRequest } from '../../console.ts'
import { clientOf, mayChange, writers } from './frame.ts'
import type { ClientTrialPage } from './models.ts'

const callbackPath = '/admin/trial/callback'
const cookieName = 'kora_trial'
const seconds = 600

interface Kept { clientId: string, state: string, nonce: string, verifier: string, secret: string | null, at: number }
type Step = ClientTrialPage['steps'][number]

/** Public clients and those with a secret; who signs with a key of its own cannot lend it to us. */
export const trialPossible = (client: ClientRecord): boolean => canBeTried(client) && (usesSecret(client.metadata) || client.metadata.token_endpoint_auth_method === 'none') && client.policy.profile !== 'high'

const json = (value: unknown): string => JSON.stringify(value, null, 2)
const random = (): string => randomBytes(32).toString('base64url')
/** Enough to recognise it, too little to use it. */
const short = (value: unknown): string => typeof value === 'string' && value.length > 16 ? `${value.slice(0, 8)}…` : String(value)
const masked = (answer: Record<string, unknown>): Record<string, unknown> => Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, /^(?:access_token|refresh_token|id_token)$/.test(name) ? short(value) : value]))

export function registerClientTrial (console: Console): void {
  const { config, crypto, clock, db } = console.services
  const callback = config.issuer + callbackPath

  console.page({
    method: 'POST',
    path: '/admin/clients/:id/test',
    roles: writers,
    handler: async (c) => {
      const client = await clientOf(c, console)
      if (!mayChange(c, client) || !trialPossible(client)) return c.notFound()
      const kept: Kept = { clientId: client.clientId, state: random(), nonce: random(), verifier: random(), secret: usesSecret(client.metadata) ? c.field('secret').trim().slice(0, 200) : null, at: clock.now() }
      c.reply.setCookie(cookieName, crypto.encrypt('trial', 'cookie', c.administrator.sessionHash, JSON.stringify(kept)), {
        httpOnly: true, sameSite: 'lax', secure: config.issuer.startsWith('https:'), path: '/admin/trial', maxAge: seconds
      })
      return c.reply.redirect(`${routes.authorization}?${parametersOf(client, kept).toString()}`, 303)
    }
  })

  const parametersOf = (client: ClientRecord, kept: Kept): URLSearchParams => new URLSearchParams({
    client_id: client.clientId,
    response_type: 'code',
    redirect_uri: callback,
    scope: (client.metadata.scope ?? 'openid').split(' ').filter((scope) => scope !== 'offline_access').join(' '),
    state: kept.state,
    nonce: kept.nonce,
    code_challenge: createHash('sha256').update(kept.verifier).digest('base64url'),
    code_challenge_method: 'S256'
  })

  console.page({
    method: 'GET',
    path: callbackPath,
    roles: writers,
    handler: async (c) => {
      const kept = readKept(c)
      // once: a code that was shown is not asked for again
      c.reply.clearCookie(cookieName, { path: '/admin/trial' })
      const client = kept === null ? null : await findClient(db, kept.clientId)
      if (kept === null || client === null || !trialPossible(client)) throw new PageError(400, 'expired', { restartHref: '/admin/clients' })
      return c.page('admin/client-trial', { clientId: client.clientId, steps: await walk(c, client, kept) })
    }
  })

  function readKept (c: ConsoleRequest): Kept | null {
    try {
      const kept = JSON.parse(crypto.decrypt('trial', 'cookie', c.administrator.sessionHash, c.request.cookies[cookieName] ?? '')) as Kept
      return clock.now() - kept.at < seconds * 1000 ? kept : null
    } catch {
      return null
    }
  }

  async function walk (c: ConsoleRequest, client: ClientRecord, kept: Kept): Promise<Step[]> {
    const query = Object.fromEntries(Object.entries(c.request.query as Record<string, unknown>).map(([name, value]) => [name, String(value)]))
    const steps: Step[] = [{
      title: c.t('clients.trial.request'), ok: true, note: '', curl: null, answer: `${config.issuer}${routes.authorization}?\n  ${[...parametersOf(client, kept)].map(([name, value]) => `${name}=${value}`).join('\n  &')}`
    }]
    const good = query['state'] === kept.state && query['iss'] === config.issuer && query['error'] === undefined
    steps.push({ title: c.t('clients.trial.callback'), ok: good, note: good ? c.t('clients.trial.callback.ok') : query['error'] ?? 'state / iss', curl: null, answer: json({ ...query, ...(query['code'] === undefined ? {} : { code: short(query['code']) }) }) })
    if (!good || query['code'] === undefined) return steps
    const basic = kept.secret === null ? {} : { authorization: `Basic ${Buffer.from(`${encodeURIComponent(client.clientId)}:${encodeURIComponent(kept.secret)}`).toString('base64')}` }
    const body = { grant_type: 'authorization_code', code: query['code'], redirect_uri: callback, code_verifier: kept.verifier, ...(kept.secret === null ? { client_id: client.clientId } : {}) }
    const token = await ask(c, 'POST', routes.token, basic, body)
    const curl = [`curl ${config.issuer}${routes.token}`, kept.secret === null ? `-d client_id=${client.clientId}` : `-u "${client.clientId}:$OIDC_CLIENT_SECRET"`,
      '-d grant_type=authorization_code', '-d code=$CODE', `-d redirect_uri=${callback}`, '-d code_verifier=$VERIFIER'].join(' \\\n  ')
    steps.push({ title: c.t('clients.trial.token'), ok: token.status === 200, note: `HTTP ${token.status}`, curl, answer: json(masked(token.answer)) })
    const { id_token: idToken, access_token: accessToken } = token.answer
    if (typeof idToken !== 'string' || typeof accessToken !== 'string') return steps
    const claims = decodeJwt(idToken)
    steps.push({ title: c.t('clients.trial.id_token'), ok: claims['nonce'] === kept.nonce && claims.aud === client.clientId, note: 'iss, aud, nonce', curl: null, answer: json(claims) })
    const userinfo = await ask(c, 'GET', routes.userinfo, { authorization: `Bearer ${accessToken}` })
    steps.push({ title: c.t('clients.trial.userinfo'), ok: userinfo.status === 200, note: `HTTP ${userinfo.status}`, curl: `curl ${config.issuer}${routes.userinfo} \\\n  -H "Authorization: Bearer $ACCESS_TOKEN"`, answer: json(userinfo.answer) })
    return steps
  }

  /** In this process: no network or certificate stands between. */
  async function ask (c: ConsoleRequest, method: 'GET' | 'POST', url: string, headers: Record<string, string>, body?: Record<string, string>): Promise<{ status: number, answer: Record<string, unknown> }> {
    const response = await c.request.server.inject({
      method,
      url,
      headers: { host: new URL(config.issuer).host, ...headers, ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }) },
      ...(body === undefined ? {} : { payload: new URLSearchParams(body).toString() })
    })
    try {
      return { status: response.statusCode, answer: response.json<Record<string, unknown>>() }
    } catch {
      return { status: response.statusCode, answer: { error: response.body.slice(0, 200) } }
    }
  }
}

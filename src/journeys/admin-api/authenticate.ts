/**
 * Authenticates the caller: an access token of Kora itself, with the scope of the route. Refusals of good tokens are in
 * the audit trail.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import type { AdminScope } from '../../domain/administration/admin-scopes.ts'
import type { AdminApiDeps } from './deps.ts'
import type { Throttle } from '../../records/throttle/index.ts'
import { proofFits } from './dpop.ts'
import { Problem } from './problems.ts'
import { readToken, type ApiToken } from './tokens.ts'

/** Requests of one client in a minute, and refused ones of one network. */
const requestLimits = { client: 600, refusedNetwork: 120, seconds: 60 } as const
/** Refusals of one client that are recorded in ten minutes: a flood must not fill the audit trail. */
const auditLimit = { limit: 20, seconds: 600 }

export interface Authentication {
  requireToken(request: FastifyRequest): ApiToken
}

/** @param scopeOf null = any token of an admin client; undefined = no route of ours, answered without a check */
export function authenticate (
  scope: FastifyInstance,
  deps: AdminApiDeps,
  { throttle, scopeOf }: { throttle: Throttle; scopeOf: (request: FastifyRequest) => AdminScope | null | undefined }
): Authentication {
  const tokens = new WeakMap<FastifyRequest, ApiToken>()

  async function tooMany (key: string, limit: number): Promise<void> {
    const hit = await throttle.hit(key, limit, requestLimits.seconds)
    if (!hit.allowed) {
      throw new Problem('too_many_requests', { headers: { 'retry-after': String(hit.retryAfterSeconds) } })
    }
  }

  // before the body is read
  scope.addHook('onRequest', async (request) => {
    const needed = scopeOf(request)
    if (needed === undefined) return
    const [scheme = '', value = '', ...rest] = (request.headers.authorization ?? '').split(' ')
    const kind = scheme.toLowerCase()
    if (request.headers.authorization === undefined || (kind !== 'bearer' && kind !== 'dpop')) {
      throw new Problem('token_missing')
    }
    const token = rest.length > 0 || !/^[\w.~+/-]{16,4096}=*$/.test(value) ? null : await readToken(deps, value)
    if (token === null || (token.thumbprint === null && kind === 'dpop')) {
      await tooMany(`admin-api-refused:${request.clientAddress.prefix}`, requestLimits.refusedNetwork)
      throw new Problem('token_invalid')
    }
    if (token.thumbprint !== null) {
      // a bound token is no bearer token: a thief does not have the key (RFC 9449 §7.2)
      if (kind !== 'dpop') throw new Problem('token_invalid')
      const address = deps.config.issuer + (request.url.split('?')[0] ?? '')
      const target = { method: request.method, address, accessToken: value, thumbprint: token.thumbprint }
      if (!(await proofFits(deps, request.headers['dpop'], target))) throw new Problem('proof_invalid')
    }
    await tooMany(`admin-api:${token.clientId}`, requestLimits.client)
    if (needed !== null && !token.scopes.includes(needed)) {
      await recordDenied(request, token, needed)
      throw new Problem('insufficient_scope')
    }
    tokens.set(request, token)
  })

  async function recordDenied (request: FastifyRequest, { clientId }: ApiToken, needed: string): Promise<void> {
    const hit = await throttle.hit(`admin-api-denied:${clientId}`, auditLimit.limit, auditLimit.seconds)
    if (!hit.allowed) return
    await inTransaction(deps.db, async (trx) => {
      await deps.audit.record(trx, {
        type: 'staff.access-denied',
        actor: `client:${clientId}`,
        clientId,
        address: request.clientAddress.ip,
        traceId: String(request.id),
        reason: 'insufficient_scope',
        details: { method: request.method, route: request.routeOptions.url ?? '', scope: needed }
      })
    })
  }

  return {
    requireToken (request) {
      const token = tokens.get(request)
      if (token === undefined) throw new Error('no token was checked for this request')
      return token
    }
  }
}

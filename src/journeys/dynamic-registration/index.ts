/**
 * Dynamic client registration (RFC 7591) and its management (RFC 7592) at /connect/register, off unless
 * DYNAMIC_REGISTRATION is on. Owns the tables registration_token and client_registration and no rule about clients: the
 * registry validates and stores them.
 *
 * Registration needs a token that an operator created (`kora registration-token`). Its limits (kinds, scopes, hosts)
 * bind the client as long as it manages itself; clients start in status test.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction, write } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import { validateClient, type ClientFault } from '../../domain/client/metadata.ts'
import { isTooDeep } from '../../domain/json-depth.ts'
import type { DualControlReason } from '../../domain/administration/dual-control.ts'
import type { DynamicRegistrationDeps } from './deps.ts'
import {
  changeClient,
  clientRules,
  createClient,
  findClient,
  newClientId,
  setClientStatus
} from '../../records/clients/index.ts'
import { createThrottle } from '../../records/throttle/index.ts'
import {
  checkClientToken,
  endClientToken,
  giveClientToken,
  takeRegistrationToken,
  type RegistrationLimits
} from './tokens.ts'
import { beyondLimits, parseContent, toError, toWire } from './wire.ts'

export {
  createRegistrationToken,
  endRegistrationToken,
  listRegistrationTokens,
  type NewRegistrationToken,
  type RegistrationTokenLine
} from './tokens.ts'

const path = '/connect/register'
const bodyLimit = 64 * 1024
/** Requests of one network in a minute: tokens are guessed at no greater speed. */
const perMinute = 60

/** Ends the transaction: nothing was registered, and the use of the token is not counted. */
const tooDeep = { error: 'invalid_client_metadata', error_description: 'the body is nested too deeply' }

type JsonParser = (
  request: FastifyRequest,
  body: string,
  done: (error: Error | null, body?: unknown) => void
) => void

class Refused extends Error {
  readonly status: number
  readonly body: { error: string; error_description?: string }
  constructor (status: number, body: { error: string; error_description?: string }) {
    super(body.error)
    this.status = status
    this.body = body
  }
}

const invalid = (faults: readonly ClientFault[]): Refused => new Refused(400, toError(faults))
/** Such changes cannot be made over this interface. */
const needsAdministrator = (reasons: readonly DualControlReason[]): ClientFault => ({
  field: reasons.includes('high_scope') ? '/metadata/scope' : '/metadata',
  code: 'needs_an_administrator',
  received: reasons.join(', '),
  expected: ''
})
const noToken = (): Refused => new Refused(401, { error: 'invalid_token' })

function readBearer (request: FastifyRequest): string {
  const token = /^bearer ([\w-]{20,200})$/i.exec(request.headers.authorization ?? '')?.[1]
  if (token === undefined) throw noToken()
  return token
}

function readBody (request: FastifyRequest): Record<string, unknown> {
  const { body } = request
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Refused(400, { error: 'invalid_client_metadata', error_description: 'a JSON object is needed' })
  }
  return body as Record<string, unknown>
}

export async function registerDynamicRegistration (app: FastifyInstance, deps: DynamicRegistrationDeps): Promise<void> {
  const { config, db } = deps
  if (!config.dynamicRegistration) return
  const throttle = createThrottle(deps)
  const rules = clientRules(config)
  const buildAddress = (clientId: string): string => `${config.issuer}${path}/${clientId}`
  const describeAct = (request: FastifyRequest, clientId: string, reason: string): Act => ({
    actor: `client:${clientId}`,
    reason,
    address: request.clientAddress.ip,
    traceId: String(request.id)
  })

  function checked (
    sent: Record<string, unknown>,
    limits: RegistrationLimits,
    policy: object = {}
  ): ReturnType<typeof parseContent> {
    const content = parseContent(sent, policy)
    const result = validateClient(content, rules)
    const faults = result.ok ? beyondLimits(result.content, limits) : result.faults
    if (faults.length > 0) throw invalid(faults)
    return content
  }

  async function ofClient (request: FastifyRequest): Promise<{ clientId: string; limits: RegistrationLimits }> {
    const { client_id: clientId } = request.params as { client_id: string }
    // unknown clients and wrong tokens are answered alike (RFC 7592 §2)
    const limits = await checkClientToken(db, clientId, readBearer(request))
    const client = limits === null ? null : await findClient(db, clientId)
    if (limits === null || client === null || client.status === 'disabled') throw noToken()
    return { clientId, limits }
  }

  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    const parse = scope.getDefaultJsonParser('error', 'error') as JsonParser
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'string', bodyLimit },
      (request, body, done) => {
        parse(request, body as string, (error, value) => {
          done(error ?? (isTooDeep(value) ? new Refused(400, tooDeep) : null), value)
        })
      }
    )
    scope.addHook('onRequest', async (request, reply) => {
      reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
      const hit = await throttle.hit(`client-registration:${request.clientAddress.prefix}`, perMinute, 60)
      if (!hit.allowed) {
        reply.header('retry-after', String(hit.retryAfterSeconds))
        throw new Refused(429, { error: 'too_many_requests' })
      }
    })
    scope.setErrorHandler((error, request, reply): FastifyReply => {
      const { statusCode = 500 } = error as { statusCode?: number }
      const refused =
        error instanceof Refused
          ? error
          : statusCode < 500
            ? new Refused(statusCode, {
              error: 'invalid_client_metadata',
              error_description: 'the body is not readable JSON'
            })
            : null
      if (refused === null) throw error
      if (refused.status === 401) {
        reply.header('www-authenticate', 'Bearer realm="kora-registration", error="invalid_token"')
      }
      request.log.info({ error: refused.body.error }, 'registration refused')
      return reply.code(refused.status).send(refused.body)
    })

    scope.post(path, { bodyLimit }, async (request, reply) => {
      const token = readBearer(request)
      const sent = readBody(request)
      const clientId = newClientId()
      const answer = await inTransaction(db, async (trx) => {
        const taken = await takeRegistrationToken(trx, token)
        if (taken === null) throw noToken()
        const made = await createClient(trx, deps, {
          act: describeAct(request, clientId, `dynamic registration with ${taken.id}`),
          content: checked(sent, taken),
          clientId
        })
        if (made.outcome === 'invalid') throw invalid(made.faults)
        if (made.outcome === 'approval_needed') throw invalid([needsAdministrator(made.reasons)])
        if (made.outcome === 'taken') throw new Error('an identifier was made twice')
        const own = await giveClientToken(trx, clientId, taken.id)
        return {
          ...toWire(made.client),
          ...(made.secret === null ? {} : { client_secret: made.secret.secret, client_secret_expires_at: 0 }),
          registration_access_token: own,
          registration_client_uri: buildAddress(clientId)
        }
      })
      return await reply.code(201).send(answer)
    })

    scope.get(`${path}/:client_id`, { exposeHeadRoute: false }, async (request) => {
      const { clientId } = await ofClient(request)
      const client = await findClient(db, clientId)
      if (client === null) throw noToken()
      return { ...toWire(client), registration_client_uri: buildAddress(clientId) }
    })

    scope.put(`${path}/:client_id`, { bodyLimit }, async (request) => {
      const { clientId, limits } = await ofClient(request)
      const sent = readBody(request)
      if (sent['client_id'] !== clientId) {
        throw invalid([{ field: '/client_id', code: 'different', received: '', expected: clientId }])
      }
      const client = await findClient(db, clientId)
      if (client === null) throw noToken()
      const content = checked(sent, limits, client.policy)
      return await inTransaction(db, async (trx) => {
        const changed = await changeClient(trx, deps, {
          act: describeAct(request, clientId, 'dynamic registration: update'),
          clientId,
          version: client.version,
          content
        })
        if (changed.outcome === 'conflict') throw new Refused(409, { error: 'conflict' })
        if (changed.outcome === 'invalid') throw invalid(changed.faults)
        if (changed.outcome === 'approval_needed') throw invalid([needsAdministrator(changed.reasons)])
        if (changed.outcome !== 'changed' && changed.outcome !== 'unchanged') throw noToken()
        return { ...toWire(changed.client), registration_client_uri: buildAddress(clientId) }
      })
    })

    scope.delete(`${path}/:client_id`, async (request, reply) => {
      const { clientId } = await ofClient(request)
      const client = await findClient(db, clientId)
      if (client === null) throw noToken()
      // the identifier stays taken and the history stays; every token ends with it (RFC 7592 §2.3). From then on its
      // own
      // token is refused, whether or not it is deleted
      const ended = await write(deps, setClientStatus, {
        act: describeAct(request, clientId, 'dynamic registration: deletion'),
        clientId,
        version: client.version,
        status: 'disabled'
      })
      if (ended.outcome === 'conflict') throw new Refused(409, { error: 'conflict' })
      if (ended.outcome !== 'changed') throw noToken()
      await endClientToken(db, clientId)
      return await reply.code(204).send()
    })
  })
}

/**
 * The admin API, /admin/api/v1: administration for programs. Owns the table admin_api_request and no rule: it calls the
 * services that the console and the command line call.
 *
 * A request is authenticated by an access token of Kora itself with the scope of its route (authenticate.ts,
 * tokens.ts), checked and described by one set of schemas (table.ts, schemas.ts, openapi.ts), done once for an
 * Idempotency-Key (idempotency.ts), and refused with problem+json (problems.ts). The actor in the audit trail is
 * `client:<id>`, with a reason. docs/admin-api.md is the guide.
 */
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify'
import type { Transaction } from 'kysely'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import { approvalKinds } from '../../domain/administration/approval-kinds.ts'
import { isTooDeep } from '../../domain/json-depth.ts'
import { createThrottle } from '../../records/throttle/index.ts'
import type { Console } from '../console/index.ts'
import { authenticate } from './authenticate.ts'
import { registerReference } from './docs.ts'
import { faultsOfSchema, faultsOfQuery, unknownMembers } from './faults.ts'
import { once } from './idempotency.ts'
import { openApi } from './openapi.ts'
import { Problem, sendProblem } from './problems.ts'
import { readReason, readVersion } from './request-parts.ts'
import { isRepeatable, isTransaction, prefix, type Answer, type Call, type Route } from './routes.ts'
import { namedSchemas } from './schemas.ts'
import { apiRoutes } from './table.ts'

export { sweepAdminApi } from './idempotency.ts'

const bodyLimit = 128 * 1024
const pictureLimit = 512 * 1024
const param = /^[\w.~-]{1,128}$/

export async function registerAdminApi (app: FastifyInstance, console: Console): Promise<void> {
  const { deps } = console
  const throttle = createThrottle(deps)
  const lines = new Map(apiRoutes.map((line) => [`${line.method} ${prefix}${line.path}`, line]))
  const findRoute = (request: FastifyRequest): Route | undefined =>
    lines.get(`${request.method} ${request.routeOptions.url ?? ''}`)
  const description = openApi(apiRoutes, deps.config.issuer)
  registerReference(console, description)
  for (const { method, path, scope } of apiRoutes) console.api({ method, path: prefix + path, scope: scope ?? 'any' })

  await app.register(
    async (scope) => {
      scope.setValidatorCompiler(TypeBoxValidatorCompiler)
      const callers = authenticate(scope, deps, { throttle, scopeOf: (request) => findRoute(request)?.scope })

      scope.removeAllContentTypeParsers()
      const parse = scope.getDefaultJsonParser('error', 'error') as (
        request: FastifyRequest,
        body: string,
        done: (error: Error | null, body?: unknown) => void
      ) => void
      scope.addContentTypeParser(
        ['application/json', 'application/merge-patch+json'],
        { parseAs: 'buffer', bodyLimit },
        (request, body, done) => {
          const bytes = body as Buffer
          if (bytes.length === 0) {
            done(null, {})
            return
          }
          parse(request, bytes.toString('utf8'), (error, value) => {
            const isObject = error === null && value !== null && typeof value === 'object' && !Array.isArray(value)
            done(isObject && !isTooDeep(value) ? null : new Problem('malformed_body'), value)
          })
        }
      )

      scope.addContentTypeParser(
        ['image/png', 'image/jpeg'],
        { parseAs: 'buffer', bodyLimit: pictureLimit },
        (_request, body, done) => {
          done(null, body)
        }
      )

      scope.setErrorHandler(async (error, request, reply) => {
        const problem = toProblem(error as FastifyError, request)
        if (problem === null) throw error
        request.log.info({ code: problem.code }, 'request refused')
        return sendProblem(request, reply, { problem, scope: findRoute(request)?.scope ?? null })
      })
      scope.setNotFoundHandler((request, reply) => {
        const parts = (request.url.split('?')[0] ?? '').slice(prefix.length).split('/')
        const fits = ({ path }: Route): boolean =>
          path.split('/').length === parts.length &&
          path.split('/').every((part, at) => part.startsWith(':') || part === parts[at])
        const allowed = [...new Set(apiRoutes.filter(fits).map(({ method }) => method))]
        return sendProblem(
          request,
          reply,
          {
            problem: allowed.length === 0
              ? new Problem('no_such_route')
              : new Problem('method_not_allowed', { headers: { allow: allowed.join(', ') } })
          }
        )
      })

      for (const line of apiRoutes) {
        scope.route({
          method: line.method,
          url: line.path,
          bodyLimit: line.picture ? pictureLimit : bodyLimit,
          exposeHeadRoute: false,
          schema: line.body === null || line.checkedByRegistry ? {} : { body: namedSchemas[line.body] },
          preValidation: async (request) => {
            if (line.body !== null) request.body ??= {}
            if (Buffer.isBuffer(request.body) !== line.picture && (line.picture || request.body !== undefined)) {
              throw new Problem('unsupported_media_type')
            }
            if (line.body === null || line.picture) return
            const parts = line.body === 'ClientPatch' ? patchParts : {}
            const faults = unknownMembers(namedSchemas[line.body], request.body, parts)
            if (faults.length > 0) throw new Problem('invalid_fields', { faults })
          },
          handler: async (request, reply) => {
            const { clientId } = callers.requireToken(request)
            const key = request.headers['idempotency-key']
            const act = async (trx: Transaction<Database> | null): Promise<Answer> =>
              await line.handle(buildCall(line, { request, clientId, trx }))
            let answer: Answer
            if (isRepeatable(line) && key !== undefined) {
              const { method, url: path, body } = request
              answer = await once(deps, { clientId, key: String(key), method, path, body }, act)
            } else answer = isTransaction(line) ? await inTransaction(deps.db, act) : await act(null)
            return await reply
              .code(answer.status)
              .headers({ 'cache-control': 'no-store', ...answer.headers })
              .send(answer.body)
          }
        })
      }
    },
    { prefix }
  )

  function buildCall (
    line: Route,
    { request, clientId, trx }: { request: FastifyRequest; clientId: string; trx: Transaction<Database> | null }
  ): Call {
    const asker = {
      actor: `client:${clientId}` as const,
      address: request.clientAddress.ip,
      traceId: String(request.id)
    }
    const params = request.params as Record<string, string>
    for (const value of Object.values(params)) if (!param.test(value)) throw new Problem('not_found')
    const query = request.query as Record<string, string>
    const faults = faultsOfQuery(line.query, query)
    if (faults.length > 0) throw new Problem('malformed_query', { faults })
    // checked before anything is read: a missing reason or version must not reveal what exists
    const act = line.writes ? { ...asker, reason: readReason(request) } : null
    const version = line.versioned ? readVersion(request) : null
    const own: Call = {
      request,
      deps: trx === null ? deps : { ...deps, db: trx },
      trx () {
        if (trx === null) throw new Error(`${line.operationId} is no transaction`)
        return trx
      },
      clientId,
      body: request.body,
      query,
      asker,
      param: (name) => params[name] ?? '',
      act () {
        if (act === null) throw new Error(`${line.operationId} does not write`)
        return act
      },
      version () {
        if (version === null) throw new Error(`${line.operationId} has no version`)
        return version
      },
      async askApproval (kind, subject, payload) {
        const scopes: readonly string[] = approvalKinds[kind].scopes
        if (line.scope === null || !scopes.includes(line.scope)) throw new Problem('second_administrator_needed')
        const asked = await console.approvals.request(own.trx(), { kind, payload, subject, act: own.act() })
        const location = `${prefix}/changes/${asked.id}`
        if (!asked.ok) throw new Problem('change_waiting', { more: { change: location } })
        return { status: 202, body: { change: location, id: asked.id }, headers: { location } }
      }
    }
    return own
  }
}

/** Parts of a client in which a merge patch removes members by null. */
const patchParts = { metadata: namedSchemas.ClientMetadata, policy: namedSchemas.ClientPolicy }

/** Refusals by us and by the framework; null for faults. */
function toProblem (error: FastifyError | Problem, request: FastifyRequest): Problem | null {
  if (error instanceof Problem) return error
  if (error.validation !== undefined) {
    return new Problem('invalid_fields', { faults: faultsOfSchema(error.validation, request.body) })
  }
  switch (error.statusCode) {
    case 413:
      return new Problem('body_too_large')
    case 415:
      return new Problem('unsupported_media_type')
    case 400:
      return new Problem('malformed_body')
    default:
      return null
  }
}

/**
 * The app API, /app/v1: the phone side of a scan ticket for the native app. Owns no table and no rule.
 *
 * A request is authenticated by a proof of its device's key (proofs.ts, authenticate.ts), checked and described by one
 * set of schemas (schemas.ts, routes.ts, openapi.ts), translated in one place (mapping.ts), and handed to the phone
 * side, which decides. Every refusal is problem+json with a stable code (problems.ts). docs/app-api.md is the guide for
 * developers of the app.
 */
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify'
import type { AppApiDeps } from './deps.ts'
import { isTooDeep } from '../../domain/json-depth.ts'
import type { KnownDevice } from '../../records/devices/index.ts'
import type { FieldFault, PhoneActor, PhoneSide } from '../../records/scan-tickets/index.ts'
import { createThrottle, type Throttle } from '../../records/throttle/index.ts'
import { authenticate } from './authenticate.ts'
import { deviceRoutes } from './devices.ts'
import { openApi } from './openapi.ts'
import { Problem, sendProblem } from './problems.ts'
import { prefix, type Route } from './routes.ts'
import { namedSchemas } from './schemas.ts'
import { scanRoutes } from './scans.ts'
export { outwardFaults } from './mapping.ts'
export { problemStatus } from './problems.ts'
export type { Scan } from './schemas.ts'

const bodyLimit = 16 * 1024

/** What the router serves, without the description itself. */
export const appRoutes = (deps: AppApiDeps, phone: PhoneSide, throttle: Throttle = createThrottle(deps)): Route[] => [
  ...deviceRoutes(deps, throttle),
  ...scanRoutes(phone, deps.config.issuer)
]

export async function registerAppApi (app: FastifyInstance, deps: AppApiDeps, phone: PhoneSide): Promise<void> {
  // a closed channel does not exist: unknown addresses under /app get problem+json
  if (!deps.config.phoneChannels.app) return
  const throttle = createThrottle(deps)
  const routes = appRoutes(deps, phone, throttle)
  const lines = new Map(routes.map((line) => [`${line.method} ${prefix}${line.path}`, line]))
  const findRoute = (request: FastifyRequest): Route | undefined =>
    lines.get(`${request.method} ${request.routeOptions.url ?? ''}`)
  const description = JSON.stringify(openApi(routes, deps.config.issuer))

  await app.register(
    async (scope) => {
      scope.setValidatorCompiler(TypeBoxValidatorCompiler)
      const callers = authenticate(scope, deps, {
        throttle,
        needsProof: (request) => findRoute(request) !== undefined,
        takesNewKeys: (request) => findRoute(request)?.newDevice === true
      })

      scope.removeAllContentTypeParsers()
      const parse = scope.getDefaultJsonParser('error', 'error') as (
        request: FastifyRequest,
        body: string,
        done: (error: Error | null, body?: unknown) => void
      ) => void
      scope.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit }, (request, body, done) => {
        const bytes = body as Buffer
        callers.keepBody(request, bytes)
        if (bytes.length === 0) {
          done(null, {})
          return
        }
        parse(request, bytes.toString('utf8'), (error, value) => {
          const isObject = error === null && value !== null && typeof value === 'object' && !Array.isArray(value)
          done(isObject && !isTooDeep(value) ? null : new Problem('malformed_body'), value)
        })
      })

      scope.setErrorHandler(async (error, request, reply) => {
        const problem = toProblem(error as FastifyError)
        if (problem === null) throw error
        await callers.recordRefusal(request, problem)
        request.log.info({ code: problem.code }, 'request refused')
        return sendProblem(request, reply, problem)
      })
      scope.setNotFoundHandler((request, reply) => {
        const path = request.url.split('?')[0] ?? ''
        const allowed = routes.filter((line) => prefix + line.path === path).map((line) => line.method)
        if (path === `${prefix}/openapi.json`) allowed.push('GET')
        return sendProblem(
          request,
          reply,
          allowed.length === 0
            ? new Problem('no_such_route')
            : new Problem('method_not_allowed', { headers: { allow: allowed.join(', ') } })
        )
      })

      for (const line of routes) {
        scope.route({
          method: line.method,
          url: line.path,
          bodyLimit,
          exposeHeadRoute: false,
          schema: {
            ...(line.body === null ? {} : { body: namedSchemas[line.body] }),
            response: Object.fromEntries(
              Object.entries(line.answers).flatMap(([status, name]) =>
                name === null ? [] : [[status, namedSchemas[name]]]
              )
            )
          },
          preValidation: async (request) => {
            if (line.body !== null) request.body ??= {}
          },
          handler: async (request, reply) => {
            const { proof, device } = callers.requireCaller(request)
            const header = request.headers['scan-token']
            const answer = await line.handle({
              request,
              body: request.body,
              proof,
              device,
              actor: identifyActor(request, device),
              scanToken: typeof header === 'string' ? header : ''
            })
            return await reply.code(answer.status).header('cache-control', 'no-store').send(answer.body)
          }
        })
      }
      scope.get(
        '/openapi.json',
        { exposeHeadRoute: false },
        async (_request, reply) =>
          await reply
            .type('application/json; charset=utf-8')
            .header('cache-control', 'public, max-age=300')
            .send(description)
      )
    },
    { prefix }
  )
}

const identifyActor = (request: FastifyRequest, device: KnownDevice | null): PhoneActor => ({
  device,
  address: request.clientAddress.ip,
  userAgent: String(request.headers['user-agent'] ?? '').slice(0, 512),
  locale: request.locale,
  traceId: String(request.id)
})

/** Refusals by us and by the framework; null for faults. */
function toProblem (error: FastifyError | Problem): Problem | null {
  if (error instanceof Problem) return error
  if (error.validation !== undefined) {
    const faults = listFieldFaults(error.validation)
    return new Problem(faults.some(({ code }) => code === 'unknown') ? 'unknown_members' : 'invalid_fields', { faults })
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

function listFieldFaults (errors: NonNullable<FastifyError['validation']>): FieldFault[] {
  const faults = new Map<string, FieldFault>()
  for (const { keyword, instancePath, params } of errors) {
    // beside each error about an unknown member stands one that says that it is not allowed
    if (keyword === 'boolean') continue
    const at = instancePath.split('/').filter(Boolean).join('.')
    const missing =
      keyword === 'required' ? ((params as { requiredProperties?: string[] }).requiredProperties ?? []) : []
    const unknown =
      keyword === 'additionalProperties'
        ? ((params as { additionalProperties?: string[] }).additionalProperties ?? [])
        : []
    const below = (name: string): string => (at === '' ? name : `${at}.${name}`)
    const found =
      missing.length + unknown.length > 0
        ? [
            ...missing.map((name): FieldFault => ({ field: below(name), code: 'required' })),
            ...unknown.map((name): FieldFault => ({ field: below(name.slice(0, 50)), code: 'unknown' }))
          ]
        : [{ field: at, code: 'invalid' }]
    for (const fault of found) if (fault.field !== '' && !faults.has(fault.field)) faults.set(fault.field, fault)
  }
  return [...faults.values()]
}

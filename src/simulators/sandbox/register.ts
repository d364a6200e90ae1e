/**
 * The sandbox of one process: JSON API under /sandbox/api (described at /sandbox/openapi.json and /sandbox/api) and
 * pages under /sandbox. Everybody who reaches them can do everything, so they exist only where the simulators run.
 */
import type { FastifyInstance } from 'fastify'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { BrowserSide } from '../../records/scan-tickets/index.ts'
import type { SimulatorsDeps } from '../deps.ts'
import type { Sandbox } from '../index.ts'
import { createPhones } from '../phone/index.ts'
import type { ApiRoute } from './api-route.ts'
import { apiRoutes, type SandboxParts } from './api-routes.ts'
import { registerSandboxPages } from './home.ts'
import { answerProblems } from './problem.ts'

/** @throws Error in production */
export async function registerSandbox (
  app: FastifyInstance,
  deps: SimulatorsDeps,
  { sandbox, tickets }: { sandbox: Sandbox; tickets: BrowserSide }
): Promise<void> {
  if (!deps.config.simulated) throw new Error('The sandbox never runs in production, nor for strangers.')
  const parts: SandboxParts = { deps, sandbox, tickets, phones: createPhones(app, deps, sandbox) }
  const routes = apiRoutes(parts)
  await app.register(async (scope) => {
    // a form of a foreign page must not reach what needs no login; JSON cannot be sent across origins unasked
    scope.removeContentTypeParser('application/x-www-form-urlencoded')
    scope.setValidatorCompiler(TypeBoxValidatorCompiler)
    answerProblems(scope)
    for (const route of routes) serve(scope, route)
  })
  registerSandboxPages(app, parts, routes)
}

function serve (scope: FastifyInstance, { method, path, params, query, body, handle }: ApiRoute): void {
  scope.route({
    method,
    url: path.replace(/\{(\w+)\}/g, ':$1'),
    schema: {
      ...(params === undefined ? {} : { params }),
      ...(query === undefined ? {} : { querystring: query }),
      ...(body === undefined ? {} : { body })
    },
    handler: async (request, reply) => {
      const answer = await handle({ params: request.params, query: request.query, body: request.body, request })
      return await reply.header('cache-control', 'no-store').send(answer)
    }
  })
}

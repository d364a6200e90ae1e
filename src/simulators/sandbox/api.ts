/** The API described twice: as OpenAPI for programs, as a page for people. Both come from the table of routes. */
import type { FastifyInstance } from 'fastify'
import type { ApiRoute } from './api-route.ts'
import type { SandboxParts } from './api-routes.ts'
import { formatCurl } from './curl.ts'
import { openApiDocument } from './openapi.ts'
import { buildLayout, type SandboxLayout } from './page-parts.ts'

export interface SandboxApi extends SandboxLayout {
  issuer: string
  routes: Array<{ method: string; path: string; summary: string; description: string; body: string; curl: string }>
}

declare module '../../http/pages.ts' {
  interface Pages {
    'simulators/sandbox/api': SandboxApi
  }
}

export function apiPageRoutes (
  app: FastifyInstance,
  { deps }: Pick<SandboxParts, 'deps'>,
  routes: readonly ApiRoute[]
): void {
  const { issuer } = deps.config
  const document = JSON.stringify(openApiDocument(routes, issuer), null, 2)

  app.get(
    '/sandbox/openapi.json',
    async (_request, reply) =>
      await reply.type('application/json; charset=utf-8').header('cache-control', 'no-store').send(document)
  )

  app.get(
    '/sandbox/api',
    async (request, reply) =>
      await reply.page('simulators/sandbox/api', {
        ...buildLayout(request, reply),
        issuer,
        routes: routes.map(({ method, path, summary, description = '', body }) => ({
          method,
          path,
          summary,
          description,
          body: body === undefined ? '' : JSON.stringify(body, null, 2),
          curl: formatCurl(
            { method, url: `${issuer}${path.replace('{id}', 'zhaxi').replace('{uscc}', '91540102MA6T1A2BXK')}`, body: examples[path] ?? null }
          )
        }))
      })
  )
}

/** A body that works on a fresh start, where one is needed. */
const examples: Record<string, object> = {
  '/sandbox/api/phone/journeys': { payload: 'https://…/q/…', person: 'zhaxi' },
  '/sandbox/api/phone/scan': { payload: 'https://…/q/…', person: 'zhaxi' },
  '/sandbox/api/phone/accept': { journey: '…' },
  '/sandbox/api/phone/identity': { journey: '…', identity: { outcome: 'wrong_name' } },
  '/sandbox/api/phone/face': { journey: '…', face: ['mismatch', 'pass'] },
  '/sandbox/api/phone/counter-code': { journey: '…', code: '12345678' },
  '/sandbox/api/phone/confirm': { journey: '…' },
  '/sandbox/api/phone/reject': { journey: '…' },
  '/sandbox/api/companies/{uscc}': { legal_representative: 'gesang' },
  '/sandbox/api/counter-codes': { person: 'zhaxi' }
}

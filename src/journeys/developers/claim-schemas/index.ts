/**
 * JSON schemas of our own claims, published under the issuer: /schemas/<name>.json. For developers of sites; public.
 */
import type { FastifyInstance } from 'fastify'
import { PageError } from '../../../http/page-error.ts'
import type { DevelopersDeps } from '../deps.ts'
import { claimSchemas } from './schemas.ts'

export async function registerClaimSchemas (
  app: FastifyInstance,
  { config }: Pick<DevelopersDeps, 'config'>
): Promise<void> {
  const texts = new Map(
    Object.entries(claimSchemas(config.issuer)).map(([name, schema]) => [name, JSON.stringify(schema, null, 2)])
  )
  app.get('/schemas/:name', async (request, reply) => {
    const text = texts.get((request.params as { name: string }).name)
    if (text === undefined) throw new PageError(404, 'not_found')
    return await reply
      .type('application/schema+json; charset=utf-8')
      .header('cache-control', 'public, max-age=3600')
      .send(text)
  })
}

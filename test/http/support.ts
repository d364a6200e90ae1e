/** A small application with everything of src/http, and a few routes to try it on. */
import Fastify, { type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { loadConfig, type Config } from '../../src/config.ts'
import { PageError } from '../../src/http/errors.ts'
import { registerHttp, serverOptions } from '../../src/http/index.ts'
import { testCrypto } from '../support/database.ts'
import { fixtures } from './fixtures.ts'

export async function testApp (t: Test, changes: Partial<Config> = {}): Promise<FastifyInstance> {
  const config: Config = { ...loadConfig({ NODE_ENV: 'test' }), ...changes }
  const app = Fastify({ ...serverOptions })
  await registerHttp(app, { config, crypto: testCrypto() })
  app.get('/fixture/:id', (request, reply) => {
    const fixture = fixtures.find(({ id }) => id === (request.params as { id: string }).id)
    return fixture === undefined ? reply.callNotFound() : reply.page(fixture.name, fixture.model)
  })
  app.get('/i/:uid/page', (request, reply) => {
    request.preferLocales(request.headers['x-ui-locales'] as string | undefined)
    return reply.page('help/home', { demoHref: null, sandboxHref: null, userCentreHref: null })
  })
  app.get('/form', (request, reply) => {
    const browser = reply.ensureBrowser()
    return { token: request.csrfToken('scope-a'), browser }
  })
  app.post('/form', (request) => {
    request.requireCsrf('scope-a')
    return { ok: true }
  })
  app.get('/address', (request) => request.clientAddress)
  app.get('/fail/:kind', (request) => {
    const { kind } = request.params as { kind: string }
    if (kind === 'page') {
      throw new PageError(403, 'denied_level', {
        restartHref: '/i/x',
        back: { href: 'https://rp.example/', name: '办事网', lang: 'zh-CN' }
      })
    }
    if (kind === 'database') {
      throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.5:5432'), { code: 'ECONNREFUSED' })
    }
    if (kind === 'wrapped') {
      throw new Error('query failed', {
        cause: Object.assign(new Error('the database system is starting up'), { code: '57P03' })
      })
    }
    throw new Error('secret detail 540102198006010011')
  })
  app.post('/app/v1/thing', (request) => ({ body: request.body }))
  t.teardown(async () => {
    await app.close()
  })
  await app.ready()
  return app
}

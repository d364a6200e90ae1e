import t from 'tap'
import { createRequire } from 'node:module'
import type { Ajv2020 as Ajv2020Class } from 'ajv/dist/2020.js'
import Fastify from 'fastify'
import { testDatabase } from '../../support/database.ts'
import { appRoutes, registerAppApi } from '../../../src/journeys/app-api/index.ts'
import { problemStatus } from '../../../src/journeys/app-api/problems.ts'
import { namedSchemas } from '../../../src/journeys/app-api/schemas.ts'
import { catalogues } from '../../../src/http/locale.ts'
import { registerHttp, serverOptions } from '../../../src/http/index.ts'
import { sandboxOf, world } from '../../records/scan-tickets/support.ts'
import { issuer, Phone, serve } from './support.ts'

const { Ajv2020 } = createRequire(import.meta.url)('ajv/dist/2020.js') as { Ajv2020: typeof Ajv2020Class }

t.test('the door itself', async (t) => {
  const here = await world(await testDatabase(t), await sandboxOf(t))
  const base = await serve(t, here)
  const phone = await Phone.make(base, here)
  await phone.ask('/app/v1/devices', { body: { label: 'phone' } })
  const scans = '/app/v1/scans'

  await t.test('the description has every route, and nothing else', async (t) => {
    const response = await fetch(`${base}/app/v1/openapi.json`)
    t.equal(response.status, 200)
    t.match(response.headers.get('content-type') ?? '', /^application\/json/)
    const description = (await response.json()) as any
    t.match(description, { openapi: '3.1.0', servers: [{ url: `${issuer}/app/v1` }] })
    const described = Object.entries<object>(description.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)
    )

    const app = Fastify(serverOptions)
    const registered: string[] = []
    app.addHook('onRoute', ({ method, url }) => {
      if (url.startsWith('/app/')) {
        registered.push(...[method].flat().map((name) => `${name} ${url.slice('/app/v1'.length)}`))
      }
    })
    await registerHttp(app, here.services)
    await registerAppApi(app, here.services, here.tickets)
    t.same(described.sort(), registered.filter((line) => line !== 'GET /openapi.json').sort())
    t.same(described.length, appRoutes(here.services, here.tickets).length)

    const text = JSON.stringify(description)
    const refs = [...text.matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)].map(
      ([, kind = '', name = '']) => description.components[kind]?.[name]
    )
    t.ok(refs.length > 20 && refs.every((target) => target !== undefined), 'every reference leads somewhere')
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    for (const [name, schema] of Object.entries<object>(description.components.schemas)) {
      t.doesNotThrow(() => ajv.compile(schema), name)
    }
    for (const operation of Object.values<any>(description.paths).flatMap((methods) => Object.values<any>(methods))) {
      t.ok(operation.operationId && operation.responses['401'], operation.operationId)
    }
    const good = ajv.compile(description.components.schemas.Identity)
    t.ok(
      good({
        cert_type: 'resident_id',
        name: '扎西',
        cert_no: '1',
        valid_from: '2018-05-01',
        term: '20',
        consent: { given: true, version: 'v' }
      })
    )
    t.notOk(good({ cert_type: 'resident_id' }))
    t.same(Object.keys(namedSchemas), Object.keys(description.components.schemas))
  })

  await t.test('bodies: JSON objects of 16 KB, and nothing else', async (t) => {
    const cases: Array<[string, Parameters<Phone['ask']>[1], number, string]> = [
      ['no JSON', { raw: '{"payload"' }, 400, 'malformed_body'],
      ['an array', { raw: '[]' }, 400, 'malformed_body'],
      ['a string', { raw: '"x"' }, 400, 'malformed_body'],
      ['null', { raw: 'null' }, 400, 'malformed_body'],
      ['prototype poisoning', { raw: '{"payload":"x","__proto__":{"admin":true}}' }, 400, 'malformed_body'],
      [
        'a form',
        { raw: 'payload=x', contentType: 'application/x-www-form-urlencoded' },
        415,
        'unsupported_media_type'
      ],
      ['text', { raw: '{"payload":"x"}', contentType: 'text/plain' }, 415, 'unsupported_media_type'],
      ['no type', { raw: Buffer.from('{"payload":"x"}'), contentType: null }, 415, 'unsupported_media_type'],
      [
        'something like JSON',
        { raw: '{"payload":"x"}', contentType: 'application/jsonx' },
        415,
        'unsupported_media_type'
      ],
      ['17 KB', { body: { payload: 'x', filler: 'x'.repeat(17_000) } }, 413, 'body_too_large'],
      ['nothing', { raw: '' }, 422, 'invalid_fields'],
      ['member missing', { body: {} }, 422, 'invalid_fields'],
      ['member of another type', { body: { payload: 7 } }, 422, 'invalid_fields'],
      ['member too long', { body: { payload: 'x'.repeat(600) } }, 422, 'invalid_fields']
    ]
    for (const [name, asked, status, code] of cases) {
      t.match(await phone.ask(scans, { method: 'POST', ...asked }), { status, body: { code, status } }, name)
    }
    t.match(await phone.ask(scans, { body: {} }), { body: { faults: [{ field: 'payload', code: 'required' }] } })
    t.match(await phone.ask(`${scans}/face`, { body: { consent: { given: 'yes' } } }), {
      body: {
        faults: [
          { field: 'consent.version', code: 'required' },
          { field: 'consent.given', code: 'invalid' }
        ]
      }
    })
    for (const contentType of ['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/json;']) {
      t.match(
        await phone.ask(scans, { body: { payload: 'x' }, contentType }),
        { status: 404, body: { code: 'not_found' } },
        contentType
      )
    }
    t.match(
      await phone.ask(scans, { body: { payload: 'x'.repeat(10), filler: 'x'.repeat(15_000) } }),
      { status: 400, body: { code: 'unknown_members', faults: [{ field: 'filler', code: 'unknown' }] } },
      'S23: 15 KB are allowed, unknown members are not'
    )
    t.match(await phone.ask(`${scans}/face`, { body: { consent: { given: true, version: '1', extra: 1 } } }), {
      status: 400,
      body: { code: 'unknown_members', faults: [{ field: 'consent.extra', code: 'unknown' }] }
    })
  })

  await t.test('strangers are refused before their body is read', async (t) => {
    t.match(await phone.ask(scans, { proof: null, raw: '{"broken' }), { status: 401, body: { code: 'proof_missing' } })
    t.match(await phone.ask(scans, { proof: null, raw: 'x'.repeat(20_000) }), { status: 401 })
  })

  await t.test('unknown addresses and methods answer problems, too', async (t) => {
    for (const path of [
      '/app',
      '/app/',
      '/app/v1',
      '/app/v1/',
      '/app/v2/devices/me',
      '/app/v1/devices/',
      '/app/v1/DEVICES/me',
      '/app/v1/scans/../../admin/x'
    ]) {
      const answer = await phone.ask(path)
      if (path.includes('admin')) continue
      t.match(
        answer,
        { status: 404, body: { status: 404, code: /^(no_such_route|not_found)$/, trace_id: /^[0-9a-f]{12}$/ } },
        path
      )
      t.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/, path)
    }
    const wrong = await phone.ask('/app/v1/devices/me', { method: 'PUT' })
    t.match(wrong, { status: 405, body: { code: 'method_not_allowed' } })
    t.equal(wrong.headers.get('allow'), 'GET, DELETE')
    for (const method of ['GET', 'OPTIONS', 'PATCH']) {
      t.match(await phone.ask('/app/v1/scans', { method }), { status: 405 }, method)
    }
    t.equal((await fetch(`${base}/app/v1/devices/me`, { method: 'HEAD' })).status, 405)
    t.match(
      await phone.ask('/app/v1/scans', {
        method: 'POST',
        body: { payload: 'x' },
        headers: { 'x-http-method-override': 'GET' }
      }),
      { status: 404, body: { code: 'not_found' } }
    )
    t.match(await phone.ask('/app/v1/%64evices/me'), { status: 200 }, 'another spelling needs a proof for itself')
    t.match(await phone.ask('/app/v1/%64evices/me', { claims: { htu: `${issuer}/app/v1/devices/me` } }), {
      status: 401,
      body: { code: 'proof_target_mismatch' }
    })
  })

  await t.test('every refusal has a status and a title in every language', async (t) => {
    for (const code of Object.keys(problemStatus)) {
      t.ok(problemStatus[code as keyof typeof problemStatus] >= 400, code)
      if (!/^(proof|device_unknown|key_|malformed|unknown_members|unsupported|body_|method_|no_such)/.test(code)) {
        for (const catalogue of Object.values(catalogues)) {
          t.ok(catalogue[`phone-pages.refused.${code}.title`], `refused.${code}.title`)
        }
      }
    }
    for (const [language, pattern] of [
      ['en', /^The request has no device proof$/],
      ['zh-CN', /证明/]
    ] as const) {
      t.match(
        (await phone.ask(scans, { proof: null, raw: '{}', headers: { 'accept-language': language } })).body.title,
        pattern
      )
    }
  })

  await t.test('a fault of ours says nothing, and is a problem', async (t) => {
    const { services, tickets } = here
    const broken = await serve(t, {
      ...here,
      services,
      tickets: {
        ...tickets,
        scan: async () => {
          throw new Error('secret detail')
        }
      }
    })
    const answer = await phone.at(broken).ask(scans, { body: { payload: 'x' } })
    t.match(answer, { status: 500, body: { code: 'server' } })
    t.notMatch(JSON.stringify(answer.body), /secret/)
  })

  await t.test('a closed door is not there', async (t) => {
    const { services } = here
    const closed = await serve(t, {
      ...here,
      services: { ...services, config: { ...services.config, phoneChannels: { app: false, pages: true } } }
    })
    for (const path of ['/app/v1/openapi.json', '/app/v1/devices/me']) {
      t.match(await phone.at(closed).ask(path), { status: 404, body: { code: 'not_found' } }, path)
    }
    t.match(await phone.at(closed).ask(scans, { body: { payload: 'x' } }), { status: 404 })
  })
})

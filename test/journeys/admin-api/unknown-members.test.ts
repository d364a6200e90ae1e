// S23: a member that nobody knows is a mistake of who sends it: nothing is done, and the answer names it.
import t from 'tap'
import { startKora } from '../../support/driver/index.ts'
import { AdminApi } from './support.ts'

interface Operation {
  requestBody?: { content: Record<string, { schema: { $ref?: string } }> }
}

t.test(
  'S23: unknown members are 400 at every address, and the description says so',
  { timeout: 120_000 },
  async (t) => {
    const kora = await startKora(t, { env: { DYNAMIC_REGISTRATION: 'on' } })
    const api = await AdminApi.open(kora)
    const description = (await (await fetch(`${kora.issuer}/admin/api/v1/openapi.json`)).json()) as {
      paths: Record<string, Record<string, Operation>>
      components: { schemas: Record<string, { additionalProperties?: unknown }> }
    }
    let asked = 0
    for (const [path, operations] of Object.entries(description.paths)) {
      for (const [method, { requestBody }] of Object.entries(operations)) {
        const schema =
          requestBody?.content['application/json']?.schema ??
          requestBody?.content['application/merge-patch+json']?.schema
        if (schema === undefined) continue
        asked++
        const name = schema.$ref?.split('/').at(-1) ?? ''
        t.equal(description.components.schemas[name]?.additionalProperties, false, name)
        const answer = await api.call(
          method.toUpperCase(),
          path.replace(/^\/admin\/api\/v1/, '').replaceAll(/\{\w+\}/g, 'demo-site'),
          { host: ['a.gov.cn'] },
          { 'if-match': '"1"' }
        )
        t.match(
          answer,
          { status: 400, body: { code: 'unknown_members', faults: [{ pointer: '/host', code: 'unknown' }] } },
          `${method} ${path}`
        )
      }
    }
    t.ok(asked > 10)
    t.same(await kora.inside.services.db.selectFrom('registrationToken').select('id').execute(), [])
    for (const patch of [
      { metadata: { redirect_urls: null } },
      { policy: { trustd: null } },
      { policy: { trustd: true } }
    ]) {
      t.match(await api.call('PATCH', '/clients/demo-site', patch, { 'if-match': '"1"' }), {
        status: 400,
        body: { code: 'unknown_members' }
      })
    }
  }
)

import t from 'tap'
import { isUnavailable, wantsJson } from '../../src/http/errors.ts'
import { testApp } from './support.ts'

t.test('who gets a page and who gets problem+json', async (t) => {
  const json = (url: string, accept?: string): boolean =>
    wantsJson({ url, headers: accept === undefined ? {} : { accept } } as never)
  t.ok(json('/app/v1/x', 'text/html'))
  t.ok(json('/admin/api/clients'))
  t.ok(json('/sandbox/api?x=1'))
  t.notOk(json('/application'))
  t.notOk(json('/admin'))
  t.ok(json('/i/x', 'application/json'))
  t.ok(json('/i/x', 'application/problem+json, */*'))
  t.notOk(json('/i/x', 'text/html,application/xhtml+xml,application/json;q=0.1'))
  t.notOk(json('/i/x', '*/*'))
})

t.test('page errors carry status, words, a way on and the trace id; nothing of the cause', async (t) => {
  const app = await testApp(t)
  const page = await app.inject({ url: '/fail/page' })
  t.equal(page.statusCode, 403)
  t.match(page.body, '这项业务需要更高的认证等级')
  t.match(page.body, 'href="https://rp.example/"')
  t.match(page.body, /<code>[0-9a-f]{4} [0-9a-f]{4} [0-9a-f]{4}<\/code>/)
  t.equal(page.headers['cache-control'], 'no-store')

  const server = await app.inject({ url: '/fail/other' })
  t.equal(server.statusCode, 500)
  t.notMatch(server.body, /secret|540102|at .*\.ts/)

  for (const kind of ['database', 'wrapped']) {
    const answer = await app.inject({ url: `/fail/${kind}` })
    t.equal(answer.statusCode, 503, kind)
    t.equal(answer.headers['retry-after'], '5')
    t.notMatch(answer.body, '10.0.0.5')
  }
})

t.test('bad input is never a 500', async (t) => {
  const app = await testApp(t)
  const post = async (payload: string, type: string, url = '/form') =>
    await app.inject({
      method: 'POST',
      url,
      payload,
      headers: { 'content-type': type, accept: url === '/form' ? 'text/html' : 'application/json' }
    })
  t.equal((await post('{', 'application/json')).statusCode, 400)
  t.equal((await post('', 'application/json', '/app/v1/thing')).statusCode, 400)
  t.equal((await post('{"__proto__":{"a":1}}', 'application/json', '/app/v1/thing')).statusCode, 400)
  t.equal((await post('x', 'text/strange')).statusCode, 415)
  t.equal((await post(`a=${'x'.repeat(70_000)}`, 'application/x-www-form-urlencoded')).statusCode, 413)
  t.equal((await app.inject({ url: '/%' })).statusCode, 404)
  t.equal((await app.inject({ url: '/%ff%fe' })).statusCode, 404)
  t.equal((await app.inject({ url: `/${'x'.repeat(5000)}` })).statusCode, 404)
  t.equal((await app.inject({ method: 'DELETE', url: '/form' })).statusCode, 404)
  t.equal((await app.inject({ url: '/assets/../package.json' })).statusCode, 404)
  t.equal((await app.inject({ url: '/assets/__proto__' })).statusCode, 404)
})

t.test('problem+json: code, trace id, language', async (t) => {
  const app = await testApp(t)
  const answer = await app.inject({
    method: 'POST',
    url: '/app/v1/thing',
    payload: '{',
    headers: { 'content-type': 'application/json', 'accept-language': 'en' }
  })
  t.match(answer.headers['content-type'], 'application/problem+json')
  t.match(answer.json(), {
    type: 'about:blank',
    status: 400,
    code: 'bad_request',
    title: 'There is something wrong with the request',
    trace_id: /^[0-9a-f]{12}$/
  })
  t.equal(answer.headers['cache-control'], 'no-store')
  t.match((await app.inject({ url: '/app/nowhere' })).json(), { status: 404, code: 'not_found' })
})

t.test('a database that cannot be reached, however it is wrapped', async (t) => {
  t.ok(isUnavailable(Object.assign(new Error('x'), { code: '08006' })))
  t.ok(isUnavailable(Object.assign(new Error('x'), { code: '53300' })))
  t.ok(isUnavailable(new Error('a', { cause: new Error('Connection terminated unexpectedly') })))
  t.notOk(isUnavailable(Object.assign(new Error('duplicate key'), { code: '23505' })))
  t.notOk(isUnavailable('ECONNREFUSED'))
  const loop: Error & { cause?: unknown } = new Error('loop')
  loop.cause = loop
  t.notOk(isUnavailable(loop))
})

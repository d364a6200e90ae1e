/** S7: what relying sites answer is bounded in time and memory, and only listed private hosts are called. */
import { createServer, type RequestListener, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { createEgressFetch } from '../../src/oidc/egress.ts'

async function serve (t: Test, listener: RequestListener): Promise<{ url: string; host: string; server: Server }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/jwks`, host: `127.0.0.1:${port}`, server }
}

t.test('S7 an answer without end takes no memory', async (t) => {
  let sent = 0
  const { url, host } = await serve(t, (_request, response) => {
    const more = (): void => {
      if (response.destroyed) return
      sent += 65_536
      if (response.write(Buffer.alloc(65_536, ' '))) setImmediate(more)
      else response.once('drain', more)
    }
    response.writeHead(200, { 'content-type': 'application/json' })
    more()
  })
  await t.rejects(createEgressFetch([host])(url), /longer than 65536 bytes/)
  t.ok(sent < 32 * 1024 * 1024, `${sent} bytes left the server`)
})

t.test('S7 nor does one that grows when it is unpacked', async (t) => {
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024))
  const { url, host } = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
    response.end(bomb)
  })
  await t.rejects(createEgressFetch([host])(url), /longer than 65536 bytes/)
})

t.test('S7 an answer that drips ends with its time', async (t) => {
  const { url, host } = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const drip = setInterval(() => response.write(' '), 100)
    response.on('close', () => {
      clearInterval(drip)
    })
  })
  const began = performance.now()
  await t.rejects(createEgressFetch([host])(url), { name: 'TimeoutError' })
  t.ok(performance.now() - began < 60_000)
  // a caller that wants less time gets less
  await t.rejects(createEgressFetch([host])(url, { signal: AbortSignal.abort() }), { name: 'AbortError' })
})

t.test('an honest answer arrives whole, also packed', async (t) => {
  const keys = JSON.stringify({ keys: Array.from({ length: 100 }, (_, i) => ({ kid: String(i), kty: 'RSA' })) })
  const { url, host } = await serve(t, (request, response) => {
    if (request.url === '/gone') {
      response.writeHead(204).end()
      return
    }
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip', etag: '"1"' })
    response.end(gzipSync(keys))
  })
  const fetch = createEgressFetch([host])
  const answer = await fetch(url)
  t.equal(answer.status, 200)
  t.equal(answer.headers.get('etag'), '"1"')
  t.same(await answer.json(), JSON.parse(keys))
  const empty = await fetch(url.replace('/jwks', '/gone'))
  t.equal(empty.status, 204)
  t.equal(await empty.text(), '')
})

t.test('a listed host is called on its own port only', async (t) => {
  const seen: boolean[] = []
  const guard = { refuses: true }
  const spy = async (_url: unknown, options?: RequestInit): Promise<Response> => {
    seen.push((options as { dispatcher?: unknown }).dispatcher !== undefined)
    return new Response('{}')
  }
  const fetch = createEgressFetch(['tax.gov.example', 'fund.gov.example:8443'], spy)
  for (const [url, guarded] of [
    ['https://tax.gov.example/jwks', false],
    ['https://tax.gov.example:443/jwks', false],
    ['https://tax.gov.example:5432/', true],
    ['https://fund.gov.example:8443/jwks', false],
    ['https://fund.gov.example/jwks', true],
    ['https://other.example/jwks', true]
  ] as const) {
    await fetch(url, { dispatcher: guard } as unknown as RequestInit)
    t.equal(seen.at(-1), guarded, url)
  }
})

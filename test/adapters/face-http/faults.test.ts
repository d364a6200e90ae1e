// A provider that misbehaves: refuses, hangs, answers nonsense, lies, replays (CH10). Nothing of it may be a verdict.
import { gzipSync } from 'node:zlib'
import { setTimeout as delay } from 'node:timers/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import { createFaceHttpProvider } from '../../../src/adapters/face-http/index.ts'
import type { FaceHttpOptions } from '../../../src/adapters/face-http/index.ts'
import { failure, hmacKey, pair, person, rogue, signed, start } from './support.ts'
import type { Rogue } from './support.ts'

const transactionId = 'transaction-1'
const attemptId = 'attempt-of-the-test'
const passed = {
  transactionId,
  attemptId,
  status: 'passed',
  liveness: true,
  score: 90,
  verifiedAt: '2026-03-01T08:00:00Z'
}
const ticket = {
  transactionId,
  attemptId,
  method: 'redirect',
  url: 'https://face.example/c/1',
  expiresAt: '2099-01-01T00:00:00Z'
}

const adapter = (server: Rogue, options: Partial<FaceHttpOptions> = {}): ReturnType<typeof createFaceHttpProvider> =>
  createFaceHttpProvider({
    baseUrl: server.baseUrl,
    ...hmacKey,
    timeoutMs: 2000,
    breaker: { failures: 1000 },
    ...options
  })

t.test('the rogue can be honest, or these tests would prove nothing', async (t) => {
  const server = await rogue(t, (request, response) =>
    signed(request, response, JSON.stringify(passed), { headers: { 'request-id': 'r-1' } })
  )
  t.match(await adapter(server).result(transactionId, attemptId), {
    status: 'passed',
    score: 90,
    providerRequestId: 'r-1'
  })
  const [request] = server.requests
  t.equal(request?.url, `/v1/transactions/${transactionId}`)
  t.equal(request?.headers['accept-encoding'], 'identity')
  t.match(
    request?.headers['signature-input'],
    /^sig=\("@method" "@path" "content-digest"\);created=\d+;nonce="[\w-]{24}";keyid="kora";alg="hmac-sha256";tag="kora-face-request"$/
  )
})

t.test("the path before /v1 is kept, and the start carries the contract's members only", async (t) => {
  const server = await rogue(t, (request, response) =>
    signed(request, response, JSON.stringify({ ...ticket, attemptId }), { status: 201 })
  )
  const provider = adapter(server, {
    baseUrl: `${server.baseUrl}/api/face/`,
    captureOrigins: ['https://face.example']
  })
  const begin = { ...start({ attemptId }), secretOfOurs: 1, subject: { ...person, phone: '13900000000' } }
  t.match(await provider.start(begin), {
    providerTxnId: transactionId,
    method: 'redirect',
    url: ticket.url,
    expiresAt: ticket.expiresAt
  })
  t.equal(server.requests[0]?.url, '/api/face/v1/transactions')
  t.same(JSON.parse(server.requests[0]?.body ?? ''), {
    attemptId,
    subject: person,
    channel: 'h5',
    consentId: 'consent-1'
  })
})

t.test('faults of the line', async (t) => {
  let target = ''
  const faults: Array<[string, string, (request: IncomingMessage, response: ServerResponse) => void]> = [
    [
      'connection reset',
      'unreachable',
      (request) => {
        request.socket.destroy()
      }
    ],
    ['silence', 'timeout', () => {}],
    [
      'headers, then silence',
      'timeout',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.write('{')
      }
    ],
    ['500', 'status', (request, response) => signed(request, response, JSON.stringify(passed), { status: 500 })],
    [
      '503 of a gateway',
      'status',
      (_request, response) => {
        response.writeHead(503).end('<html>busy')
      }
    ],
    [
      '429',
      'status',
      (_request, response) => {
        response.writeHead(429).end()
      }
    ],
    [
      'redirect',
      'redirect',
      (_request, response) => {
        response.writeHead(307, { location: target }).end()
      }
    ],
    [
      'signed redirect',
      'redirect',
      (request, response) => signed(request, response, '', { status: 302, headers: { location: target } })
    ],
    [
      'oversize with a length',
      'oversize',
      (request, response) => signed(request, response, JSON.stringify({ ...passed, padding: 'x'.repeat(70_000) }))
    ],
    [
      'oversize without end',
      'oversize',
      (_request, response) => {
        response.writeHead(200)
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(16_384, 32)));
          response.once('drain', more)
        }
        more()
      }
    ],
    [
      'gzip bomb',
      'oversize',
      (_request, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(5_000_000)))
      }
    ],
    [
      'unsigned',
      'signature',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(passed))
      }
    ],
    [
      'signed with another secret',
      'signature',
      (request, response) =>
        signed(request, response, JSON.stringify(passed), { key: { ...hmacKey, secret: 'x'.repeat(32) } })
    ],
    [
      'signed as another key',
      'signature',
      (request, response) => signed(request, response, JSON.stringify(passed), { key: { ...hmacKey, keyId: 'other' } })
    ],
    [
      'signed long ago',
      'signature',
      (request, response) => signed(request, response, JSON.stringify(passed), { now: Date.now() - 62_000 })
    ],
    [
      'signed in the future',
      'signature',
      (request, response) => signed(request, response, JSON.stringify(passed), { now: Date.now() + 62_000 })
    ],
    [
      'another status than signed',
      'signature',
      (request, response) => {
        const { writeHead } = response
        response.writeHead = ((_status: number, headers: object) =>
          writeHead.call(response, 203, headers as never)) as never
        signed(request, response, JSON.stringify(passed))
      }
    ],
    [
      'unsigned 401',
      'signature',
      (_request, response) => {
        response.writeHead(401, { 'content-type': 'application/json' }).end('{"code":"UNKNOWN_KEY"}')
      }
    ],
    ['not JSON', 'malformed', (request, response) => signed(request, response, '{"status":"passed"')],
    [
      'not called JSON',
      'malformed',
      (request, response) =>
        signed(request, response, JSON.stringify(passed), { headers: { 'content-type': 'text/html' } })
    ],
    [
      'not UTF-8',
      'malformed',
      (request, response) => signed(request, response, Buffer.from('7b22ff', 'hex').toString('latin1'))
    ],
    ['empty', 'malformed', (request, response) => signed(request, response, '')],
    ['null', 'malformed', (request, response) => signed(request, response, 'null')],
    [
      'of another transaction',
      'malformed',
      (request, response) => signed(request, response, JSON.stringify({ ...passed, transactionId: 'transaction-2' }))
    ],
    [
      'of another attempt',
      'malformed',
      (request, response) => signed(request, response, JSON.stringify({ ...passed, attemptId: 'attempt-of-others' }))
    ]
  ]
  const elsewhere = await rogue(t, (request, response) => signed(request, response, JSON.stringify(passed)))
  target = `${elsewhere.baseUrl}/v1/transactions/${transactionId}`
  for (const [name, fault, answer] of faults) {
    const server = await rogue(t, answer)
    // only an answer that never comes may meet the limit, also on a busy machine
    const provider = adapter(server, fault === 'timeout' ? { timeoutMs: 100 } : {})
    t.same(
      await provider.result(transactionId, attemptId),
      {
        status: 'error',
        reason: 'UPSTREAM',
        retryable: true,
        offerAlternative: true,
        providerTxnId: transactionId,
        fault
      },
      `result: ${name}`
    )
    const error: unknown = await provider.start(start({ attemptId })).then(
      () => 'started',
      (error: unknown) => error
    )
    t.match(error, { name: 'FaceProviderError', reason: 'UPSTREAM', retryable: true, fault }, `start: ${name}`)
    t.notMatch(
      `${String(error)} ${JSON.stringify(error)}`,
      /5401021990|5401\*|扎西|secret/,
      `${name}: no personal data in the error`
    )
  }
  t.equal(elsewhere.requests.length, 0, 'a redirect is not followed')
  const refused = createFaceHttpProvider({ baseUrl: 'http://127.0.0.1:1', ...hmacKey })
  t.match(await refused.result(transactionId, attemptId), { status: 'error', fault: 'unreachable' }, 'nobody there')
})

t.test('a true answer to an earlier question is no answer to this one', async (t) => {
  let recorded: { headers: Record<string, string>; body: string } | undefined
  const server = await rogue(t, (request, response) => {
    if (recorded) {
      response.writeHead(200, recorded.headers).end(recorded.body)
      return
    }
    const { writeHead } = response
    response.writeHead = ((status: number, headers: Record<string, string>) => {
      recorded = { headers, body: JSON.stringify(passed) }
      return writeHead.call(response, status, headers as never)
    }) as never
    signed(request, response, JSON.stringify(passed))
  })
  const provider = adapter(server)
  t.match(await provider.result(transactionId, attemptId), { status: 'passed' })
  t.match(await provider.result(transactionId, attemptId), { status: 'error', fault: 'signature' })
})

t.test('our own signed question reflected at us is no answer and no notification', async (t) => {
  let reflected: IncomingMessage['headers'] = {}
  const server = await rogue(t, (request, response) => {
    reflected = request.headers
    const { signature, 'signature-input': input, 'content-digest': digest } = request.headers
    response
      .writeHead(200, {
        'content-type': 'application/json',
        signature: String(signature),
        'signature-input': String(input),
        'content-digest': String(digest)
      })
      .end()
  })
  const provider = adapter(server)
  t.match(await provider.result(transactionId, attemptId), { status: 'error', fault: 'signature' })
  t.equal(provider.verifyNotification(Buffer.alloc(0), reflected), null)
})

t.test('a ticket leads nowhere but to the provider', async (t) => {
  const urls = [
    'https://evil.example/c/1',
    'javascript:alert(1)',
    '//face.example/c',
    'http://face.example/c/1',
    'https://face.example:444/c',
    'https://u:p@face.example/c',
    'data:text/html,x',
    ''
  ]
  let body: object = {}
  const server = await rogue(t, (request, response) =>
    signed(request, response, JSON.stringify(body), { status: 201 })
  )
  const provider = adapter(server, { captureOrigins: ['https://face.example'] })
  for (const url of urls) {
    body = { ...ticket, url }
    t.match(await failure(provider.start(start({ attemptId }))), { reason: 'UPSTREAM', fault: 'malformed' }, url)
  }
  for (const change of [
    { expiresAt: '2001-01-01T00:00:00Z' },
    { expiresAt: 'tomorrow' },
    { transactionId: '../x' },
    { method: 'other' },
    { attemptId: 'attempt-of-others' }
  ]) {
    body = { ...ticket, ...change }
    t.match(
      await failure(provider.start(start({ attemptId }))),
      { reason: 'UPSTREAM', fault: 'malformed' },
      JSON.stringify(change)
    )
  }
  body = { ...ticket, method: 'sdkToken', token: 'token-1' }
  t.match(await provider.start(start({ attemptId })), { method: 'sdkToken', token: 'token-1' })
})

t.test("a refusal is the provider's word, not an outage", async (t) => {
  let status = 422
  let body: object = { code: '417', reason: 'RISK_BLOCKED' }
  const server = await rogue(t, (request, response) => signed(request, response, JSON.stringify(body), { status }))
  const provider = adapter(server, { breaker: { failures: 2 } })
  for (let i = 0; i < 3; i++) {
    t.match(await failure(provider.start(start({ attemptId }))), {
      reason: 'RISK_BLOCKED',
      retryable: false,
      providerCode: '417',
      fault: undefined
    })
  }
  t.same(await provider.result(transactionId, attemptId), {
    status: 'error',
    reason: 'RISK_BLOCKED',
    retryable: false,
    offerAlternative: true,
    providerTxnId: transactionId,
    providerCode: '417'
  })
  body = { code: 'x', reason: 'PASSED' }
  t.match(await failure(provider.start(start({ attemptId }))), { reason: 'CONFIG' }, 'a reason that is none')
  status = 400
  body = { code: 'BAD_REQUEST', reason: 'NOT_SAME_PERSON' }
  t.match(await failure(provider.start(start({ attemptId }))), { reason: 'CONFIG' }, 'only 422 carries reasons')
  t.equal((await provider.health()).breaker, 'closed')
})

t.test('the breaker opens after five faults, asks nobody, probes once, and closes', async (t) => {
  const { provider, sandbox } = await pair(t, {}, { timeoutMs: 500, breaker: { halfOpenAfterMs: 40 } })
  const begin = start()
  const { providerTxnId } = await provider.start(begin)
  const ask = async () => provider.result(providerTxnId, begin.attemptId)
  sandbox.outage('down')
  for (let i = 0; i < 5; i++) t.match(await ask(), { fault: 'unreachable' })
  t.match(await ask(), { status: 'error', reason: 'UPSTREAM', retryable: true, fault: 'breaker-open' })
  t.match(await failure(provider.start(start())), { reason: 'UPSTREAM', retryable: true, fault: 'breaker-open' })

  await delay(45)
  const probing = await Promise.all([ask(), ask(), ask()])
  t.same(
    probing.map(({ fault }) => fault).sort(),
    ['breaker-open', 'breaker-open', 'unreachable'],
    'one call probes, nobody waits for it'
  )
  t.match(await ask(), { fault: 'breaker-open' }, 'the probe failed: open again')

  sandbox.outage(null)
  t.match(await ask(), { fault: 'breaker-open' }, 'not before its time')
  await delay(45)
  t.match(await ask(), { status: 'pending' }, 'the probe succeeds')
  t.same(await provider.health(), { reachable: true, breaker: 'closed' })
  t.match(await ask(), { status: 'pending' })
})

t.test('nonsense opens the breaker like silence does; a success in between starts the count anew', async (t) => {
  let body = '{}'
  const server = await rogue(t, (request, response) => signed(request, response, body))
  const provider = adapter(server, { breaker: { failures: 3, halfOpenAfterMs: 60_000 } })
  const ask = async () => provider.result(transactionId, attemptId)
  await ask()
  await ask()
  body = JSON.stringify(passed)
  t.match(await ask(), { status: 'passed' })
  body = '{}'
  for (let i = 0; i < 3; i++) t.match(await ask(), { fault: 'malformed' })
  t.match(await ask(), { fault: 'breaker-open' })
  t.equal(server.requests.length, 6)
})

t.test('while one call probes, the others are told at once', async (t) => {
  let release = (): void => {}
  const server = await rogue(t, (request) => {
    request.socket.destroy()
  })
  const provider = adapter(server, { timeoutMs: 3000, breaker: { failures: 1, halfOpenAfterMs: 10 } })
  const ask = async () => provider.result(transactionId, attemptId)
  t.match(await ask(), { fault: 'unreachable' })
  const arrived = new Promise<void>((resolve) => {
    server.answer = (request, response) => {
      release = () => signed(request, response, JSON.stringify(passed))
      resolve()
    }
  })
  await delay(15)
  const probe = ask()
  await arrived
  // the probe is still unanswered here: who queued behind it would wait for ever
  t.match(await ask(), { fault: 'breaker-open' })
  release()
  t.match(await probe, { status: 'passed' })
})

// The provider's side over real HTTP: who may ask, what is answered, and the levers for tests.
import { createHash, createHmac, randomBytes } from 'node:crypto'
import t from 'tap'
import type { Test } from 'tap'
import { createFaceSandbox } from '../../../src/simulators/face-provider/index.ts'
import type { FaceSandbox, FaceSandboxOptions } from '../../../src/simulators/face-provider/index.ts'

const key = { keyId: 'kora', algorithm: 'hmac-sha256', secret: '0123456789abcdef0123456789abcdef' } as const
const other = { ...key, keyId: 'other' } as const

async function sandbox (t: Test, options: Partial<FaceSandboxOptions> = {}): Promise<FaceSandbox> {
  const running = await createFaceSandbox({ keys: [key, other], ...options })
  t.teardown(() => running.close())
  await running.listen()
  return running
}

/** Headers as docs/face-provider-contract.md describes them, written out once more. */
function sign (
  method: string,
  path: string,
  body: string,
  { keyId = 'kora', created = Date.now() / 1000, nonce = randomBytes(18).toString('base64url') } = {}
): Record<string, string> {
  const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
  const parameters = `("@method" "@path" "content-digest");created=${Math.floor(created)};nonce="${nonce}";keyid="${keyId}";alg="hmac-sha256";tag="kora-face-request"`
  const base = `"@method": ${method}\n"@path": ${path}\n"content-digest": ${digest}\n"@signature-params": ${parameters}`
  return {
    'content-digest': digest,
    'signature-input': `sig=${parameters}`,
    signature: `sig=:${createHmac('sha256', key.secret).update(base).digest('base64')}:`
  }
}

interface Reply {
  status: number
  json: Record<string, unknown>
  headers: Headers
}

async function send (
  url: string,
  method: string,
  path: string,
  body: object | undefined,
  headers?: Record<string, string>
): Promise<Reply> {
  const text = body === undefined ? '' : JSON.stringify(body)
  const response = await fetch(url + path, {
    method,
    headers: { ...(body && { 'content-type': 'application/json' }), ...(headers ?? sign(method, path, text)) },
    ...(body && { body: text })
  })
  const answer = await response.text()
  return { status: response.status, json: answer === '' ? {} : JSON.parse(answer), headers: response.headers }
}

let count = 0
const begin = (extra: object = {}): Record<string, unknown> => ({
  attemptId: `attempt-${++count}-abcdef`,
  subject: { certType: 'resident_id', certNo: '540102199003072515', name: '测试' },
  channel: 'h5',
  consentId: 'consent-1',
  ...extra
})

t.test('only signed, fresh, new requests of known keys are answered', async (t) => {
  const { url } = await sandbox(t)
  const body = begin()
  const text = JSON.stringify(body)
  const path = '/v1/transactions'
  const good = sign('POST', path, text)
  t.match(await send(url, 'POST', path, body, {}), { status: 401, json: { code: 'UNSIGNED' } })
  t.match(await send(url, 'POST', path, body, sign('POST', path, text, { keyId: 'nobody' })), {
    status: 401,
    json: { code: 'UNKNOWN_KEY' }
  })
  t.match(
    await send(url, 'POST', path, { ...body, channel: 'pc' }, good),
    { status: 401, json: { code: 'BAD_SIGNATURE' } },
    'changed body'
  )
  t.match(
    await send(url, 'POST', path, body, sign('PUT', path, text)),
    { status: 401, json: { code: 'BAD_SIGNATURE' } },
    'other method'
  )
  t.match(
    await send(url, 'POST', `${path}?a=1`, body, good),
    { status: 401, json: { code: 'BAD_SIGNATURE' } },
    'query added'
  )
  for (const seconds of [-65, 65]) {
    t.match(await send(url, 'POST', path, body, sign('POST', path, text, { created: Date.now() / 1000 + seconds })), {
      status: 401,
      json: { code: 'CLOCK_SKEW' }
    })
  }
  t.match(await send(url, 'POST', path, body, good), { status: 201 })
  t.match(await send(url, 'POST', path, body, good), { status: 401, json: { code: 'REPLAYED' } })
  t.match(await send(url, 'GET', '/v1/health', undefined), { status: 200, json: { status: 'ok' } })
  t.match(await send(url, 'GET', '/v1/health', undefined, {}), { status: 401 })
})

t.test('a start that misses something is refused, in signed JSON without an echo', async (t) => {
  const { url } = await sandbox(t)
  const { consentId: _consent, ...noConsent } = begin()
  for (const body of [
    noConsent,
    begin({ subject: { certType: 'resident_id', certNo: '540102199003072515' } }),
    begin({ channel: 'tv' }),
    begin({ attemptId: '../..' }),
    begin({ returnUrl: 'javascript:alert(1)' })
  ]) {
    const reply = await send(url, 'POST', '/v1/transactions', body)
    t.match(reply, { status: 400, json: { code: 'BAD_REQUEST' } })
    t.notMatch(JSON.stringify(reply.json), /5401021990|5401\*/)
    t.ok(reply.headers.get('signature'))
  }
})

t.test('a transaction belongs to the key that opened it', async (t) => {
  const { url } = await sandbox(t)
  const {
    json: { transactionId }
  } = await send(url, 'POST', '/v1/transactions', begin())
  const path = `/v1/transactions/${String(transactionId)}`
  t.match(await send(url, 'GET', path, undefined, sign('GET', path, '', { keyId: 'other' })), { status: 404 })
  t.match(await send(url, 'DELETE', path, undefined, sign('DELETE', path, '', { keyId: 'other' })), { status: 404 })
  t.match(await send(url, 'GET', path, undefined), { status: 200, json: { status: 'pending' } })
  t.equal((await send(url, 'DELETE', path, undefined)).status, 204)
  t.match(await send(url, 'GET', path, undefined), { status: 404, json: { code: 'TRANSACTION_UNKNOWN' } })
})

t.test('scripts: a queue for anybody, a standing outcome for a person', async (t) => {
  const box = await sandbox(t)
  const run = async (certNo: string): Promise<unknown> => {
    const { json } = await send(
      box.url,
      'POST',
      '/v1/transactions',
      begin({ subject: { certType: 'resident_id', certNo, name: '测试' } })
    )
    const { json: verdict } = await send(
      box.url,
      'GET',
      `/v1/transactions/${String(json['transactionId'])}`,
      undefined
    )
    return verdict['reason'] ?? verdict['status']
  }
  box.script(['pass', 'mismatch'])
  box.script({ B: 'liveness' })
  t.same(
    [await run('A'), await run('B'), await run('A'), await run('A'), await run('B')],
    ['passed', 'LIVENESS_RISK', 'NOT_SAME_PERSON', 'pending', 'LIVENESS_RISK']
  )
  box.clearScript()
  t.equal(await run('B'), 'pending')
})

t.test('decided once: a verdict stays, a fault may end', async (t) => {
  const box = await sandbox(t)
  const {
    json: { transactionId }
  } = await send(box.url, 'POST', '/v1/transactions', begin())
  const id = String(transactionId)
  t.equal(box.decide('unknown', 'pass'), 'unknown')
  t.equal(box.decide(id, 'garbage'), 'decided')
  t.equal(box.decide(id, 'mismatch'), 'decided')
  t.equal(box.decide(id, 'pass'), 'already-decided')
  t.match(await send(box.url, 'GET', `/v1/transactions/${id}`, undefined), { json: { reason: 'NOT_SAME_PERSON' } })
})

t.test('the levers over JSON', async (t) => {
  const { url } = await sandbox(t)
  const lever = async (path: string, body: object): Promise<Reply> => send(url, 'POST', `/sandbox/${path}`, body, {})
  const {
    json: { transactionId }
  } = await send(url, 'POST', '/v1/transactions', begin())
  t.match(await lever('decide', { transactionId, outcome: 'perhaps' }), {
    status: 400,
    json: { code: 'BAD_REQUEST', outcomes: ['pass'] }
  })
  t.match(await lever('decide', { transactionId: 'none', outcome: 'pass' }), {
    status: 404,
    json: { result: 'unknown' }
  })
  t.match(await lever('decide', { transactionId, outcome: 'pass' }), { status: 200, json: { result: 'decided' } })
  t.match(await lever('decide', { transactionId, outcome: 'pass' }), {
    status: 409,
    json: { result: 'already-decided' }
  })
  t.match(await lever('script', { queue: ['quality'], persons: { X: 'cancel' } }), { status: 200 })
  const { json: next } = await send(url, 'POST', '/v1/transactions', begin())
  t.match(await send(url, 'GET', `/v1/transactions/${String(next['transactionId'])}`, undefined), {
    json: { reason: 'BAD_CAPTURE' }
  })
  t.match(await lever('outage', { fault: 'down' }), { status: 200 })
  await t.rejects(send(url, 'GET', '/v1/health', undefined))
  t.match(await lever('outage', { fault: 'none' }), { status: 200 })
  t.match(await send(url, 'GET', '/v1/health', undefined), { status: 200 })
  const listed = await (await fetch(`${url}/sandbox/transactions`)).text()
  t.match(JSON.parse(listed), {
    transactions: [{ transactionId, certNo: '540***2515', outcome: 'pass' }, { outcome: 'quality' }]
  })
  t.notMatch(listed, /540102199003072515|测试/, 'the list names nobody')
})

t.test('never in production, and no address before there is one', async (t) => {
  const idle = await createFaceSandbox({ keys: [key] })
  t.throws(() => idle.url, /not listening/)
  await idle.close()
  const before = process.env['NODE_ENV']
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = before
  })
  process.env['NODE_ENV'] = 'production'
  await t.rejects(createFaceSandbox({ keys: [key] }), /never runs in production/)
})

import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { createPopulationRegister, type RegistryHttpOptions } from '../../../src/adapters/registry-http/index.ts'
import { contentDigest, signatureBase } from '../../../src/adapters/signed-http/message-signature.ts'
import { signatureKeys } from '../../../src/adapters/signed-http/keys.ts'
import { RegisterUnavailable, type PopulationRegister } from '../../../src/ports/registry.ts'
import {
  createRegisterSandbox,
  type RegisterFault,
  type RegisterSandbox,
  type RegisterSandboxOptions
} from '../../../src/simulators/registers/index.ts'
import { failure, hmacKey, rogue, signed } from '../face-http/support.ts'

const row = { name: '测试·扎西', certNo: '540102199003072515', status: 'normal' } as const
const question = { certType: 'resident_id', certNo: row.certNo, name: row.name } as const

async function pair (
  t: Test,
  sandbox: Partial<RegisterSandboxOptions> = {},
  adapter: Partial<RegistryHttpOptions> = {}
): Promise<{ register: PopulationRegister; sandbox: RegisterSandbox }> {
  const running = await createRegisterSandbox({ keys: [hmacKey], ...sandbox })
  t.teardown(async () => {
    await running.close()
  })
  running.put('a', row)
  return {
    sandbox: running,
    register: createPopulationRegister({ baseUrl: await running.listen(), ...hmacKey, ...adapter })
  }
}

t.test('the three answers, and an editable table', async (t) => {
  const { register, sandbox } = await pair(t)
  t.equal(await register.verify(question), 'match')
  t.equal(await register.verify({ ...question, name: ' 测试·扎西 ' }), 'match')
  t.equal(await register.verify({ ...question, name: '别人' }), 'mismatch')
  t.equal(await register.verify({ ...question, certNo: '110105194912310021' }), 'no_record')
  t.equal(await register.verify({ ...question, certType: 'passport' }), 'no_record')
  sandbox.put('a', { ...row, name: '别人' })
  t.equal(await register.verify({ ...question, name: '别人' }), 'match')
  sandbox.put('a', { ...row, status: 'removed' })
  t.equal(await register.verify(question), 'no_record')
  sandbox.put('a', { ...row, status: 'unavailable' })
  t.ok((await failure(register.verify(question))) instanceof RegisterUnavailable)
  t.same(sandbox.list(), [{ id: 'a', ...row, status: 'unavailable' }])
  sandbox.remove('a')
  t.equal(sandbox.get('a'), undefined)
  t.equal(await register.verify(question), 'no_record')
})

t.test('another source of answers than the table', async (t) => {
  const { register } = await pair(t, { lookup: ({ name }) => (name === 'x' ? 'unavailable' : 'mismatch') })
  t.equal(await register.verify(question), 'mismatch')
  t.ok((await failure(register.verify({ ...question, name: 'x' }))) instanceof RegisterUnavailable)
})

t.test('every fault of the line is an outage, without a word about the person', async (t) => {
  const { register, sandbox } = await pair(t, { hangMs: 5000 }, { timeoutMs: 300, breaker: { failures: 100 } })
  const faults: RegisterFault[] = ['down', 'hang', 'error', 'slow', 'nonsense', 'unsigned']
  for (const fault of faults) {
    sandbox.outage(fault)
    const error = await failure(register.verify(question))
    t.ok(error instanceof RegisterUnavailable, fault)
    t.notMatch(
      `${String(error)} ${String((error as Error).cause)} ${JSON.stringify(error)}`,
      /5401021990|5401\*|扎西|127\.0\.0\.1/,
      fault
    )
  }
  sandbox.outage(null)
  t.equal(await register.verify(question), 'match', 'and it comes back')
  sandbox.script(['error', null])
  t.ok((await failure(register.verify(question))) instanceof RegisterUnavailable)
  t.equal(await register.verify(question), 'match')
})

t.test('a slow answer within the limit counts', async (t) => {
  const { register, sandbox } = await pair(t, { hangMs: 30 })
  sandbox.script(['slow'])
  t.equal(await register.verify(question), 'match')
})

t.test('asked once, never repeated; not at all while the breaker is open', async (t) => {
  const { register, sandbox } = await pair(t, {}, { breaker: { failures: 2, halfOpenAfterMs: 60_000 } })
  sandbox.script(['nonsense', 'nonsense'])
  for (let i = 0; i < 5; i++) t.ok((await failure(register.verify(question))) instanceof RegisterUnavailable)
  t.equal(sandbox.asked(), 2)
})

t.test('answers that are signed for something else are not believed', async (t) => {
  const liar = await rogue(t, (request, response) => {
    signed(request, response, '{"result":"match"}')
  })
  const register = createPopulationRegister({ baseUrl: liar.baseUrl, ...hmacKey })
  t.match(
    await failure(register.verify(question)),
    { message: /signature/ },
    'an answer of a face provider with the same key'
  )
  liar.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"result":"match"}')
  }
  t.match(await failure(register.verify(question)), { message: /signature/ }, 'nobody signed')
  liar.answer = (_request, response) => {
    response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
  }
  t.match(await failure(register.verify(question)), { message: /redirect/ })
  t.match(liar.requests[0], { method: 'POST', url: '/v1/persons/verify' }, 'nothing about the person in the address')
  t.same(JSON.parse(liar.requests[0]!.body), question)
})

t.test('the sandbox believes nobody else', async (t) => {
  const { sandbox } = await pair(t)
  const url = `${sandbox.app.listeningOrigin}/v1/persons/verify`
  const bare = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(question)
  })
  t.equal(bare.status, 401)
  t.same(await bare.json(), { code: 'UNSIGNED' })
  const stranger = createPopulationRegister({
    baseUrl: sandbox.app.listeningOrigin,
    ...hmacKey,
    secret: 'another secret of thirty-two bytes.'
  })
  t.ok((await failure(stranger.verify(question))) instanceof RegisterUnavailable)
  t.equal(sandbox.asked(), 0)
})

t.test('the example of docs/register-contract.md', async (t) => {
  const docs = readFileSync(new URL('../../../docs/register-contract.md', import.meta.url), 'utf8')
  const keys = signatureKeys(
    { keyId: 'kora', algorithm: 'hmac-sha256', secret: '0123456789abcdef0123456789abcdef' },
    'register'
  )
  const body = Buffer.from(/request body `(.+?)`/.exec(docs)![1]!)
  const digest = contentDigest(body)
  t.match(docs, `"content-digest": ${digest}`)
  const parameters = /"@signature-params": (.+)/.exec(docs)![1]!
  t.match(
    docs,
    `Signature: sig=:${keys.sign(signatureBase({ kind: 'request', method: 'POST', path: '/v1/persons/verify', body }, digest, parameters))}:`
  )
})

t.test('wrong set-up is named at the start', async (t) => {
  t.throws(
    () => createPopulationRegister({ baseUrl: 'http://register.example', ...hmacKey }),
    /register provider: baseUrl must begin with https/
  )
  t.throws(
    () => createPopulationRegister({ baseUrl: 'https://register.example', ...hmacKey, secret: 'short' }),
    /register provider: the shared secret needs at least 32/
  )
})

t.test('never in production', async (t) => {
  const before = process.env['NODE_ENV']
  process.env['NODE_ENV'] = 'production'
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = before
  })
  await t.rejects(createRegisterSandbox({ keys: [hmacKey] }), /never runs in production/)
})

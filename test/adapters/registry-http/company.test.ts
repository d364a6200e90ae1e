import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { createCompanyRegister, type RegistryHttpOptions } from '../../../src/adapters/registry-http/index.ts'
import { contentDigest, signatureBase } from '../../../src/adapters/signed-http/message-signature.ts'
import { signatureKeys } from '../../../src/adapters/signed-http/keys.ts'
import { RegisterUnavailable, type CompanyRegister } from '../../../src/ports/registry.ts'
import { createCompanySandbox, registerFaults, type CompanySandbox } from '../../../src/simulators/registers/index.ts'
import { signAnswer } from '../../../src/simulators/face-provider/signature.ts'
import { failure, hmacKey, rogue } from '../face-http/support.ts'

const zhuoma = { certType: 'resident_id', certNo: '540103199511214029', name: '次仁卓玛' } as const
const row = {
  uscc: '91540102MA6T1A2BXK',
  name: '西藏示例科技有限公司',
  status: 'active',
  legalRepresentative: zhuoma
} as const
const other = { ...row, uscc: '71540102MC1234566M', name: '示例寺' }
const question = { uscc: row.uscc, name: row.name, legalRepresentative: zhuoma }

async function pair (
  t: Test,
  adapter: Partial<RegistryHttpOptions> = {},
  sandbox: { hangMs?: number; now?: () => number } = {}
): Promise<{ register: CompanyRegister; sandbox: CompanySandbox }> {
  const running = await createCompanySandbox({ keys: [hmacKey], rows: [row, other], ...sandbox })
  t.teardown(async () => {
    await running.close()
  })
  return {
    sandbox: running,
    register: createCompanyRegister({ baseUrl: await running.listen(), ...hmacKey, ...adapter })
  }
}

t.test('lookup: what the public may know', async (t) => {
  const { register, sandbox } = await pair(t)
  t.same(await register.lookup(row.uscc), { found: true, name: row.name, type: '91', status: 'active', version: 1 })
  t.same(await register.lookup('115400000043680056'), { found: false })
  sandbox.edit(row.uscc, { status: 'dissolved', name: '改名' })
  t.match(await register.lookup(row.uscc), { found: true, name: '改名', status: 'dissolved', version: Number })
  sandbox.edit(row.uscc, { available: false })
  t.ok((await failure(register.lookup(row.uscc))) instanceof RegisterUnavailable)
  t.match(await register.lookup(other.uscc), { found: true }, 'the others go on')
})

t.test('verify: each element by itself (法人四要素)', async (t) => {
  const { register, sandbox } = await pair(t)
  const checked = { certain: true, status: 'active', version: 1 }
  t.same(await register.verify(question), { ...checked, nameMatches: true, isLegalRepresentative: true })
  t.same(await register.verify({ ...question, name: ' 西藏示例科技有限公司 ' }), {
    ...checked,
    nameMatches: true,
    isLegalRepresentative: true
  })
  t.same(await register.verify({ ...question, name: '西藏示例有限公司' }), {
    ...checked,
    nameMatches: false,
    isLegalRepresentative: true
  })
  for (const wrong of [{ name: '次仁' }, { certNo: '540102199003072515' }, { certType: 'passport' as const }]) {
    t.same(await register.verify({ ...question, legalRepresentative: { ...zhuoma, ...wrong } }), {
      ...checked,
      nameMatches: true,
      isLegalRepresentative: false
    })
  }
  t.same(await register.verify({ ...question, uscc: '115400000043680056' }), { certain: false }, '库无')
  sandbox.edit(row.uscc, { available: false })
  t.ok((await failure(register.verify(question))) instanceof RegisterUnavailable)
})

t.test('changes: whole records, oldest first, from any position on', async (t) => {
  const { register, sandbox } = await pair(t)
  t.same(await register.changes(0), { changes: [], unreadable: 0, next: 0, more: false })
  sandbox.edit(row.uscc, { name: '新名' })
  const dawa = { certType: 'resident_id', certNo: '542523199807071011', name: '达瓦' } as const
  sandbox.edit(row.uscc, { legalRepresentative: dawa })
  sandbox.edit(other.uscc, { available: false })
  sandbox.edit(other.uscc, { name: other.name, status: 'active', legalRepresentative: { ...zhuoma } })
  const { changes, next } = await register.changes(0)
  t.match(changes, [
    { uscc: row.uscc, name: '新名', status: 'active', legalRepresentative: zhuoma },
    { uscc: row.uscc, name: '新名', status: 'active', legalRepresentative: dawa }
  ])
  t.ok(changes[0]!.version < changes[1]!.version)
  t.equal(next, 2)
  t.same((await register.changes(1)).changes, changes.slice(1))
  t.same(await register.changes(2), { changes: [], unreadable: 0, next: 2, more: false })
  t.same(await register.changes(null), { changes: [], unreadable: 0, next: 2, more: false }, 'from now on')
  sandbox.edit(row.uscc, { status: 'dissolved', version: 1 })
  t.match(
    await register.changes(2),
    { changes: [{ version: 1, status: 'dissolved' }], next: 3 },
    'news that come late'
  )
  t.match(sandbox.get(row.uscc), { status: 'active', legalRepresentative: dawa })
  for (let at = 0; at < 150; at++) sandbox.edit(other.uscc, { name: `第${at}` })
  const first = await register.changes(3)
  t.match(first, { next: 103, more: true })
  t.match(await register.changes(first.next), { next: 153, more: false })
})

t.test('told: when the reader has asked for what comes after the last change', async (t) => {
  const { register, sandbox } = await pair(t)
  t.equal(await sandbox.told(0), true, 'nothing to tell')
  sandbox.edit(row.uscc, { name: '新名' })
  t.equal(await sandbox.told(1), false)
  const { next } = await register.changes(0)
  t.equal(await sandbox.told(1), false, 'heard, perhaps not applied')
  const waiting = sandbox.told(60_000)
  await register.changes(next)
  t.equal(await waiting, true)
})

t.test('every fault of the line is an outage, without a word about anybody', async (t) => {
  const { register, sandbox } = await pair(t, { timeoutMs: 300, breaker: { failures: 100 } }, { hangMs: 5000 })
  for (const fault of registerFaults) {
    sandbox.outage(fault)
    for (const call of [() => register.lookup(row.uscc), () => register.verify(question), () => register.changes(0)]) {
      const error = await failure(call())
      t.ok(error instanceof RegisterUnavailable, fault)
      t.notMatch(
        `${String(error)} ${String((error as Error).cause)} ${JSON.stringify(error)}`,
        /5401|次仁|示例|127\.0\.0\.1/,
        fault
      )
    }
  }
  sandbox.outage(null)
  t.match(await register.verify(question), { certain: true })
})

t.test('answers that do not follow the contract', async (t) => {
  let body: unknown = {}
  const liar = await rogue(t, (request, response) => {
    const text = JSON.stringify(body)
    const requestSignature = String(request.headers['signature']).slice('sig=:'.length, -1)
    response
      .writeHead(200, {
        'content-type': 'application/json',
        ...signAnswer(hmacKey, {
          answer: { status: 200, body: text, requestSignature },
          now: Date.now(),
          service: 'register'
        })
      })
      .end(text)
  })
  const register = createCompanyRegister({ baseUrl: liar.baseUrl, ...hmacKey, breaker: { failures: 1000 } })
  const good = { uscc: row.uscc, version: 5, name: 'x', status: 'active', legalRepresentative: zhuoma }
  body = {
    changes: [
      good,
      { ...good, uscc: '91540102MA6T1A2BXX' },
      { ...good, version: '5' },
      null,
      { ...good, legalRepresentative: null }
    ],
    next: 7,
    more: false
  }
  t.same(
    await register.changes(0),
    { changes: [good, { ...good, legalRepresentative: null }], unreadable: 3, next: 7, more: false },
    'what is bad does not hold up the rest'
  )
  body = {
    changes: [
      { ...good, legalRepresentative: {} },
      { ...good, legalRepresentative: { ...zhuoma, certNo: 5 } },
      { ...good, status: 'gone' },
      { ...good, name: 'a\nb' },
      { ...good, name: '' }
    ],
    next: 5,
    more: false
  }
  const { name: _name, ...nameless } = good
  const { status: _status, ...stateless } = good
  t.same(
    (await register.changes(0)).changes,
    [
      { ...good, legalRepresentative: null, faults: ['legal_representative.cert_type'] },
      { ...good, legalRepresentative: null, faults: ['legal_representative.cert_no'] },
      { ...stateless, faults: ['status'] },
      { ...nameless, faults: ['name.character'] },
      { ...nameless, faults: ['name'] }
    ],
    'S25: what is bad of an entry does not hold up the rest of it'
  )
  const lookups = [
    [],
    {},
    { result: 'found' },
    { result: 'found', name: '', status: 'active', version: 1 },
    { result: 'found', name: 'x', status: 'new', version: 1 },
    { result: 'found', name: 'x', status: 'active', version: 0 }
  ]
  for (body of lookups) {
    t.match(await failure(register.lookup(row.uscc)), { message: 'company register: malformed' }, JSON.stringify(body))
  }
  for (body of [
    { result: 'checked' },
    { result: 'checked', nameMatches: 1, isLegalRepresentative: true, status: 'active', version: 1 },
    { result: 'match' }
  ]) {
    t.match(await failure(register.verify(question)), { message: /malformed/ })
  }
  for (body of [
    { changes: {}, next: 1, more: false },
    { changes: [], next: 2, more: false },
    { changes: [], next: 5, more: true },
    { changes: [], next: 6 }
  ]) {
    t.match(await failure(register.changes(5)), { message: /malformed/ }, JSON.stringify(body))
  }
  t.match(liar.requests[0], { method: 'POST', url: '/v1/companies/changes' })
  t.ok(
    liar.requests.every(({ url }) => !url.includes(row.uscc)),
    'nothing in the address'
  )
})

t.test('the example of docs/register-contract.md', async (t) => {
  const docs = readFileSync(new URL('../../../docs/register-contract.md', import.meta.url), 'utf8').split(
    '### Company register'
  )[1]!
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
    `Signature: sig=:${keys.sign(signatureBase({ kind: 'request', method: 'POST', path: '/v1/companies/verify', body }, digest, parameters))}:`
  )
})

t.test('never in production', async (t) => {
  const before = process.env['NODE_ENV']
  process.env['NODE_ENV'] = 'production'
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = before
  })
  await t.rejects(createCompanySandbox({ keys: [hmacKey] }), /never runs in production/)
})

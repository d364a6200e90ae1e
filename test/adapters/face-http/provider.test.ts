import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { createFaceHttpProvider } from '../../../src/adapters/face-http/index.ts'
import { boundDocNoHash, FaceProviderError } from '../../../src/ports/face-provider.ts'
import type { FaceResult } from '../../../src/ports/face-provider.ts'
import type { Outcome } from '../../../src/simulators/face-provider/index.ts'
import { failure, hmacKey, pair, person, start } from './support.ts'

t.test('every outcome arrives as the port says', async (t) => {
  const { provider, sandbox } = await pair(t, { hangMs: 1000 }, { timeoutMs: 150, breaker: { failures: 50 } })
  const expected: Record<Outcome, Partial<FaceResult>> = {
    pass: { status: 'passed', score: 93.7, providerCode: 'SB200', retryable: false, offerAlternative: false },
    mismatch: { status: 'failed', reason: 'NOT_SAME_PERSON', retryable: true, offerAlternative: true, score: 31.4 },
    liveness: { status: 'failed', reason: 'LIVENESS_RISK', retryable: true, offerAlternative: true },
    quality: { status: 'failed', reason: 'BAD_CAPTURE', retryable: true, offerAlternative: true },
    'no-photo': { status: 'failed', reason: 'NO_REFERENCE_PHOTO', retryable: false, offerAlternative: true },
    cancel: { status: 'failed', reason: 'USER_CANCELLED', retryable: true, offerAlternative: true },
    timeout: { status: 'error', reason: 'UPSTREAM', fault: 'timeout', retryable: true, offerAlternative: true },
    down: { status: 'error', reason: 'UPSTREAM', fault: 'unreachable', retryable: true, offerAlternative: true },
    garbage: { status: 'error', reason: 'UPSTREAM', fault: 'malformed', retryable: true, offerAlternative: true },
    forged: { status: 'error', reason: 'UPSTREAM', fault: 'signature', retryable: true, offerAlternative: true }
  }
  for (const [outcome, result] of Object.entries(expected)) {
    const begin = start()
    const ticket = await provider.start(begin)
    t.match(
      await provider.result(ticket.providerTxnId, begin.attemptId),
      { status: 'pending', retryable: true, offerAlternative: false },
      `${outcome}: pending first`
    )
    t.equal(sandbox.decide(ticket.providerTxnId, outcome as Outcome), 'decided')
    const answer = await provider.result(ticket.providerTxnId, begin.attemptId)
    t.match(answer, { ...result, providerTxnId: ticket.providerTxnId }, outcome)
    if (result.status === 'error') {
      t.notOk('score' in answer || 'verifiedAt' in answer, `${outcome}: nothing of a spoiled answer is believed`)
    } else t.equal(answer.boundDocNoHash, boundDocNoHash(begin.attemptId, person), `${outcome}: says whom it is about`)
  }
})

t.test('a verdict is about the person and the attempt of its start', async (t) => {
  const { provider, sandbox } = await pair(t)
  const begin = start()
  const ticket = await provider.start(begin)
  sandbox.decide(ticket.providerTxnId, 'pass')
  t.match(
    await provider.result(ticket.providerTxnId, 'another-attempt'),
    { status: 'error', fault: 'malformed' },
    'not for another attempt'
  )
  const { boundDocNoHash: hash } = await provider.result(ticket.providerTxnId, begin.attemptId)
  t.not(
    hash,
    boundDocNoHash(begin.attemptId, { ...person, certNo: '54010219900307019X' }),
    'another number has another fingerprint'
  )
  t.not(hash, boundDocNoHash('another-attempt', person), 'and so has another attempt')
})

t.test('the population base speaks before the face', async (t) => {
  const answers = {
    match: 'passed',
    mismatch: 'NAME_ID_MISMATCH',
    no_record: 'NO_RECORD',
    no_photo: 'NO_REFERENCE_PHOTO'
  } as const
  for (const [lookup, outcome] of Object.entries(answers)) {
    const asked: string[][] = []
    const { provider, sandbox } = await pair(t, {
      population: (...args) => {
        asked.push(args)
        return lookup as keyof typeof answers
      }
    })
    sandbox.script(['pass'])
    const begin = start()
    const ticket = await provider.start(begin)
    const result = await provider.result(ticket.providerTxnId, begin.attemptId)
    t.equal(result.reason ?? result.status, outcome)
    t.same(asked, [[person.certNo, person.name]])
  }
})

t.test('a start is idempotent by attempt, and an attempt is about one person', async (t) => {
  const { provider } = await pair(t)
  const begin = start({ returnUrl: 'https://sso.example.gov.cn/v/1/face' })
  const first = await provider.start(begin)
  t.same(await provider.start(begin), first)
  t.match(await failure(provider.start({ ...begin, subject: { ...person, name: '另一人' } })), {
    name: 'FaceProviderError',
    reason: 'CONFIG',
    providerCode: 'ATTEMPT_REUSED',
    fault: undefined
  })
})

t.test('what cannot be a face check is refused before anybody is asked', async (t) => {
  const { provider, sandbox } = await pair(t)
  await t.rejects(provider.start(start({ consentId: '' })), TypeError, 'no consent')
  await t.rejects(provider.start(start({ attemptId: 'short' })), TypeError, 'no attempt')
  t.match(
    await failure(provider.start(start({ subject: { ...person, certType: 'passport' } }))),
    { reason: 'NO_RECORD' },
    'unknown document'
  )
  t.match(await provider.result('../../sandbox/transactions', 'attempt-x'), { status: 'error', reason: 'CONFIG' })
  const listed = (await (await fetch(`${sandbox.url}/sandbox/transactions`)).json()) as { transactions: unknown[] }
  t.same(listed.transactions, [])
})

t.test('an erased or unknown transaction is gone', async (t) => {
  const { provider } = await pair(t)
  const begin = start()
  const ticket = await provider.start(begin)
  await provider.erase(ticket.providerTxnId)
  t.match(await provider.result(ticket.providerTxnId, begin.attemptId), {
    status: 'error',
    reason: 'EXPIRED',
    retryable: true,
    providerCode: 'TRANSACTION_UNKNOWN'
  })
  await provider.erase(ticket.providerTxnId)
})

t.test('an undecided transaction expires', async (t) => {
  let time = Date.now()
  const now = (): number => time
  const { provider, sandbox } = await pair(t, { now }, { now })
  const begin = start()
  const ticket = await provider.start(begin)
  time += 11 * 60_000
  t.match(await provider.result(ticket.providerTxnId, begin.attemptId), {
    status: 'failed',
    reason: 'EXPIRED',
    retryable: true
  })
  t.equal(sandbox.decide(ticket.providerTxnId, 'pass'), 'expired')
})

t.test('key pairs instead of a secret', async (t) => {
  const pem = {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
  } as const
  const pairs = {
    ed25519: () => generateKeyPairSync('ed25519', pem),
    'ecdsa-p256-sha256': () => generateKeyPairSync('ec', { namedCurve: 'P-256', ...pem })
  }
  for (const [algorithm, generate] of Object.entries(pairs) as Array<
    [keyof typeof pairs, (typeof pairs)['ed25519']]
  >) {
    const [ours, theirs, strangers] = [generate(), generate(), generate()]
    const { provider, sandbox } = await pair(
      t,
      { keys: [{ keyId: 'kora', algorithm, clientPublicKey: ours.publicKey, privateKey: theirs.privateKey }] },
      { algorithm, privateKey: ours.privateKey, providerPublicKey: theirs.publicKey }
    )
    sandbox.script(['pass'])
    const begin = start()
    const ticket = await provider.start(begin)
    t.match(await provider.result(ticket.providerTxnId, begin.attemptId), { status: 'passed' }, algorithm)

    const { url: baseUrl } = sandbox
    const common = { baseUrl, keyId: 'kora', algorithm }
    const wrongOurs = createFaceHttpProvider({
      ...common,
      privateKey: strangers.privateKey,
      providerPublicKey: theirs.publicKey
    })
    t.match(
      await failure(wrongOurs.start(start())),
      { reason: 'CONFIG', providerCode: 'BAD_SIGNATURE' },
      'a stranger is refused'
    )
    const wrongTheirs = createFaceHttpProvider({
      ...common,
      privateKey: ours.privateKey,
      providerPublicKey: strangers.publicKey
    })
    t.match(
      await wrongTheirs.result(ticket.providerTxnId, begin.attemptId),
      { status: 'error', fault: 'signature' },
      'and a stranger is not believed'
    )
  }
  t.throws(
    () =>
      createFaceHttpProvider({
        baseUrl: 'https://face.example',
        keyId: 'kora',
        algorithm: 'ed25519',
        privateKey: pairs['ecdsa-p256-sha256']().privateKey,
        providerPublicKey: pairs.ed25519().publicKey
      }),
    /does not fit/
  )
})

t.test('clocks may differ by a minute, not more', async (t) => {
  for (const [seconds, fine] of [
    [-55, true],
    [55, true],
    [-65, false],
    [65, false]
  ] as const) {
    const { provider } = await pair(t, {}, { now: () => Date.now() + seconds * 1000 })
    const outcome = await provider.start(start()).then(
      () => true,
      (error: unknown) => error
    )
    // the provider says CLOCK_SKEW, but with a clock like ours its answer is too old or too young as well
    if (fine) t.equal(outcome, true, `${seconds} s`)
    else t.match(outcome, { reason: 'UPSTREAM', fault: 'signature', retryable: true }, `${seconds} s`)
  }
})

t.test('a wrong secret gets nothing', async (t) => {
  const { provider } = await pair(t, {}, { secret: 'another secret of thirty-two bytes' })
  const error = await provider.start(start()).catch((error: unknown) => error)
  t.ok(error instanceof FaceProviderError)
  t.match(error, { reason: 'UPSTREAM', fault: 'signature' })
  t.notMatch(String(error), new RegExp(`${person.certNo}|${person.name}`), 'no personal data in the error')
})

t.test('address and keys are checked when it is made', async (t) => {
  const make = (extra: object) => () =>
    createFaceHttpProvider({ baseUrl: 'https://face.example/api', ...hmacKey, ...extra })
  t.doesNotThrow(make({}))
  t.throws(make({ baseUrl: 'http://face.example' }), /https/)
  t.throws(make({ baseUrl: 'https://face.example?x=1' }), /query/)
  t.throws(make({ baseUrl: 'face' }), TypeError)
  t.throws(make({ secret: 'short' }), /32 bytes/)
  t.throws(make({ keyId: 'a"b' }), /key id/)
  t.throws(make({ algorithm: 'none' }), /algorithm/)
  t.throws(make({ algorithm: 'ed25519' }), /private key/)
})

t.test('health tells the truth of the moment', async (t) => {
  const { provider, sandbox } = await pair(t)
  t.same(await provider.health(), { reachable: true, breaker: 'closed' })
  sandbox.outage('down')
  t.same(await provider.health(), { reachable: false, breaker: 'closed', fault: 'unreachable' })
})

t.test('notifications are authentic hints, once', async (t) => {
  const received: Array<{ headers: Record<string, string | string[] | undefined>; body: Buffer }> = []
  const listener = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks) })
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  t.teardown(() => listener.close())
  let time = Date.now()
  const { provider, sandbox } = await pair(t, {}, { now: () => time })
  const begin = start({ notifyUrl: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/notify` })
  const ticket = await provider.start(begin)
  sandbox.decide(ticket.providerTxnId, 'pass')
  await sandbox.settled()
  const [notification] = received
  if (!notification) throw new Error('no notification')
  const { body, headers } = notification
  t.notMatch(body.toString(), /pass|score|5401021990|5401\*/, 'it says nothing about the outcome')

  t.equal(
    provider.verifyNotification(Buffer.from(body.toString().replace('attempt', 'Attempt')), headers),
    null,
    'changed body'
  )
  t.equal(
    provider.verifyNotification(body, { ...headers, signature: `sig=:${Buffer.alloc(32).toString('base64')}:` }),
    null,
    'changed signature'
  )
  t.equal(provider.verifyNotification(body, {}), null, 'unsigned')
  t.equal(provider.verifyNotification(Buffer.alloc(5000), headers), null, 'large')
  time += 62_000
  t.equal(provider.verifyNotification(body, headers), null, 'old')
  time -= 62_000
  const stranger = createFaceHttpProvider({
    baseUrl: 'https://face.example',
    ...hmacKey,
    secret: 'another secret of thirty-two bytes'
  })
  t.equal(stranger.verifyNotification(body, headers), null, 'of another provider')
  t.same(provider.verifyNotification(body, headers), {
    providerTxnId: ticket.providerTxnId,
    attemptId: begin.attemptId
  })
  t.equal(provider.verifyNotification(body, headers), null, 'the same once more')
})

// T094: only a complete, well-formed "passed" with a live person and a score in range is a pass.
import fc from 'fast-check'
import t from 'tap'
import { readTicket, readVerdict } from '../../../src/adapters/face-http/answers.ts'

const expected = {
  attemptId: 'attempt-1',
  providerTxnId: 'transaction-1',
  hasScore: true,
  captureOrigins: new Set<string>(),
  now: 0
}
const good = {
  transactionId: 'transaction-1',
  attemptId: 'attempt-1',
  status: 'passed',
  liveness: true,
  score: 88.5,
  verifiedAt: '2026-03-01T08:00:00.000Z'
}
const without = (key: keyof typeof good): object =>
  Object.fromEntries(Object.entries(good).filter(([name]) => name !== key))

t.test('scores', async (t) => {
  for (const score of [0, -0, 0.01, 69.999, 70, 100]) {
    t.equal(readVerdict({ ...good, score }, expected)?.status, 'passed', String(score))
  }
  // 1e999 is how a JSON text can hold an infinity
  for (const score of [
    -1,
    -0.0001,
    100.0001,
    101,
    NaN,
    Infinity,
    -Infinity,
    JSON.parse('1e999'),
    '88',
    '0.99',
    'NaN',
    null,
    true,
    [88],
    {}
  ]) {
    t.equal(readVerdict({ ...good, score }, expected), null, `passed with ${JSON.stringify(score)} (${String(score)})`)
    t.equal(
      readVerdict({ ...good, status: 'failed', reason: 'NOT_SAME_PERSON', score }, expected),
      null,
      'nor in any other answer'
    )
  }
  t.equal(readVerdict(without('score'), expected), null, 'a missing score is a fault')
  t.match(
    readVerdict(without('score'), { ...expected, hasScore: false }),
    { status: 'passed' },
    'unless this provider gives none'
  )
  t.equal(
    readVerdict({ ...good, score: 101 }, { ...expected, hasScore: false }),
    null,
    'but if it gives one, it must be one'
  )
})

t.test('liveness', async (t) => {
  t.equal(readVerdict(without('liveness'), expected), null)
  for (const liveness of [null, 'true', 1, 0, {}, []]) {
    t.equal(readVerdict({ ...good, liveness }, expected), null, JSON.stringify(liveness))
  }
  t.match(readVerdict({ ...good, liveness: false }, expected), {
    status: 'failed',
    reason: 'LIVENESS_RISK',
    offerAlternative: true
  })
})

t.test('everything else that is missing or odd', async (t) => {
  for (const key of ['transactionId', 'attemptId', 'status', 'verifiedAt'] as const) {
    t.equal(readVerdict(without(key), expected), null, `without ${key}`)
    for (const value of [null, 1, true, [], {}, '']) {
      t.equal(readVerdict({ ...good, [key]: value }, expected), null, `${key} ${JSON.stringify(value)}`)
    }
  }
  for (const status of ['PASSED', 'pass', 'ok', 'T', 'error', 'used']) {
    t.equal(readVerdict({ ...good, status }, expected), null, status)
  }
  for (const reason of [undefined, null, 'OTHER', '', 204]) {
    t.equal(readVerdict({ ...good, status: 'failed', reason }, expected), null, `failed for ${reason}`)
  }
  for (const boundDocNoHash of ['', 'abc', 'A'.repeat(64), null, 1]) {
    t.equal(readVerdict({ ...good, boundDocNoHash }, expected), null, `hash ${boundDocNoHash}`)
  }
  for (const json of [undefined, null, 'passed', 1, true, [], [good], {}]) {
    t.equal(readVerdict(json, expected), null, JSON.stringify(json))
    t.equal(readTicket(json, expected), null, JSON.stringify(json))
  }
})

t.test('unknown members are ignored, and none of them comes through', async (t) => {
  const result = readVerdict(
    { ...good, name: '扎西', certNo: '540102199003072515', image: 'MARKER', passed: true, retryable: true },
    expected
  )
  t.same(result, {
    status: 'passed',
    retryable: false,
    offerAlternative: false,
    score: 88.5,
    providerTxnId: 'transaction-1',
    verifiedAt: good.verifiedAt
  })
})

t.test('trouble of the provider is an error, not a failed try', async (t) => {
  const answer = (reason: string): unknown =>
    readVerdict({ ...good, status: 'failed', reason, code: 'P500' }, expected)
  for (const reason of ['UPSTREAM', 'CONFIG']) {
    t.match(answer(reason), { status: 'error', reason, providerCode: 'P500', retryable: reason === 'UPSTREAM' })
  }
  t.match(answer('NOT_SAME_PERSON'), { status: 'failed' })
})

t.test('no answer whatever is a pass unless it has every part of one', async (t) => {
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.double(),
    fc.constantFrom('passed', true, 'transaction-1', 'attempt-1', good.verifiedAt, 50)
  )
  const answer = fc.record(
    Object.fromEntries(
      Object.entries(good).map(([key, value]) => [
        key,
        fc.oneof({ weight: 4, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: odd })
      ])
    ),
    { requiredKeys: [] }
  )
  let passes = 0
  fc.assert(
    fc.property(answer, (json: Record<string, unknown>) => {
      const result = readVerdict(json, expected)
      if (result?.status !== 'passed') return
      passes++
      const { score, verifiedAt } = json
      if (
        json['transactionId'] !== 'transaction-1' ||
        json['attemptId'] !== 'attempt-1' ||
        json['status'] !== 'passed' ||
        json['liveness'] !== true
      ) {
        throw new Error('passed without proof')
      }
      if (typeof score !== 'number' || !(score >= 0 && score <= 100) || Number.isNaN(Date.parse(String(verifiedAt)))) {
        throw new Error('passed with nonsense')
      }
    }),
    { numRuns: 2000 }
  )
  t.ok(passes > 20, `the property saw ${passes} passes`)
})

// What a provider's answer is worth (T094): only a whole, high, own "passed" is one.
import t from 'tap'
import { faceThresholds, fewest } from '../../../src/records/face-checks/index.ts'
import { judge, triesLeft } from '../../../src/records/face-checks/rules.ts'
import type { FaceResult } from '../../../src/ports/face-provider.ts'

const own = 'a'.repeat(64)
const asked = { purpose: 'login', boundDocNoHash: own, capabilities: { hasScore: true } }
const passed = (extra: object = {}): FaceResult =>
  ({
    status: 'passed',
    retryable: false,
    offerAlternative: false,
    providerTxnId: 'txn-1',
    score: 93.7,
    boundDocNoHash: own,
    ...extra
  }) as FaceResult

t.test('a pass', async (t) => {
  t.same(judge(passed(), asked), { status: 'passed', score: 93.7 })
  t.same(
    judge(passed({ score: faceThresholds.otherwise }), asked),
    { status: 'passed', score: 70 },
    'the threshold itself'
  )
  const { boundDocNoHash, ...silent } = passed()
  t.ok(boundDocNoHash)
  t.match(judge(silent, asked), { status: 'passed' }, 'a provider that does not say whom it was about')
  const { score, ...scoreless } = passed()
  t.ok(score)
  t.match(judge(scoreless, { ...asked, capabilities: { hasScore: false } }), { status: 'passed', score: null })
})

t.test('no pass', async (t) => {
  for (const score of [0, 31.4, 69.999]) {
    t.match(
      judge(passed({ score }), asked),
      { status: 'failed', reason: 'NOT_SAME_PERSON', counted: true },
      `${score}`
    )
  }
  for (const score of [-1, 100.001, NaN, Infinity, '0.99', '95', null, undefined, true, [], {}]) {
    t.match(
      judge(passed({ score }), asked),
      { status: 'error', reason: 'UPSTREAM' },
      `${JSON.stringify(score)} is nonsense, not a verdict`
    )
  }
  t.match(
    judge(passed({ score: -1 }), { ...asked, capabilities: { hasScore: false } }),
    { status: 'error' },
    'nonsense where none is due'
  )
  t.match(
    judge(passed({ boundDocNoHash: 'b'.repeat(64) }), asked),
    { status: 'failed', reason: 'NAME_ID_MISMATCH', suspicious: true },
    'about somebody else'
  )
  t.match(judge(passed({ status: 'PASSED' }), asked), { status: 'error' })
  t.match(judge(passed({ status: 'pending' }), asked), { status: 'pending' })
})

t.test('a higher bar for what gives power or a phone away', async (t) => {
  for (const purpose of ['approve-delegation', 'organization-password', 'recover', 'change-phone']) {
    t.match(judge(passed({ score: 79.9 }), { ...asked, purpose }), { status: 'failed' }, purpose)
    t.match(judge(passed({ score: 80 }), { ...asked, purpose }), { status: 'passed' }, purpose)
  }
})

t.test('failures and faults', async (t) => {
  const failed = (reason: string) =>
    judge({ ...passed(), status: 'failed', reason, offerAlternative: true } as FaceResult, asked)
  for (const reason of [
    'NOT_SAME_PERSON',
    'LIVENESS_RISK',
    'BAD_CAPTURE',
    'NO_RECORD',
    'NO_REFERENCE_PHOTO',
    'USER_CANCELLED'
  ]) {
    t.match(failed(reason), { status: 'failed', reason, counted: true })
  }
  for (const reason of ['DEVICE_UNSUPPORTED', 'CONFIG', 'UPSTREAM']) {
    t.match(failed(reason), { status: 'failed', reason, counted: false })
  }
  const error = { ...passed(), status: 'error', reason: 'UPSTREAM' } as FaceResult
  t.same(judge({ ...error, retryable: true }, asked), { status: 'error', reason: 'UPSTREAM', final: false })
  t.same(judge({ ...error, reason: 'EXPIRED', retryable: false }, asked), {
    status: 'error',
    reason: 'EXPIRED',
    final: true
  })
})

t.test('tries', async (t) => {
  t.same(triesLeft({ attempt: 0, day: 0 }), { attempt: 3, day: 5 })
  t.same(triesLeft({ attempt: 4, day: 9 }), { attempt: 0, day: 0 })
  t.equal(fewest({ attempt: 3, day: 1 }), 1)
})

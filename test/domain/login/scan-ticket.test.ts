import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import {
  acceptedSteps,
  canonicalJson,
  computeCode,
  currentStep,
  decideScan,
  computeDigest,
  isSettled,
  judgeCode,
  liveStates,
  nextRenewal,
  payloadUrl,
  phoneStates,
  readPayload,
  remainingRequirements,
  statesBefore,
  ticketSeconds,
  ticketStates,
  transitions,
  type TicketState
} from '../../../src/domain/login/scan-ticket.ts'

const issuer = 'https://sso.example.gov.cn'
const secrets = { locator: Buffer.alloc(12, 1), key: Buffer.alloc(32, 2), purpose: 'login' }

t.test('transitions', async (t) => {
  const final: TicketState[] = ['consumed', 'rejected', 'failed', 'expired', 'superseded']
  for (const state of final) t.same(transitions[state], [], `${state} is final`)
  t.same(liveStates, ['waiting', 'scanned', 'identity', 'face'])
  t.same(phoneStates, ['scanned', 'identity', 'face'])
  t.same(statesBefore('confirmed'), ['scanned', 'identity', 'face'])
  t.same(statesBefore('consumed'), ['confirmed'])
  t.same(statesBefore('waiting'), [], 'nothing leads back')
  t.same(
    ticketStates.filter((state) => !isSettled(state)),
    ['waiting', 'scanned', 'identity', 'face']
  )

  t.test('no way leads back, and every way ends', async (t) => {
    const visit = (state: TicketState, path: TicketState[]): void => {
      if (path.includes(state)) {
        t.fail(`${[...path, state].join(' → ')} is a circle`)
        return
      }
      for (const next of transitions[state]) visit(next, [...path, state])
    }
    visit('waiting', [])
    t.ok(
      ticketStates.every((state) => state === 'waiting' || statesBefore(state).length > 0),
      'every state can be reached'
    )
  })

  t.test('a ticket is consumed only after a scan and a confirmation', async (t) => {
    const ways: TicketState[][] = []
    const visit = (state: TicketState, path: TicketState[]): void => {
      if (state === 'consumed') ways.push(path)
      for (const next of transitions[state]) visit(next, [...path, state])
    }
    visit('waiting', [])
    t.ok(ways.length > 0)
    for (const way of ways) t.ok(way[1] === 'scanned' && way.at(-1) === 'confirmed', way.join(' → '))
  })
})

t.test('renewals', async (t) => {
  t.same(
    [null, 0, 1, 2, 3].map(nextRenewal),
    [0, 1, 2, 3, 0],
    'after three silent ones a person asked, and the count begins again'
  )
})

t.test('payload', async (t) => {
  const url = payloadUrl(issuer, secrets, { elapsed: 0, rotating: false })
  t.match(url, /^https:\/\/sso\.example\.gov\.cn\/q\/[\w-]{28}$/)
  t.ok(url.length <= 62, 'fits a version 4 code with level M')

  t.test('read back', async (t) => {
    t.same(readPayload(issuer, url)?.locator, secrets.locator)
    t.same(readPayload(issuer, url.slice(-28))?.locator, secrets.locator, 'the last part alone')
    const code = url.slice(-28)
    for (const foreign of [
      '',
      'x',
      code.slice(1),
      code + 'A',
      `https://sso.example.gov.cn.evil.example/q/${code}`,
      `http://sso.example.gov.cn/q/${code}`,
      `https://sso.example.gov.cn/x/${code}`,
      `${issuer}/q/${code}?a=b`,
      `${issuer}/q/${code.slice(0, 27)}+`,
      `${issuer}/q/ ${code}`,
      `${issuer}/q/${issuer}/q/${code}`
    ]) {
      t.equal(readPayload(issuer, foreign), null, JSON.stringify(foreign))
    }
  })

  t.test('steps', async (t) => {
    t.equal(currentStep({ elapsed: 179, rotating: false }), 0, 'a page without script cannot draw another picture')
    t.same(acceptedSteps({ elapsed: 179, rotating: false }), [0])
    const table: Array<[number, number[]]> = [
      [0, [0]],
      [19.9, [0]],
      [20, [1, 0]],
      [39.9, [1, 0]],
      [40, [2, 1]],
      [179.9, [8, 7]]
    ]
    for (const [elapsed, steps] of table) t.same(acceptedSteps({ elapsed, rotating: true }), steps, `${elapsed} s`)
    t.equal(currentStep({ elapsed: -1, rotating: true }), 0, 'a clock that went back')
  })

  t.test('judged', async (t) => {
    const tagOf = (step: number, from = secrets): Buffer => readPayload(issuer, computeCode(from, step))!.tag
    t.equal(judgeCode(secrets, tagOf(0), { elapsed: 170, rotating: false }), 'fresh')
    t.equal(judgeCode(secrets, tagOf(1), { elapsed: 30, rotating: true }), 'fresh')
    t.equal(judgeCode(secrets, tagOf(0), { elapsed: 30, rotating: true }), 'fresh', 'the previous picture')
    t.equal(judgeCode(secrets, tagOf(0), { elapsed: 40, rotating: true }), 'stale')
    t.equal(judgeCode(secrets, tagOf(2), { elapsed: 10, rotating: true }), 'stale', 'not yet shown')
    t.equal(judgeCode(secrets, tagOf(1), { elapsed: 10, rotating: false }), 'stale')
    t.equal(
      judgeCode(secrets, tagOf(0, { ...secrets, purpose: 'approve-delegation' }), { elapsed: 0, rotating: false }),
      'forged',
      'a code of another purpose'
    )
    t.equal(
      judgeCode(secrets, tagOf(0, { ...secrets, key: Buffer.alloc(32, 3) }), { elapsed: 0, rotating: false }),
      'forged'
    )
    t.equal(
      judgeCode(secrets, tagOf(0, { ...secrets, locator: Buffer.alloc(12, 9) }), { elapsed: 0, rotating: false }),
      'forged'
    )
    t.equal(judgeCode(secrets, Buffer.alloc(3), { elapsed: 0, rotating: false }), 'forged', 'too short')
  })

  t.test('property: what is shown is accepted now and one step later, and no more after two', async () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: ticketSeconds.scan, noNaN: true }),
        fc.double({ min: 0, max: 200, noNaN: true }),
        (elapsed, later) => {
          const { tag } = readPayload(issuer, payloadUrl(issuer, secrets, { elapsed, rotating: true }))!
          const verdict = judgeCode(secrets, tag, { elapsed: elapsed + later, rotating: true })
          if (later <= ticketSeconds.step) return verdict === 'fresh'
          return later < 2 * ticketSeconds.step || verdict === 'stale'
        }
      )
    )
  })

  t.test('property: one changed bit is forged or another ticket', async () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 167 }), (bit) => {
        const bytes = Buffer.from(computeCode(secrets, 0), 'base64url')
        bytes[bit >> 3]! ^= 1 << (bit & 7)
        const read = readPayload(issuer, bytes.toString('base64url'))!
        return (
          !read.locator.equals(secrets.locator) ||
          judgeCode(secrets, read.tag, { elapsed: 0, rotating: false }) === 'forged'
        )
      })
    )
  })
})

t.test('digest', async (t) => {
  const context = {
    clientName: '税务',
    clientHost: 'tax.example',
    place: '本机',
    browser: 'Windows · Chrome',
    at: '2026-01-01T00:00:00.000Z'
  }
  const base = { id: 'st_1', purpose: 'login', clientId: 'tax', subjectRef: null, context }
  t.match(computeDigest(base), /^[\w-]{43}$/)
  t.equal(
    computeDigest({ ...base, context: Object.fromEntries(Object.entries(context).reverse()) }),
    computeDigest(base),
    'the order of members does not matter'
  )
  for (const changed of [
    { ...base, id: 'st_2' },
    { ...base, purpose: 'step-up' },
    { ...base, clientId: 'other' },
    { ...base, subjectRef: 'delegation:1' },
    { ...base, context: { ...context, clientName: '税 务' } },
    { ...base, context: { ...context, subject: { agent: '*珠' } } }
  ]) {
    t.not(computeDigest(changed), computeDigest(base), JSON.stringify(changed).slice(0, 60))
  }
  t.equal(
    canonicalJson({ b: [1, { d: null, c: 'é' }], a: undefined, A: true }),
    '{"A":true,"b":[1,{"c":"é","d":null}]}'
  )

  t.test('property: the same through a database and back', async () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        (value) => canonicalJson(JSON.parse(JSON.stringify(value))) === canonicalJson(JSON.parse(canonicalJson(value)))
      )
    )
  })
})

t.test('who may scan', async (t) => {
  const login = { expectedPersonId: 'p', requires: ['identity', 'face'] }
  const scanLogin = { expectedPersonId: null, requires: [] }
  const rows: Array<
    [string, Parameters<typeof decideScan>[0], Parameters<typeof decideScan>[1], ReturnType<typeof decideScan>]
  > = [
    ['unbound phone after a password', login, null, { ok: true, personId: 'p', requires: ['identity', 'face'] }],
    [
      'unbound app after a password',
      login,
      { kind: 'app', personId: null },
      { ok: true, personId: 'p', requires: ['identity', 'face'] }
    ],
    ['own app', login, { kind: 'app', personId: 'p' }, { ok: true, personId: 'p', requires: ['identity', 'face'] }],
    ["another person's app", login, { kind: 'app', personId: 'q' }, { ok: false, code: 'wrong_person' }],
    ["another person's browser", login, { kind: 'web', personId: 'q' }, { ok: false, code: 'wrong_person' }],
    [
      'own app, nothing required',
      { ...login, requires: [] },
      { kind: 'app', personId: 'p' },
      { ok: true, personId: 'p', requires: [] }
    ],
    [
      'own browser after a password, nothing required',
      { ...login, requires: [] },
      { kind: 'web', personId: 'p' },
      { ok: true, personId: 'p', requires: [] }
    ],
    [
      'an unbound phone proves nobody',
      { ...login, requires: [] },
      null,
      { ok: true, personId: 'p', requires: ['face'] }
    ],
    [
      'an unbound app proves nobody',
      { ...login, requires: [] },
      { kind: 'app', personId: null },
      { ok: true, personId: 'p', requires: ['face'] }
    ],
    ['scan login, bound app', scanLogin, { kind: 'app', personId: 'p' }, { ok: true, personId: 'p', requires: [] }],
    [
      'scan login, bound browser',
      scanLogin,
      { kind: 'web', personId: 'p' },
      { ok: true, personId: 'p', requires: ['face'] }
    ],
    ['scan login, unbound app', scanLogin, { kind: 'app', personId: null }, { ok: false, code: 'device_not_bound' }],
    ['scan login, unbound phone', scanLogin, null, { ok: false, code: 'device_not_bound' }],
    [
      'scan login with level 3',
      { ...scanLogin, requires: ['face'] },
      { kind: 'app', personId: 'p' },
      { ok: true, personId: 'p', requires: ['face'] }
    ]
  ]
  for (const [name, ticket, scanner, expected] of rows) t.same(decideScan(ticket, scanner), expected, name)
})

t.test('what is still missing', async (t) => {
  const at = new Date()
  const both = ['face', 'identity']
  const rows: Array<[Parameters<typeof remainingRequirements>[0], string[]]> = [
    [{ requires: [], identityAt: null, proof: null, facePassed: false }, []],
    [{ requires: both, identityAt: null, proof: null, facePassed: false }, ['identity', 'face']],
    [{ requires: both, identityAt: at, proof: null, facePassed: false }, ['face']],
    [{ requires: both, identityAt: at, proof: 'face', facePassed: true }, []],
    [{ requires: both, identityAt: at, proof: 'face', facePassed: false }, ['face']],
    [{ requires: both, identityAt: at, proof: null, facePassed: true }, ['face']],
    [{ requires: both, identityAt: at, proof: 'counter', facePassed: false }, []],
    [{ requires: both, identityAt: null, proof: 'face', facePassed: true }, ['identity']],
    [{ requires: ['face'], identityAt: null, proof: 'counter', facePassed: false }, []],
    [{ requires: ['identity'], identityAt: null, proof: 'counter', facePassed: true }, ['identity']],
    [{ requires: ['face'], identityAt: null, proof: 'something', facePassed: true }, ['face']]
  ]
  for (const [given, expected] of rows) t.same(remainingRequirements(given), expected, JSON.stringify(given))
})

t.test('ids differ, so do their codes', async (t) => {
  const codes = new Set(
    Array.from({ length: 2000 }, () => computeCode({ locator: randomBytes(12), key: secrets.key, purpose: 'login' }, 0))
  )
  t.equal(codes.size, 2000)
})

import fc from 'fast-check'
import t from 'tap'
import {
  approvalSubject,
  canonicalContent,
  checkDelegationValidity,
  defaultValidTo,
  delegationDigest,
  delegationStates,
  inForceStates,
  mayBecome,
  findPresence,
  waitingStates,
  type DelegationContent,
  type DelegationState
} from '../../../src/domain/representation/delegation.ts'
import type { Proof } from '../../../src/domain/login/next-step.ts'

const content: DelegationContent = {
  delegationId: 'dlg_1',
  version: 1,
  organization: { id: 'org_1', uscc: '91540102MA6T1A2BXK', name: '西藏示例科技有限公司' },
  agent: { personId: 'per_1', maskedName: '**珠', maskedCertNo: '5****************5' },
  functions: ['b', 'a'],
  clientIds: null,
  validFrom: '2026-04-11',
  validTo: '2027-04-10'
}

t.test('states', async (t) => {
  const isTerminal = (state: DelegationState): boolean => !delegationStates.some((to) => mayBecome(state, to))
  t.same(delegationStates.filter(isTerminal), ['rejected', 'withdrawn', 'revoked', 'expired', 'superseded'])
  t.same(
    delegationStates.filter((state) => mayBecome(state, 'active')),
    ['submitted', 'suspended'],
    'nothing is active that was not submitted'
  )
  for (const state of [...inForceStates, ...waitingStates]) t.notOk(isTerminal(state))
  t.ok(delegationStates.every((state) => state === 'draft' || delegationStates.some((from) => mayBecome(from, state))))
})

t.test('the digest is of everything that is shown, in no particular order', async (t) => {
  const digest = delegationDigest(content)
  t.match(digest, /^[\w-]{43}$/)
  t.equal(delegationDigest({ ...content, functions: ['a', 'b'] }), digest)
  t.equal(
    delegationDigest(Object.fromEntries(Object.entries(content).reverse()) as unknown as DelegationContent),
    digest
  )
  const changes: Array<Partial<DelegationContent>> = [
    { delegationId: 'dlg_2' },
    { version: 2 },
    { organization: { ...content.organization, uscc: 'x' } },
    { organization: { ...content.organization, name: 'x' } },
    { organization: { ...content.organization, id: 'x' } },
    { agent: { ...content.agent, personId: 'x' } },
    { agent: { ...content.agent, maskedName: 'x' } },
    { agent: { ...content.agent, maskedCertNo: 'x' } },
    { functions: ['a'] },
    { functions: null },
    { functions: ['a,b'] },
    { clientIds: [] },
    { clientIds: ['x'] },
    { validFrom: 'x' },
    { validTo: 'x' }
  ]
  t.equal(
    new Set([digest, ...changes.map((change) => delegationDigest({ ...content, ...change }))]).size,
    changes.length + 1
  )
  t.same(JSON.parse(canonicalContent(content)), { ...content, functions: ['a', 'b'] })
  fc.assert(
    fc.property(
      fc.string(),
      fc.string(),
      (a, b) =>
        a === b ||
        delegationDigest({ ...content, validFrom: a, validTo: b }) !==
          delegationDigest({ ...content, validFrom: b, validTo: a })
    )
  )
  t.not(approvalSubject('a', 1, digest), approvalSubject('a', 2, digest))
})

t.test('days', async (t) => {
  t.equal(defaultValidTo('2026-04-11'), '2027-04-10')
  t.equal(defaultValidTo('2028-02-29'), '2029-02-28')
  const check = (from: string, to: string, earliest?: string): string | null =>
    checkDelegationValidity({
      validFrom: from,
      validTo: to,
      today: '2026-04-11',
      limits: { maximumDays: 365, maximumAgents: 1 },
      earliest
    })
  t.equal(check('2026-04-11', '2027-04-10'), null)
  t.equal(check('2026-04-11', '2027-04-11'), 'too_long')
  t.equal(check('2026-04-11', '2026-04-11'), null)
  t.equal(check('2026-04-12', '2026-04-11'), 'order')
  t.equal(check('2026-04-10', '2026-04-20'), 'past')
  t.equal(check('2026-04-10', '2026-04-20', '2026-04-10'), null)
  t.equal(check('2026-04-01', '2026-04-10', '2026-04-01'), 'past')
  for (const wrong of ['2026-02-30', '2026-13-01', '2026-4-1', '', '2026-04-11T00:00', '٢٠٢٦-04-11']) {
    t.equal(check(wrong, '2026-05-01'), 'date', wrong)
  }
})

t.test('presence: this ticket, this person, face or counter code', async (t) => {
  const scan: Proof = { kind: 'scan', personId: 'lr', deviceId: null, deviceKey: true, at: 1, ticketId: 'st' }
  const face: Proof = { kind: 'face', personId: 'lr', at: 1, checkId: 'fc' }
  const counter: Proof = { kind: 'counter', personId: 'lr', at: 1, codeId: 'cc' }
  t.same(findPresence([scan, face], 'lr', 'st'), { faceCheckId: 'fc' })
  t.same(findPresence([counter, scan], 'lr', 'st'), { faceCheckId: null })
  for (const proofs of [
    [],
    [scan],
    [face],
    [scan, { ...face, personId: 'x' }],
    [{ ...scan, personId: 'x' }, face],
    [{ ...scan, ticketId: 'x' }, face],
    [scan, { kind: 'consent', at: 1, scopes: [] }]
  ] as Proof[][]) {
    t.equal(findPresence(proofs, 'lr', 'st'), null)
  }
})

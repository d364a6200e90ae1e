import t from 'tap'
import fc from 'fast-check'
import {
  earnsTrust,
  isEstablished,
  nextStep,
  loginOutcome,
  type LoginFacts,
  type Proof
} from '../../../src/domain/login/next-step.ts'
import { self } from '../../../src/domain/representation/representation.ts'
import type { Level } from '../../../src/domain/identity/assurance.ts'

const person = { id: 'per_1', enabled: true, assuranceLevel: 3 as Level, faceVerified: true }
const facts: LoginFacts = {
  facePolicy: 'first-login',
  requestedLevel: 1,
  person,
  session: null,
  proofs: [],
  representationChosen: false,
  representation: { state: 'resolved', representation: self },
  consentDue: false
}
const organization: Proof = { kind: 'organization', organizationId: 'org_1', role: 'agent', at: 100 }
const face: Proof = { kind: 'face', personId: 'per_1', at: 200, checkId: 'fc' }
const scan: Proof = { kind: 'scan', personId: 'per_1', deviceId: 'dev', deviceKey: false, at: 200, ticketId: 'st' }
const counter: Proof = { kind: 'counter', personId: 'per_1', at: 300, codeId: 'cc' }
const session = { personId: 'per_1', level: 2 as Level, amr: ['pwd'], authTime: 50 }

t.test('an organization and its password: who is it, then proof of being that person', async (t) => {
  const of = (more: Partial<LoginFacts>) => nextStep({ ...facts, proofs: [organization], ...more })
  t.same(of({ person: null }), { step: 'agent' })
  t.same(
    of({}),
    { step: 'verify', identity: false, face: true },
    'first time in this browser, although the person is known'
  )
  t.same(of({ person: { ...person, assuranceLevel: 1, faceVerified: false } }), {
    step: 'verify',
    identity: true,
    face: true
  })
  t.same(of({ person: { ...person, enabled: false } }), { step: 'refused', code: 'person_disabled' })
  t.same(
    of({ proofs: [organization, { ...scan, personId: 'per_2' }, { ...face, personId: 'per_2' }] }),
    { step: 'verify', identity: false, face: true },
    'somebody else was there'
  )
  t.match(of({ session: { ...session, personId: 'per_2' } }), { step: 'verify' }, 'the session is somebody else’s')
  t.match(of({ proofs: [organization, scan, face] }), {
    step: 'finish',
    outcome: { level: 3, amr: ['pwd', 'face', 'mfa'], authTime: 200 }
  })
  t.match(
    of({ proofs: [organization, counter] }),
    { step: 'finish', outcome: { level: 3, amr: ['pwd', 'user', 'mfa'], authTime: 300 } },
    'the equal of a face check'
  )
})

t.test('a trusted browser stands for the person, at a lower level', async (t) => {
  const of = (more: Partial<LoginFacts>) =>
    nextStep({ ...facts, proofs: [organization], trustedBrowser: true, ...more })
  t.same(of({}), {
    step: 'finish',
    outcome: { personId: 'per_1', level: 2, acr: 'urn:kora:loa:2', amr: ['pwd'], authTime: 100 },
    representation: self
  })
  t.same(of({ requestedLevel: 3 }), { step: 'verify', identity: false, face: true })
  t.same(of({ facePolicy: 'always' }), { step: 'verify', identity: false, face: true })
  t.same(of({ person: { ...person, faceVerified: false } }), { step: 'verify', identity: true, face: true })
  t.same(of({ proofs: [] }), { step: 'login' }, 'without the password it stands for nobody')
  t.match(
    of({ session }),
    { step: 'finish', outcome: { authTime: 50, amr: ['pwd'] } },
    'beside a session the password says nothing new about the person'
  )
})

t.test('trust is earned by face or counter, for an organization', async (t) => {
  t.ok(earnsTrust('per_1', [organization, scan, face]))
  t.ok(earnsTrust('per_1', [organization, counter]))
  t.notOk(earnsTrust('per_1', [organization, scan]))
  t.notOk(earnsTrust('per_1', [scan, face]))
  t.notOk(earnsTrust('per_2', [organization, scan, face]))
})

const proofs = fc.array(
  fc.oneof(
    fc
      .constantFrom('per_1', 'per_2')
      .chain((personId) =>
        fc.constantFrom<Proof>(
          { kind: 'password', personId, at: 1 },
          { ...face, personId },
          { ...scan, personId },
          { ...scan, personId, deviceKey: true },
          { ...counter, personId },
          { kind: 'identity', personId, at: 1, ticketId: null }
        )
      ),
    fc.constantFrom<Proof>(organization, { kind: 'consent', at: 1, scopes: [] })
  ),
  { maxLength: 6 }
)

t.test('never finished without something of that very person; never a level that was not shown', async (t) => {
  fc.assert(
    fc.property(
      fc.record({
        proofs,
        trustedBrowser: fc.boolean(),
        session: fc.constantFrom(null, session, { ...session, personId: 'per_2', level: 3 as Level }),
        requestedLevel: fc.constantFrom<Level>(1, 2, 3, 4),
        facePolicy: fc.constantFrom('first-login', 'always', 'on-request'),
        person: fc.constantFrom(
          null,
          person,
          { ...person, assuranceLevel: 1 as Level, faceVerified: false },
          { ...person, enabled: false }
        )
      }),
      (input) => {
        const given: LoginFacts = { ...facts, ...input }
        const step = nextStep(given)
        if (step.step !== 'finish') return
        const own = given.proofs
          .filter((proof) => 'personId' in proof && proof.personId === 'per_1')
          .map(({ kind }) => kind)
        const byOrganization = given.proofs.some(({ kind }) => kind === 'organization')
        const shown =
          own.some((kind) => kind !== 'identity') ||
          given.session?.personId === 'per_1' ||
          (byOrganization && given.trustedBrowser === true)
        if (!shown || !isEstablished(given)) throw new Error('nobody was here')
        const strong = own.includes('face') || own.includes('counter')
        if (step.outcome.level >= 3 && !strong) throw new Error('level without a face')
        if (given.requestedLevel >= 3 && step.outcome.level < 3) throw new Error('asked for more')
        if (step.outcome.amr.includes('face') && !own.includes('face')) throw new Error('whose face?')
        if (JSON.stringify(loginOutcome('per_1', given)) !== JSON.stringify(step.outcome)) {
          throw new Error('two outcomes')
        }
      }
    ),
    { numRuns: 2000 }
  )
  t.pass('2000 attempts')
})

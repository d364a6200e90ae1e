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
import { self, type Representation } from '../../../src/domain/representation/representation.ts'
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

const acting: Representation = {
  role: 'legal_representative',
  organization: { id: 'org_1', uscc: '91540102MA6T1A2BXK', name: 'X', type: 'enterprise', status: 'active' },
  since: null
} as unknown as Representation

t.test('S2 a trusted browser opens a login that is confined to the organization, at level 1', async (t) => {
  const of = (more: Partial<LoginFacts>) =>
    nextStep({ ...facts, proofs: [organization], trustedBrowser: true, ...more })
  t.same(of({}), {
    step: 'finish',
    outcome: { personId: 'per_1', level: 1, acr: 'urn:kora:loa:1', amr: ['pwd'], authTime: 100, confined: true },
    representation: self
  })
  t.same(of({ requestedLevel: 2 }), { step: 'verify', identity: false, face: true }, 'a site may refuse it')
  t.same(of({ confinedAllowed: false }), { step: 'verify', identity: false, face: true }, 'a deployment, too')
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
  t.ok(earnsTrust('per_1', acting, [organization, scan, face]))
  t.ok(earnsTrust('per_1', acting, [organization, counter]))
  t.ok(earnsTrust('per_1', acting, [scan, face]), 'by the personal tab, too')
  t.notOk(earnsTrust('per_1', acting, [organization, scan]))
  t.notOk(earnsTrust('per_1', self, [scan, face]))
  t.notOk(earnsTrust('per_2', acting, [organization, scan, face]))
})

t.test('S3 a personal password alone represents no organization', async (t) => {
  const own: Proof = { kind: 'password', personId: 'per_1', at: 100 }
  const of = (more: Partial<LoginFacts>) =>
    nextStep({ ...facts, proofs: [own], representation: { state: 'resolved', representation: acting }, ...more })
  const verify = { step: 'verify', identity: false, face: true }
  const agent = { ...acting, role: 'agent' } as unknown as Representation
  const asAgent: Partial<LoginFacts> = { representation: { state: 'resolved', representation: agent } }
  t.same(of({}), verify)
  t.match(of({ trustedBrowser: true }), { step: 'finish', outcome: { confined: false } }, 'once in this browser')
  t.match(of({ proofs: [own, scan, face] }), { step: 'finish' })
  t.match(of({ proofs: [own, counter] }), { step: 'finish' })
  t.match(of({ proofs: [own, scan] }), verify, 'a scan is no face')
  t.same(of({ proofs: [], session }), verify, 'single sign-on by password')
  t.match(of({ proofs: [], session: { ...session, level: 3 } }), { step: 'finish' }, 'a face in this session')
  t.same(of({ ...asAgent, proofs: [], session: { ...session, level: 3 } }), verify, 'not an agent\'s first act')
  t.match(of({ ...asAgent, trustedBrowser: true }), { step: 'finish' })
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
        if (!shown || (!isEstablished(given) && !step.outcome.confined)) throw new Error('nobody was here')
        const ownProof = own.some((kind) => kind === 'password' || kind === 'face' || kind === 'counter')
        if (step.outcome.confined && (step.outcome.level > 1 || ownProof)) throw new Error('more than confined')
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

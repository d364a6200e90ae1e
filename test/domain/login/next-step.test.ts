import t from 'tap'
import fc from 'fast-check'
import { acrOfLevel, acrValues, levelOfAcr, type Level } from '../../../src/domain/identity/assurance.ts'
import {
  asksConsent,
  asksRepresentation,
  nextStep,
  type LoginFacts,
  type Proof,
  type Step
} from '../../../src/domain/login/next-step.ts'
import { requestedLevel } from '../../../src/domain/login/requested-level.ts'
import { self } from '../../../src/domain/representation/representation.ts'

const P = 'per_1'
const password: Proof = { kind: 'password', personId: P, at: 100 }
const appScan: Proof = { kind: 'scan', personId: P, deviceId: 'dev_1', deviceKey: true, at: 110, ticketId: 'st_1' }
const webScan: Proof = { ...appScan, deviceKey: false }
const face: Proof = { kind: 'face', personId: P, at: 120, checkId: 'fc_1' }
const counter: Proof = { kind: 'counter', personId: P, at: 130, codeId: 'cc_1' }
const fresh = { id: P, enabled: true, assuranceLevel: 1 as Level, faceVerified: false }
const known = { id: P, enabled: true, assuranceLevel: 3 as Level, faceVerified: true }
const organization: Proof = { kind: 'organization', organizationId: 'org_1', role: 'agent', at: 90 }
const base: LoginFacts = {
  facePolicy: 'first-login',
  requestedLevel: 1,
  person: fresh,
  session: null,
  proofs: [],
  representationChosen: false,
  representation: { state: 'resolved', representation: self },
  consentDue: false
}
const session = (level: Level, amr = ['pwd'], authTime = 50): LoginFacts['session'] => ({
  personId: P,
  level,
  amr,
  authTime
})

const steps: Array<[string, Partial<LoginFacts>, string]> = [
  ['nobody yet', { person: null }, 'login'],
  ['a person without any proof', {}, 'login'],
  ['first login, password given', { proofs: [password] }, 'verify+identity'],
  ['first login, counter code instead of face', { proofs: [password, counter] }, 'finish 3'],
  ['first login, password and face', { proofs: [password, webScan, face] }, 'finish 3'],
  ['known person, password', { person: known, proofs: [password] }, 'finish 2'],
  ['known person, level 3 asked', { person: known, proofs: [password], requestedLevel: 3 }, 'verify'],
  ['known person, face at every login', { person: known, proofs: [password], facePolicy: 'always' }, 'verify'],
  ['fresh person, face only on request', { proofs: [password], facePolicy: 'on-request' }, 'finish 1'],
  ['scan with the key of a bound app', { person: known, proofs: [appScan] }, 'finish 2'],
  ['scan by a phone browser alone', { person: known, proofs: [webScan] }, 'login'],
  ['scan by a phone browser with face', { person: known, proofs: [webScan, face] }, 'finish 3'],
  ['scan by a phone browser with counter code', { person: known, proofs: [webScan, counter] }, 'finish 3'],
  ['a face alone is never a login', { person: known, proofs: [face] }, 'login'],
  ['a counter code alone is never a login', { person: known, proofs: [counter] }, 'login'],
  ['single sign-on', { person: known, session: session(2) }, 'finish 2'],
  ['step-up from a session', { person: known, session: session(2), requestedLevel: 3 }, 'verify'],
  ['step-up done', { person: known, session: session(2), requestedLevel: 3, proofs: [webScan, face] }, 'finish 3'],
  [
    'a strong session satisfies',
    { person: known, session: session(3, ['pwd', 'face', 'mfa']), requestedLevel: 3 },
    'finish 3'
  ],
  [
    'a session of somebody else is nothing',
    { person: known, session: { ...(session(3) as NonNullable<LoginFacts['session']>), personId: 'per_2' } },
    'login'
  ],
  ['proofs of somebody else are nothing', { person: known, proofs: [{ ...password, personId: 'per_2' }] }, 'login'],
  ["an organization's password is never enough", { person: known, proofs: [organization] }, 'verify'],
  ['nor for a person not known yet', { proofs: [organization] }, 'verify+identity'],
  ['with the person by face', { person: known, proofs: [organization, webScan, face] }, 'finish 3'],
  ['with the person by the key of a bound app', { person: known, proofs: [organization, appScan] }, 'finish 2'],
  [
    'in a browser that stands for the person',
    { person: known, proofs: [organization], trustedBrowser: true },
    'finish 1'
  ],
  [
    'there too, when level 3 is asked',
    { person: known, proofs: [organization], trustedBrowser: true, requestedLevel: 3 },
    'verify'
  ],
  ['trust without the password is nothing', { person: known, trustedBrowser: true }, 'login'],
  ['whom to act for', { person: known, proofs: [password], representation: { state: 'choose' } }, 'representation'],
  [
    'whom to act for comes after who it is',
    { person: known, representation: { state: 'choose' } },
    'login'
  ],
  [
    'with a session it comes before a face check',
    { person: known, session: session(2), requestedLevel: 3, representation: { state: 'choose' } },
    'representation'
  ],
  [
    'without one it comes after',
    { person: known, proofs: [password], requestedLevel: 3, representation: { state: 'choose' } },
    'verify'
  ],
  [
    'the organization does not let them',
    {
      person: known,
      proofs: [organization],
      representationChosen: true,
      representation: { state: 'denied', code: 'revoked' }
    },
    'not-authorized revoked'
  ],
  [
    'nobody may act for the organization',
    { person: null, proofs: [organization], representation: { state: 'denied', code: 'no_agent' } },
    'not-authorized no_agent'
  ],
  ['several may', { person: null, proofs: [organization], representation: { state: 'choose' } }, 'agent'],
  [
    'not what the site requests',
    { person: known, proofs: [password], representation: { state: 'unmet', code: 'function' } },
    'unmet-request function'
  ],
  ['consent', { person: known, proofs: [password], consentDue: true }, 'consent'],
  [
    'nothing is released to a login that cannot be strong enough',
    { person: known, proofs: [password, webScan, face], requestedLevel: 4, consentDue: true },
    'refused level_unreachable'
  ],
  ['disabled meanwhile', { person: { ...known, enabled: false }, proofs: [password] }, 'refused person_disabled']
]

for (const [name, facts, expected] of steps) {
  t.test(name, (t) => {
    const step = nextStep({ ...base, ...facts })
    const shown =
      step.step === 'verify'
        ? `verify${step.identity ? '+identity' : ''}`
        : step.step === 'finish'
          ? `finish ${step.outcome.level}`
          : 'code' in step
            ? `${step.step} ${step.code}`
            : step.step
    t.equal(shown, expected)
    t.end()
  })
}

t.test('amr and auth_time say what happened', (t) => {
  const outcome = (facts: Partial<LoginFacts>): unknown => {
    const step = nextStep({ ...base, ...facts })
    return step.step === 'finish' ? [step.outcome.acr, step.outcome.amr.join(' '), step.outcome.authTime] : step.step
  }
  t.strictSame(outcome({ person: known, proofs: [password] }), ['urn:kora:loa:2', 'pwd', 100])
  t.strictSame(outcome({ proofs: [password, webScan, face] }), ['urn:kora:loa:3', 'pwd face mfa', 120])
  t.strictSame(outcome({ proofs: [password, counter] }), ['urn:kora:loa:3', 'pwd user mfa', 130])
  t.strictSame(outcome({ person: known, proofs: [appScan] }), ['urn:kora:loa:2', 'swk', 110])
  t.strictSame(
    outcome({ person: known, session: session(2) }),
    ['urn:kora:loa:2', 'pwd', 50],
    'single sign-on does not renew the time'
  )
  t.strictSame(outcome({ person: known, session: session(2), requestedLevel: 3, proofs: [webScan, face] }), [
    'urn:kora:loa:3',
    'pwd face mfa',
    120
  ])
  t.end()
})

t.test('properties: never more than was shown', (t) => {
  const proofs = fc.subarray<Proof>([password, appScan, webScan, face, counter])
  const level = fc.constantFrom<Level>(1, 2, 3, 4)
  fc.assert(
    fc.property(
      proofs,
      level,
      fc.boolean(),
      fc.constantFrom<LoginFacts['facePolicy']>('first-login', 'always', 'on-request'),
      fc.option(level, { nil: null }),
      (given, asked, isKnown, facePolicy, sessionLevel) => {
        const facts: LoginFacts = {
          ...base,
          facePolicy,
          requestedLevel: asked,
          person: isKnown ? known : fresh,
          session: sessionLevel === null ? null : session(sessionLevel),
          proofs: given
        }
        const step = nextStep(facts)
        if (step.step !== 'finish') return true
        const first =
          given.some((proof) => proof.kind === 'password' || proof.kind === 'scan') || sessionLevel !== null
        const strong =
          given.some((proof) => proof.kind === 'face' || proof.kind === 'counter') || (sessionLevel ?? 0) >= 3
        // a finished login has a first factor; level 3 has a face or its equal; who must show a face has shown it
        return (
          first &&
          (step.outcome.level < 3 || strong) &&
          (asked < 3 || strong) &&
          (facePolicy !== 'first-login' || isKnown || strong)
        )
      }
    )
  )
  t.end()
})

t.test('the level asked for: raised, never lowered; several values are alternatives', (t) => {
  const level = (minimumLevel: Level, acrs?: string, claims?: object): Level =>
    requestedLevel({ minimumLevel }, { acr_values: acrs, claims: JSON.stringify(claims) })
  t.equal(level(1), 1)
  t.equal(level(3, 'urn:kora:loa:1'), 3)
  t.equal(level(1, 'urn:kora:loa:3'), 3)
  t.equal(level(1, 'urn:kora:loa:3 urn:kora:loa:2'), 2)
  t.equal(level(2, 'urn:example:other'), 2, 'foreign values are no wish of ours')
  const acr = (more: object): object => ({ id_token: { acr: more } })
  t.equal(level(1, undefined, acr({ essential: true, value: 'urn:kora:loa:3' })), 3)
  t.equal(level(2, undefined, acr({ essential: true, values: ['urn:kora:loa:1', 'urn:kora:loa:3'] })), 2)
  t.equal(level(1, undefined, acr({ value: 'urn:kora:loa:3' })), 1, 'voluntary claims force nothing')
  t.equal(requestedLevel({ minimumLevel: 1 }, { claims: '{' }), 1)
  t.strictSame(acrValues.map(levelOfAcr), [1, 2, 3, 4])
  t.equal(acrOfLevel(3), 'urn:kora:loa:3')
  for (const foreign of ['', 'urn:kora:loa:5', 'urn:kora:loa:33', ' urn:kora:loa:3']) {
    t.equal(levelOfAcr(foreign), undefined)
  }
  t.end()
})

const person = fc.constantFrom<LoginFacts['person']>(null, fresh, known, { ...known, enabled: false })
const proof: fc.Arbitrary<Proof> = fc.oneof(
  ...[password, appScan, webScan, face, counter].map((one) =>
    fc.record({ personId: fc.constantFrom(P, 'per_2'), at: fc.integer({ min: 1, max: 500 }) }).map((more) => ({
      ...one,
      ...more
    }))
  ),
  fc.constant<Proof>({ kind: 'consent', at: 140, scopes: [] })
)
const arbitraryFacts: fc.Arbitrary<LoginFacts> = fc.record({
  facePolicy: fc.constantFrom<LoginFacts['facePolicy']>('first-login', 'always', 'on-request'),
  requestedLevel: fc.constantFrom<Level>(1, 2, 3, 4),
  person,
  session: fc.constantFrom<LoginFacts['session']>(null, session(2), session(3), { ...session(3)!, personId: 'per_2' }),
  proofs: fc
    .tuple(fc.array(proof, { maxLength: 6 }), fc.constantFrom<Proof[]>([], [organization]))
    .chain(([given, first]) => fc.shuffledSubarray([...first, ...given], { minLength: first.length + given.length })),
  trustedBrowser: fc.boolean(),
  representationChosen: fc.boolean(),
  representation: fc.constantFrom<LoginFacts['representation']>(
    { state: 'resolved', representation: self },
    { state: 'choose' },
    { state: 'denied', code: 'revoked' },
    { state: 'unmet', code: 'role' }
  ),
  consentDue: fc.boolean()
})
const property = (check: (facts: LoginFacts) => unknown): void => {
  fc.assert(
    fc.property(arbitraryFacts, (facts) => {
      check(facts)
    }),
    { numRuns: 3000 }
  )
}
const same = (one: Step, other: Step): void => {
  if (JSON.stringify(one) !== JSON.stringify(other)) {
    throw new Error(`${JSON.stringify(one)} is not ${JSON.stringify(other)}`)
  }
}

t.test('property: the order in which things were shown decides nothing', (t) => {
  fc.assert(
    fc.property(
      arbitraryFacts.chain((facts) =>
        fc.tuple(
          fc.constant(facts),
          fc.shuffledSubarray(facts.proofs, { minLength: facts.proofs.length, maxLength: facts.proofs.length })
        )
      ),
      ([facts, proofs]) => {
        same(nextStep({ ...facts, proofs }), nextStep(facts))
      }
    ),
    { numRuns: 3000 }
  )
  t.end()
})

t.test('property: a login finishes only when everything holds', (t) => {
  property((facts) => {
    const step = nextStep(facts)
    if (step.step !== 'finish') return
    if (facts.person?.enabled !== true || step.outcome.personId !== facts.person.id) throw new Error('who is it?')
    if (facts.representation.state !== 'resolved') throw new Error('in whose name?')
    if (step.representation !== facts.representation.representation) throw new Error('in another name')
    if (facts.consentDue) throw new Error('nobody agreed')
    if (step.outcome.level < facts.requestedLevel) throw new Error('not strong enough')
  })
  t.end()
})

t.test('property: what the decision does not ask for does not decide', (t) => {
  property((facts) => {
    const step = nextStep(facts)
    if (!asksRepresentation(facts)) {
      same(nextStep({ ...facts, representation: { state: 'choose' } }), step)
    }
    if (!asksConsent(facts)) same(nextStep({ ...facts, consentDue: !facts.consentDue }), step)
  })
  t.end()
})

/** What a person changes by doing what the step asks of them; null: the login is over. */
function carryOut (facts: LoginFacts, step: Step): LoginFacts | null {
  const current = facts.person ?? known
  switch (step.step) {
    case 'login':
      return { ...facts, person: current, proofs: [...facts.proofs, password] }
    case 'agent':
      return {
        ...facts,
        person: current,
        representationChosen: true,
        representation: { state: 'resolved', representation: self }
      }
    case 'verify':
      return {
        ...facts,
        person: { ...current, assuranceLevel: 3, faceVerified: true },
        proofs: [...facts.proofs, webScan, face]
      }
    case 'representation':
      return {
        ...facts,
        representationChosen: true,
        representation: { state: 'resolved', representation: self }
      }
    case 'consent':
      return { ...facts, consentDue: false }
    default:
      return null
  }
}

t.test('property: a step that is done does not come again, and every login ends', (t) => {
  property((given) => {
    const walked: string[] = []
    for (let facts: LoginFacts | null = given; facts !== null;) {
      const step: Step = nextStep(facts)
      if (walked.includes(step.step)) throw new Error(`again: ${[...walked, step.step].join(' → ')}`)
      walked.push(step.step)
      facts = carryOut(facts, step)
    }
  })
  t.end()
})

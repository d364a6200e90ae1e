import t from 'tap'
import fc from 'fast-check'
import { acrOfLevel, acrValues, levelOfAcr, type Level } from '../../../src/domain/identity/assurance.ts'
import { nextStep, requestedLevel, type AttemptFacts, type Proof } from '../../../src/domain/login/next-step.ts'

const P = 'per_1'
const password: Proof = { kind: 'password', personId: P, at: 100 }
const appScan: Proof = { kind: 'scan', personId: P, deviceId: 'dev_1', deviceKey: true, at: 110, ticketId: 'st_1' }
const webScan: Proof = { ...appScan, deviceKey: false }
const face: Proof = { kind: 'face', personId: P, at: 120, checkId: 'fc_1' }
const counter: Proof = { kind: 'counter', personId: P, at: 130, codeId: 'cc_1' }
const fresh = { id: P, enabled: true, assuranceLevel: 1 as Level, faceVerified: false }
const known = { id: P, enabled: true, assuranceLevel: 3 as Level, faceVerified: true }
const organization: Proof = { kind: 'organization', organizationId: 'org_1', role: 'agent', at: 90 }
const base: AttemptFacts = { facePolicy: 'first-login', requestedLevel: 1, person: fresh, session: null, proofs: [] }
const session = (level: Level, amr = ['pwd'], authTime = 50): AttemptFacts['session'] => ({
  personId: P,
  level,
  amr,
  authTime
})

const steps: Array<[string, Partial<AttemptFacts>, string]> = [
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
    { person: known, session: { ...(session(3) as NonNullable<AttemptFacts['session']>), personId: 'per_2' } },
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
    'finish 2'
  ],
  [
    'there too, when level 3 is asked',
    { person: known, proofs: [organization], trustedBrowser: true, requestedLevel: 3 },
    'verify'
  ],
  ['trust without the password is nothing', { person: known, trustedBrowser: true }, 'login'],
  ['disabled meanwhile', { person: { ...known, enabled: false }, proofs: [password] }, 'refused']
]

for (const [name, facts, expected] of steps) {
  t.test(name, (t) => {
    const step = nextStep({ ...base, ...facts })
    const shown =
      step.step === 'verify'
        ? `verify${step.identity ? '+identity' : ''}`
        : step.step === 'finish'
          ? `finish ${step.outcome.level}`
          : step.step
    t.equal(shown, expected)
    t.end()
  })
}

t.test('amr and auth_time say what happened', (t) => {
  const outcome = (facts: Partial<AttemptFacts>): unknown => {
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
      fc.constantFrom<AttemptFacts['facePolicy']>('first-login', 'always', 'on-request'),
      fc.option(level, { nil: null }),
      (given, asked, isKnown, facePolicy, sessionLevel) => {
        const facts: AttemptFacts = {
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
  t.equal(requestedLevel(1, undefined), 1)
  t.equal(requestedLevel(3, 'urn:kora:loa:1'), 3)
  t.equal(requestedLevel(1, 'urn:kora:loa:3'), 3)
  t.equal(requestedLevel(1, 'urn:kora:loa:3 urn:kora:loa:2'), 2)
  t.equal(requestedLevel(2, 'urn:example:other'), 2, 'foreign values are no wish of ours')
  t.strictSame(acrValues.map(levelOfAcr), [1, 2, 3, 4])
  t.equal(acrOfLevel(3), 'urn:kora:loa:3')
  for (const foreign of ['', 'urn:kora:loa:5', 'urn:kora:loa:33', ' urn:kora:loa:3']) {
    t.equal(levelOfAcr(foreign), undefined)
  }
  t.end()
})

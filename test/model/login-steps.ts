/** What people, their phones and people who mean harm do in a walk; written so that a counter-example can be read. */
import fc from 'fast-check'
import { people, sites, type Handle, type Role, type SiteName } from './login-model.ts'

export const paths = [
  '',
  '/login',
  '/other',
  '/agent',
  '/select',
  '/standing',
  '/asked',
  '/qr',
  '/counter',
  '/consent'
].concat(['/representation', '/finish'])

export type PhoneOutcome = 'pass' | 'mismatch' | 'wrong-number' | 'reject' | 'scan-only'

/** What the person who begins has in mind: 0 oneself, 1.. an organization on the page of capacities, or its own tab. */
export type Plan = number | Exclude<Role, 'self'>

export type Step = { browser: number } & (
  | { do: 'begin'; site: SiteName; extra: Record<string, string>; person: Handle; plan: Plan }
  | { do: 'go-on'; times: number }
  | { do: 'type-password'; person: Handle; right: boolean }
  | { do: 'type-organization'; role: Exclude<Role, 'self'>; right: boolean }
  | { do: 'name-agent'; person: Handle }
  | { do: 'use-phone'; person: Handle; outcome: PhoneOutcome }
  | { do: 'ask-for-phone' }
  | { do: 'choose'; choice: number }
  | { do: 'consent'; grant: boolean }
  | { do: 'skip'; path: string }
  | { do: 'resume' }
  | { do: 'hold'; stolen: boolean }
  | { do: 'steal'; path: string }
  | { do: 'steal-return' }
  | { do: 'steal-post' }
  | { do: 'repeat-post' }
  | { do: 'other-tab' }
  | { do: 'lock'; person: Handle; locked: boolean }
  | { do: 'end-delegation'; ended: boolean }
  | { do: 'let-code-expire' }
  | { do: 'lose-session' }
  | { do: 'sign-in'; person: Handle }
  | { do: 'sign-in-by-organization' }
)

const browser = fc.constantFrom(0, 0, 0, 1)
const person = fc.constantFrom<Handle[]>('zhuoma', 'zhuoma', ...people)
const right = fc.constantFrom(true, true, true, false)
const step = <T>(weight: number, members: { [K in keyof T]: fc.Arbitrary<T[K]> }) => ({
  weight,
  arbitrary: fc.record({ browser, ...members })
})
const does = <T extends string>(name: T): fc.Arbitrary<T> => fc.constant(name)

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    // what the page asks for, by the person who began
    step(24, { do: does('go-on'), times: fc.integer({ min: 1, max: 7 }) }),
    step(9, {
      do: does('begin'),
      person,
      plan: fc.constantFrom<Plan[]>(0, 0, 1, 2, 'legal_representative', 'legal_representative', 'agent'),
      site: fc.constantFrom(...sites),
      extra: fc.constantFrom<Array<Record<string, string>>>(
        {},
        {},
        { prompt: 'login' },
        { prompt: 'none' },
        { prompt: 'select_account' },
        { acr_values: 'urn:kora:loa:3' }
      )
    }),
    step(3, { do: does('type-password'), person, right }),
    step(2, {
      do: does('type-organization'),
      role: fc.constantFrom<Array<Exclude<Role, 'self'>>>('legal_representative', 'agent'),
      right
    }),
    step(1, { do: does('name-agent'), person }),
    step(4, {
      do: does('use-phone'),
      person,
      outcome: fc.constantFrom<PhoneOutcome[]>(
        'pass',
        'pass',
        'pass',
        'mismatch',
        'wrong-number',
        'reject',
        'scan-only'
      )
    }),
    step(2, { do: does('ask-for-phone') }),
    step(2, { do: does('choose'), choice: fc.nat({ max: 3 }) }),
    step(2, { do: does('consent'), grant: right }),
    step(3, { do: does('skip'), path: fc.constantFrom(...paths) }),
    step(2, { do: does('resume') }),
    // the next return to the provider waits: what others do then comes between
    step(6, { do: does('hold'), stolen: fc.boolean() }),
    step(2, { do: does('steal'), path: fc.constantFrom(...paths) }),
    step(5, { do: does('steal-return') }),
    step(2, { do: does('steal-post') }),
    step(2, { do: does('repeat-post') }),
    step(1, { do: does('other-tab') }),
    step(1, { do: does('lock'), person, locked: fc.boolean() }),
    step(1, { do: does('end-delegation'), ended: fc.boolean() }),
    step(1, { do: does('let-code-expire') }),
    step(4, { do: does('lose-session') }),
    step(2, { do: does('sign-in'), person }),
    step(3, { do: does('sign-in-by-organization') })
  ) as fc.Arbitrary<Step>,
  { minLength: 1, maxLength: 24, size: 'max' }
)

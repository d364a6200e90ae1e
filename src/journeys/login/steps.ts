/**
 * The hosted login as one table: every step, its address under /i/<uid>, its precondition, its page and its form.
 * domain/login/next-step.ts decides which step is next; the runner leads there and checks the preconditions.
 */
import { isEstablished, missingAuthentication, organizationProof, type Step } from '../../domain/login/next-step.ts'
import { administratorStep } from './administrator.ts'
import { agentStep } from './agent.ts'
import { consentStep } from './consent.ts'
import type { StepDeps } from './deps.ts'
import type { LoginContext } from './facts.ts'
import { finishStep, refusedStep } from './finish.ts'
import { inPersonCodeStep } from './in-person-code.ts'
import { notAuthorizedStep } from './not-authorized.ts'
import { organizationStep } from './organization.ts'
import { otherAccountStep } from './other-account.ts'
import { passwordStep } from './password.ts'
import { representationStep } from './representation.ts'
import type { StepTable } from './step.ts'
import { scanStep } from './scan.ts'
import { chooseForm } from './tabs.ts'
import { unmetRequestStep } from './unmet-request.ts'

const anyTime = (): boolean => true

const isNext =
  (name: Step['step']) =>
    async (context: LoginContext): Promise<boolean> =>
      (await context.next()).step === name

const verificationMissing = async (context: LoginContext): Promise<boolean> => (await context.verification()) !== null

/** A login by scan, or the step that asks for the phone. */
const mayScan = async (context: LoginContext): Promise<boolean> =>
  (context.person === null && missingAuthentication(context.facts)?.step === 'login') ||
  (await verificationMissing(context))

/** Only after the person is proved are their representations shown; an organization fixes the representation. */
const mayChoose = ({ facts }: LoginContext): boolean =>
  isEstablished(facts) && organizationProof(facts.proofs) === undefined

export function createSteps (deps: StepDeps): StepTable {
  const password = passwordStep(deps)
  const organization = organizationStep(deps)
  const otherAccount = otherAccountStep(deps)
  const agent = agentStep(deps)
  const representation = representationStep(deps)
  const notAuthorized = notAuthorizedStep(deps)
  const unmetRequest = unmetRequestStep()
  const scan = scanStep(deps)
  const inPersonCode = inPersonCodeStep(deps)
  const consent = consentStep(deps)
  const refused = refusedStep(deps)
  const finish = finishStep(deps)
  const administrator = administratorStep(deps)
  const credentials = chooseForm({ personal: password.submit, legal: organization.submit })

  return {
    people: [
      { name: 'entrance', path: '', when: anyTime, page: scan.accept },
      { name: 'login', path: 'login', when: anyTime, page: password.page, submit: credentials },
      { name: 'other-account', path: 'other', when: anyTime, page: otherAccount.restart },
      { name: 'other-account', path: 'switch', when: anyTime, submit: otherAccount.restart },
      { name: 'agent', path: 'agent', when: isNext('agent'), page: agent.page, submit: agent.submit },
      {
        name: 'representation',
        path: 'select',
        when: mayChoose,
        page: representation.page,
        submit: representation.submit
      },
      { name: 'not-authorized', path: 'standing', when: isNext('not-authorized'), page: notAuthorized.page },
      {
        name: 'unmet-request',
        path: 'asked',
        when: isNext('unmet-request'),
        page: unmetRequest.page,
        submit: unmetRequest.submit
      },
      { name: 'verify', path: 'qr', when: mayScan, page: scan.page, neverPrefetched: true },
      { name: 'verify', path: 'qr/renew', when: mayScan, submit: scan.renew },
      { name: 'verify', path: 'qr/:ticket/check', when: anyTime, submit: scan.check },
      { name: 'verify', path: 'qr/:ticket/finish', when: anyTime, page: scan.finish },
      {
        name: 'in-person-code',
        path: 'counter',
        when: verificationMissing,
        page: inPersonCode.page,
        submit: inPersonCode.submit
      },
      { name: 'consent', path: 'consent', when: isNext('consent'), page: consent.page, submit: consent.submit },
      { name: 'refused', end: refused.end },
      { name: 'finish', end: finish.end }
    ],
    administrators: [
      {
        name: 'administrator',
        path: 'administrator',
        when: anyTime,
        page: administrator.page,
        submit: administrator.submit
      },
      { name: 'administrator', path: 'administrator/challenge', when: anyTime, submit: administrator.challenge }
    ]
  }
}

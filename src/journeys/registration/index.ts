/**
 * Registration of an organization, /register: by its legal representative, or by an agent. Owns the tables registration
 * and registration_resume.
 *
 * An application is a draft of one browser, encrypted, for a day; for another browser it does not exist (404). Its way:
 * the sections one after another → phone by short message → check page, agreements, company register → the applicant
 * scans and passes the face check for exactly these data → password → one transaction writes organization and people.
 * Until then nothing is reserved, neither the code nor anybody's document number. domain/representation/registration.ts
 * says which page is due; every page asks it again, so pages out of order lead to the right one.
 */
import type { FastifyInstance } from 'fastify'
import type { RegistrationDeps } from './deps.ts'
import { createChallenges } from '../../records/challenges/index.ts'
import { registerChallengePictures } from '../pictures/index.ts'
import type { ScanTickets } from '../../records/scan-tickets/index.ts'
import { createSmsCodes } from '../../records/sms-codes/index.ts'
import { createThrottle } from '../../records/throttle/index.ts'
import { registerCheckStep } from './check.ts'
import type { Parts } from './held.ts'
import { registerDone } from './done.ts'
import { registerLaterStep } from './later.ts'
import { registerResume } from './resume.ts'
import { registerPasswordStep } from './password.ts'
import { registerAgentStep } from './agent.ts'
import { registerLegalStep } from './legal.ts'
import { registerPhoneStep } from './phone.ts'
import { registerScanStep } from './scan.ts'
import { registerStartStep } from './start.ts'
import { registerUnitStep } from './unit.ts'

export { registrationHandler, registrationTopic } from './delegation.ts'
export { sweepRegistrations } from './sweep.ts'
export {
  acceptApplication,
  applicationDetail,
  findApplication,
  listApplications,
  refusalReasons,
  refuseApplication,
  returnApplication,
  type ApplicationDetail,
  type ApplicationLine,
  type RefusalReason,
  type ReviewOutcome
} from './review.ts'

export async function registerRegistration (
  app: FastifyInstance,
  deps: RegistrationDeps,
  tickets: ScanTickets
): Promise<void> {
  const parts: Parts = {
    deps,
    companies: deps.companies,
    tickets,
    challenges: createChallenges(deps),
    smsCodes: createSmsCodes(deps),
    throttle: createThrottle(deps)
  }
  await app.register(async (scope) => {
    registerChallengePictures(scope, deps)
    registerStartStep(scope, parts)
    registerUnitStep(scope, parts)
    registerAgentStep(scope, parts)
    registerLegalStep(scope, parts)
    registerPhoneStep(scope, parts)
    registerCheckStep(scope, parts)
    registerScanStep(scope, parts)
    registerPasswordStep(scope, parts)
    registerDone(scope, parts)
    registerLaterStep(scope, parts)
    registerResume(scope, parts)
  })
}

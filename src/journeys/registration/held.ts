/** What every page under /register/:id starts from: this browser's application, at a page that may be opened now. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import {
  isStale,
  mayOpen,
  placeOf,
  sectionsOf,
  stepNumber,
  type Place
} from '../../domain/representation/registration.ts'
import { PageError } from '../../http/page-error.ts'
import { SeeOther } from '../../http/see-other.ts'
import type { CompanyRegister } from '../../ports/registry.ts'
import type { RegistrationDeps } from './deps.ts'
import type { Challenges } from '../../records/challenges/index.ts'
import type { ScanTickets } from '../../records/scan-tickets/index.ts'
import type { SmsCodes } from '../../records/sms-codes/index.ts'
import type { Throttle } from '../../records/throttle/index.ts'
import type { Progress, StopCode } from './pages.ts'
import { changeRegistration, findRegistration, type Registration } from './repository.ts'

export interface Parts {
  deps: RegistrationDeps
  companies: CompanyRegister
  tickets: ScanTickets
  challenges: Challenges
  smsCodes: SmsCodes
  throttle: Throttle
}

export const registrationPath = (id: string, place: Place | 'later' | '' = ''): string =>
  `/register/${id}${place === '' ? '' : `/${place}`}`

/** There is a phone to send the link to, and something to go on with. */
export const mayLeave = ({ state, draft }: Pick<Registration, 'state' | 'draft'>): boolean =>
  (state === 'draft' || state === 'verifying' || state === 'verified') && draft.phone !== null

/** Where an application goes on. */
export const duePath = (registration: Registration): string => registrationPath(registration.id, placeOf(registration))

/**
 * @throws PageError 404 for an unknown application and for another browser's alike; SeeOther when another page is due
 */
export async function load (
  { deps }: Pick<Parts, 'deps'>,
  request: FastifyRequest,
  reply: FastifyReply,
  place: Place
): Promise<Registration> {
  const registration = await loadAny(deps, request, reply)
  if (!mayOpen(place, registration)) throw new SeeOther(duePath(registration))
  return registration
}

export async function loadAny (
  deps: RegistrationDeps,
  request: FastifyRequest,
  reply: FastifyReply
): Promise<Registration> {
  const { id = '' } = request.params as { id?: string }
  const registration = await findRegistration(deps.db, deps, id, reply.ensureBrowser().hash)
  if (registration === null) throw new PageError(404, 'not_found')
  if (registration.expired || registration.state === 'abandoned') throw new SeeOther('/register')
  if (registration.state !== 'verified' || !isStale(registration.draft, deps.clock.now() / 1000)) {
    return registration
  }
  return (
    (await inTransaction(deps.db, async (trx) =>
      await changeRegistration(trx, deps, registration, ['verified'], ({ draft }) => ({
        draft: { ...draft, verification: null },
        state: 'verifying'
      }))
    )) ?? registration
  )
}

/** A posted form of this page: as `load`, with its token. */
export async function loadPosted (
  parts: Pick<Parts, 'deps'>,
  request: FastifyRequest,
  reply: FastifyReply,
  place: Place
): Promise<Registration> {
  const registration = await load(parts, request, reply, place)
  request.requireCsrf(registration.id)
  return registration
}

export function progressOf (registration: Registration, place: Place): Progress {
  const { id, applicant } = registration
  return {
    applicant,
    place,
    step: stepNumber(place),
    laterHref: mayLeave(registration) ? registrationPath(id, 'later') : null,
    sections: sectionsOf(applicant).map((section) => ({
      place: section,
      href: section !== place && mayOpen(section, registration) ? registrationPath(id, section) : null
    }))
  }
}

const stopStatus: Record<StopCode, number> = {
  mismatch: 422,
  duplicate: 409,
  not_active: 422,
  blocked: 403,
  too_many: 429
}

/** The page that says why an application cannot go on as it stands, and which way there is. */
export function stopped (reply: FastifyReply, registration: Registration, code: StopCode): FastifyReply {
  const changeable = registration.state === 'draft' || registration.state === 'verifying'
  return reply.page(
    'registration/stopped',
    {
      code,
      changeHref:
        changeable && (code === 'mismatch' || code === 'not_active')
          ? registrationPath(registration.id, code === 'mismatch' ? 'check' : 'unit')
          : null,
      retryHref: code === 'blocked' ? null : changeable ? null : duePath(registration),
      loginHref: code === 'duplicate' ? '/me' : null
    },
    { status: stopStatus[code] }
  )
}

export const circumstancesOf = (request: FastifyRequest): { source: string; address: string; traceId: string } => ({
  source: request.clientAddress.prefix,
  address: request.clientAddress.ip,
  traceId: String(request.id)
})

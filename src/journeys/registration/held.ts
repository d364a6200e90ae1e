/** What every page under /register/:id starts from: this browser's application, if this page is due. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import {
  isStale,
  mayOpen,
  findPlace,
  listSections,
  stepNumber,
  type Applicant,
  type Draft,
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
import { changeRegistration, findRegistration, type Registration } from './repository.ts'

/** Where in the application a page stands. */
export interface Progress {
  applicant: Applicant
  place: Place
  /** 1, 2 or 3. */
  step: number
  sections: ReadonlyArray<{ place: Place; href: string | null }>
  /** The offer to continue on another device; null = no phone was proved yet. */
  laterHref: string | null
}

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

/** Whether there is a phone for the link and something to continue. */
export const mayLeave = ({ state, draft }: Pick<Registration, 'state' | 'draft'>): boolean =>
  (state === 'draft' || state === 'verifying' || state === 'verified') && draft.phone !== null

/** Where an application continues. */
export const duePath = (registration: Registration): string =>
  registrationPath(registration.id, findPlace(registration))

interface LoadInput {
  parts: Pick<Parts, 'deps'>
  request: FastifyRequest
  reply: FastifyReply
  place: Place
}

/**
 * @throws PageError 404 for an unknown application and for another browser's alike; SeeOther when another page is due
 */
export async function load (
  { parts: { deps }, request, reply, place }: LoadInput
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
  const registration = await findRegistration(deps.db, { deps, id, browserHash: reply.ensureBrowser().hash })
  if (registration === null) throw new PageError(404, 'not_found')
  if (registration.expired || registration.state === 'abandoned') throw new SeeOther('/register')
  if (registration.state !== 'verified' || !isStale(registration.draft, deps.clock.now() / 1000)) {
    return registration
  }
  return (
    (await inTransaction(
      deps.db,
      async (trx) =>
        await changeRegistration(trx, {
          deps,
          registration,
          from: ['verified'],
          change: ({ draft }) => ({
            draft: { ...draft, verification: null },
            state: 'verifying'
          })
        })
    )) ?? registration
  )
}

interface LoadPostedInput {
  parts: Pick<Parts, 'deps'>
  request: FastifyRequest
  reply: FastifyReply
  place: Place
}

/** A posted form of this page: as `load`, after its token was checked. */
export async function loadPosted (
  { parts, request, reply, place }: LoadPostedInput
): Promise<Registration> {
  const registration = await load({ parts, request, reply, place })
  request.requireCsrf(registration.id)
  return registration
}

export function measureProgress (registration: Registration, place: Place): Progress {
  const { id, applicant } = registration
  return {
    applicant,
    place,
    step: stepNumber(place),
    laterHref: mayLeave(registration) ? registrationPath(id, 'later') : null,
    sections: listSections(applicant).map((section) => ({
      place: section,
      href: section !== place && mayOpen(section, registration) ? registrationPath(id, section) : null
    }))
  }
}

export const readCircumstances = (request: FastifyRequest): { source: string; address: string; traceId: string } => ({
  source: request.clientAddress.prefix,
  address: request.clientAddress.ip,
  traceId: String(request.id)
})

/** A section as it was read; returns the address of the page that is due now. */
export async function keepSection (
  deps: RegistrationDeps,
  registration: Registration,
  section: Partial<Draft>
): Promise<string> {
  const changed = await inTransaction(
    deps.db,
    async (trx) =>
      await changeRegistration(trx, {
        deps,
        registration,
        from: ['draft', 'verifying'],
        change: ({ draft }) => ({
          draft: { ...draft, ...section },
          state: 'draft'
        })
      })
  )
  return changed === null ? registrationPath(registration.id) : duePath(changed)
}

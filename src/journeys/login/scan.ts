/**
 * The QR step, browser side: scan login, first-login check and step-up are the same component. The ticket answers only
 * to this browser; SSE pushes, polling takes over, a plain form works without script.
 */
import type { FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { organizationProof } from '../../domain/login/next-step.ts'
import { maskName } from '../../domain/identity/masking.ts'
import { PageError } from '../../http/page-error.ts'
import { isPhone } from '../../http/user-agent.ts'
import { isLive, type ScanPage, ticketId, ticketModel } from '../scan-code/index.ts'
import { isKnownBrowser } from '../../records/persons/index.ts'
import type { NewTicket, Requirement, TicketStatus } from '../../records/scan-tickets/index.ts'
import { addProofs } from '../../records/login-attempts/index.ts'
import { loginPath } from './attempt.ts'
import type { StepDeps } from './deps.ts'
import type { LoginContext } from './facts.ts'
import { open, recorded, resume, show, type Outcome } from './step.ts'
import { loginTabs } from './tabs.ts'

export function scanStep (deps: StepDeps) {
  const { tickets } = deps

  /** confirmed → consumed; the phone's proofs become the attempt's, for that person only. */
  async function consume (id: string, context: LoginContext): Promise<Outcome | null> {
    const purpose = ticketPurpose(context)
    // in one transaction: a ticket is never used up without its proofs
    const given = await inTransaction(deps.db, async (trx) => {
      const consumed = await tickets.consume(trx, id, {
        browserHash: context.browserHash,
        loginAttemptUid: context.uid,
        purpose
      })
      if (consumed === null) return false
      // another person's (another account was chosen since): used up too, and the attempt continues without it
      return await addProofs(trx, {
        uid: context.uid,
        browserHash: context.browserHash,
        personId: consumed.personId,
        proofs: consumed.proofs
      })
    })
    return given ? recorded('scan') : null
  }

  /** The ticket of this attempt, and its proofs when the phone has confirmed. */
  async function consumeLatest (
    context: LoginContext
  ): Promise<{ id: string | null; status: TicketStatus | null; outcome: Outcome | null }> {
    const id = await tickets.findLatest(context.uid, context.browserHash)
    const status = id === null ? null : await tickets.status(id, context.browserHash)
    const outcome = id !== null && status?.state === 'confirmed' ? await consume(id, context) : null
    return { id, status, outcome }
  }

  async function showNewTicket (context: LoginContext, request: FastifyRequest): Promise<Outcome> {
    const id = await createTicket(context, request)
    return await showTicket(context, request, { id, status: await tickets.status(id, context.browserHash) })
  }

  async function createTicket (context: LoginContext, request: FastifyRequest): Promise<string> {
    const missing = await context.verification()
    const requires: Requirement[] = []
    if (missing?.identity === true) requires.push('identity')
    if (missing?.face === true || context.facts.requestedLevel >= 3) requires.push('face')
    const { person } = context
    const ticket: NewTicket = {
      purpose: ticketPurpose(context),
      browserHash: context.browserHash,
      address: request.clientAddress.ip,
      traceId: request.id,
      loginAttemptUid: context.uid,
      clientId: context.client.clientId,
      context: {
        clientName: context.rp.name,
        clientHost: context.rp.host,
        place: request.clientAddress.place,
        browser: request.browserLabel,
        at: new Date(deps.clock.now()).toISOString()
      },
      ...(person === null ? {} : { expectedPersonId: person.id }),
      requires,
      // number matching for browsers not seen before; in a login by scan the person is not known yet
      numberEntry: person === null || !(await isKnownBrowser(deps.db, person.id, context.browserHash))
    }
    const created = await tickets.create(ticket)
    return created.ticketId
  }

  async function showTicket (
    context: LoginContext,
    request: FastifyRequest,
    { id, status, notYet = false }: { id: string; status: TicketStatus | null; notYet?: boolean }
  ): Promise<Outcome> {
    if (status === null) throw new PageError(409, 'not_started')
    const { person } = context
    const { phoneChannels } = deps.config
    const model: ScanPage = {
      rp: context.rp,
      purpose: pagePurpose(context),
      tabs: person === null ? loginTabs(context, 'qr') : [],
      base: loginPath(context.uid, 'qr'),
      csrf: request.csrfToken(context.uid),
      ticket: ticketModel({
        id,
        status,
        numberEntry: person === null || !(await isKnownBrowser(deps.db, person.id, context.browserHash))
      }),
      blocked: status.failure === 'face_exhausted' ? 'face_exhausted' : null,
      expectedName: person === null ? null : maskName(person.name),
      subjectName: null,
      notYet,
      mobile: isPhone(request.headers['user-agent'] ?? ''),
      sameDevice: {
        app: phoneChannels.app ? status.payloadUrl : null,
        pages: phoneChannels.pages ? status.payloadUrl : null
      },
      counterHref:
        person !== null && (await context.verification()) !== null ? loginPath(context.uid, 'counter') : null,
      passwordHref: person === null ? loginPath(context.uid, 'login') : null
    }
    return show('scan-code/scan', model)
  }

  return {
    /** What the phone has confirmed counts before anything else is decided: it is in the person's record. */
    accept: async (context: LoginContext): Promise<Outcome> => (await consumeLatest(context)).outcome ?? resume,

    async page (context: LoginContext, request: FastifyRequest): Promise<Outcome> {
      const { id, status, outcome } = await consumeLatest(context)
      if (outcome !== null) return outcome
      // a ticket for another person (another account was chosen since) does not count here
      const isLatest =
        id !== null && id === (await tickets.findLatest(context.uid, context.browserHash, context.person?.id ?? null))
      return isLatest && status !== null && (isLive(status) || status.failure === 'face_exhausted')
        ? await showTicket(context, request, { id, status })
        : await showNewTicket(context, request)
    },

    async renew (context: LoginContext, request: FastifyRequest): Promise<Outcome> {
      await createTicket(context, request)
      return open('qr')
    },

    /** Without script: ask the server once. */
    async check (context: LoginContext, request: FastifyRequest): Promise<Outcome> {
      const id = ticketId(request)
      const status = await tickets.status(id, context.browserHash)
      if (status === null) return open('qr')
      if (status.state === 'confirmed') return (await consume(id, context)) ?? open('')
      return await showTicket(context, request, { id, status, notYet: isLive(status) })
    },

    finish: async (context: LoginContext, request: FastifyRequest): Promise<Outcome> =>
      (await consume(ticketId(request), context)) ?? open('')
  }
}

/** A person who comes with the password of an organization is addressed by role. */
function pagePurpose ({ person, row, facts }: LoginContext): ScanPage['purpose'] {
  if (person === null) return 'login'
  const role = organizationProof(row.proofs)?.role
  if (role !== undefined) return role === 'agent' ? 'agent' : 'legal-representative'
  return facts.person?.faceVerified === true ? 'step-up' : 'first-login'
}

// must not depend on anything that the scan changes: it is compared again when the ticket is consumed
const ticketPurpose = (context: LoginContext): 'login' | 'step-up' =>
  context.facts.session !== null ? 'step-up' : 'login'

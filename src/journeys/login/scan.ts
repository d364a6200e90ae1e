/**
 * The QR step (S4), browser side: scan login, first-login check and step-up are the same component. The ticket
 * answers only to this browser; SSE pushes, polling takes over, a plain form works without script.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { LoginDeps } from './deps.ts'
import type { Oidc } from '../../oidc/index.ts'
import { organizationProof } from '../../domain/login/next-step.ts'
import { maskName } from '../../domain/identity/masking.ts'
import { PageError } from '../../http/page-error.ts'
import { isPhone } from '../../http/user-agent.ts'
import type { RelyingSite, Tab } from '../../http/pages.ts'
import type { ScanTicketView } from '../scan-code/index.ts'
import { isKnownBrowser } from '../../records/persons/index.ts'
import {
  isLive,
  isPrefetch,
  registerTicketStatus,
  ticketId,
  ticketModel
} from '../scan-code/index.ts'
import type { BrowserSide, NewTicket, Requirement, TicketStatus } from '../../records/scan-tickets/index.ts'
import { addProofs } from '../../records/login-attempts/index.ts'
import { interactionPath, loadContext, stepOf, type LoginContext } from './context.ts'
import { advance } from './dispatch.ts'
import { loginTabs } from './password-page.ts'

/** Which sentence and which title the code carries. */
export type ScanPurpose =
  | 'login'
  | 'first-login'
  | 'step-up'
  | 'legal-representative'
  | 'agent'
  | 'approve-delegation'
  | 'organization-password'
  | 'register'
  | 'recover'
  | 'change-phone'

/**
 * S4. The ticket's addresses are `${base}/${ticket.id}/state|events|check`; `${base}/renew` makes a new one.
 * check and renew post `csrf` only.
 */
export interface ScanPage {
  /** Null outside a login (user centre). */
  rp: RelyingSite | null
  purpose: ScanPurpose
  /** Shown only for purpose 'login'. */
  tabs: Tab[]
  /** '/i/<uid>/qr' in a login. */
  base: string
  csrf: string
  /** Null when no code may be made now; `blocked` says why. */
  ticket: ScanTicketView | null
  blocked: 'face_exhausted' | 'too_many_requests' | null
  /** Masked name of the person who must scan, when known. */
  expectedName: string | null
  /** Masked name of what is approved (agent), else null. */
  subjectName: string | null
  /** The check form was used and the phone is not done yet. */
  notYet: boolean
  /** Phone browser: the same-device button leads, the code is folded away. */
  mobile: boolean
  /** Null = that door is closed. `app` opens the app, `pages` continues in this browser. */
  sameDevice: { app: string | null; pages: string | null }
  appDownload: string | null
  /** 其他办法: the counter code; null when it would not help. */
  counterHref: string | null
  passwordHref: string | null
  /** Outside of a login: back without a decision. */
  leaveHref?: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'login/scan': ScanPage
  }
}

export function registerScanStep (app: FastifyInstance, deps: LoginDeps, oidc: Oidc, tickets: BrowserSide): void {
  app.get('/i/:uid/qr', async (request, reply) => {
    if (isPrefetch(request)) return await reply.code(503).send()
    const context = await loadContext(deps, oidc, request, reply)
    const latest = await tickets.latestOf(context.uid, context.browserHash)
    const status = latest === null ? null : await tickets.status(latest, context.browserHash)
    // first of all: what the phone has shown already stands in the person's record, so that nothing more may seem
    // missing
    if (latest !== null && status?.state === 'confirmed') return await finishScan(latest, context, request, reply)
    if (!mayScan(context)) return await advance(deps, oidc, request, reply, 'session')
    // a ticket made for another person (another account was chosen since) is nothing to this one
    const mine =
      latest !== null &&
      latest === (await tickets.latestOf(context.uid, context.browserHash, context.person?.id ?? null))
    if (mine && status !== null && (isLive(status) || status.failure === 'face_exhausted')) {
      return await showQr(context, request, reply, latest, status, false)
    }
    return await renew(context, request, reply)
  })

  app.post('/i/:uid/qr/renew', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    request.requireCsrf(context.uid)
    if (mayScan(context)) await createTicket(context, request)
    return await reply.redirect(interactionPath(context.uid, 'qr'), 303)
  })

  registerTicketStatus(app, tickets, {
    pattern: '/i/:uid/qr',
    base: (request) => interactionPath((request.params as { uid?: string }).uid ?? '', 'qr')
  })

  // without script: ask the server once
  app.post('/i/:uid/qr/:ticket/check', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    request.requireCsrf(context.uid)
    const id = ticketId(request)
    const status = await tickets.status(id, context.browserHash)
    if (status === null) return await reply.redirect(interactionPath(context.uid, 'qr'), 303)
    if (status.state === 'confirmed') return await finishScan(id, context, request, reply)
    return await showQr(context, request, reply, id, status, isLive(status))
  })

  app.get('/i/:uid/qr/:ticket/finish', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    return await finishScan(ticketId(request), context, request, reply)
  })

  /** confirmed → consumed; the phone's proofs become the attempt's, for that person only. */
  async function finishScan (
    id: string,
    context: LoginContext,
    request: FastifyRequest,
    reply: FastifyReply
  ): Promise<FastifyReply> {
    const purpose = purposeOf(context)
    // together: a ticket is never used up without its proofs
    const given = await deps.db.transaction().execute(async (trx) => {
      const consumed = await tickets.consume(trx, id, {
        browserHash: context.browserHash,
        loginAttemptUid: context.uid,
        purpose
      })
      if (consumed === null) return false
      // another person's (another account was chosen since): used up as well, and the attempt goes on without it
      return await addProofs(trx, context.uid, context.browserHash, consumed.personId, consumed.proofs)
    })
    if (!given) return await reply.redirect(interactionPath(context.uid), 303)
    return await advance(deps, oidc, request, reply, 'scan')
  }

  async function renew (context: LoginContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const made = await createTicket(context, request)
    const status = await tickets.status(made, context.browserHash)
    return await showQr(context, request, reply, made, status, false)
  }

  async function createTicket (context: LoginContext, request: FastifyRequest): Promise<string> {
    const step = stepOf(context)
    const requires: Requirement[] = []
    if (step.step === 'verify' && step.identity) requires.push('identity')
    if ((step.step === 'verify' && step.face) || context.requestedLevel >= 3) requires.push('face')
    const { person } = context
    const ticket: NewTicket = {
      purpose: purposeOf(context),
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
      // number matching for browsers not seen before; who scans in a plain scan login is not known yet
      numberEntry: person === null || !(await isKnownBrowser(deps.db, person.id, context.browserHash))
    }
    const created = await tickets.create(ticket)
    return created.ticketId
  }

  async function showQr (
    context: LoginContext,
    request: FastifyRequest,
    reply: FastifyReply,
    id: string,
    status: TicketStatus | null,
    notYet: boolean
  ): Promise<FastifyReply> {
    if (status === null) throw new PageError(409, 'not_started')
    const step = stepOf(context)
    const { person } = context
    const { phoneDoors } = deps.config
    const model: ScanPage = {
      rp: context.rp,
      purpose: wordsOf(context),
      tabs: person === null ? loginTabs(context, 'qr') : [],
      base: interactionPath(context.uid, 'qr'),
      csrf: request.csrfToken(context.uid),
      ticket: ticketModel(
        id,
        status,
        person === null || !(await isKnownBrowser(deps.db, person.id, context.browserHash))
      ),
      blocked: status.failure === 'face_exhausted' ? 'face_exhausted' : null,
      expectedName: person === null ? null : maskName(person.name),
      subjectName: null,
      notYet,
      mobile: isPhone(request.headers['user-agent'] ?? ''),
      sameDevice: {
        app: phoneDoors.app ? status.payloadUrl : null,
        pages: phoneDoors.pages ? status.payloadUrl : null
      },
      appDownload: null,
      counterHref: step.step === 'verify' && person !== null ? interactionPath(context.uid, 'counter') : null,
      passwordHref: person === null ? interactionPath(context.uid, 'login') : null
    }
    return await reply.page('login/scan', model)
  }
}

/** Who comes for an organization with its password is asked for by what they are. */
function wordsOf ({ person, row, facts }: LoginContext): ScanPage['purpose'] {
  if (person === null) return 'login'
  const role = organizationProof(row.proofs)?.role
  if (role !== undefined) return role === 'agent' ? 'agent' : 'legal-representative'
  return facts.person?.faceVerified === true ? 'step-up' : 'first-login'
}

/** The QR page is for a scan login, or for the step that asks for the phone. */
const mayScan = (context: LoginContext): boolean => {
  const { step } = stepOf(context)
  return step === 'verify' || (step === 'login' && context.person === null)
}

// must not depend on anything that the scan itself changes: it is compared again when the ticket is consumed
const purposeOf = (context: LoginContext): 'login' | 'step-up' =>
  context.facts.session !== null ? 'step-up' : 'login'

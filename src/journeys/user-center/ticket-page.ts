/**
 * A code of the user center: what the person confirms by scan and face. The page that shows it, its live status, and
 * the way on; the caller knows what is confirmed and what follows.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { maskName } from '../../domain/identity/masking.ts'
import { isPhone } from '../../http/user-agent.ts'
import { isLive, isPrefetch, registerTicketStatus, ticketId, ticketModel } from '../scan-code/index.ts'
import type { TicketStatus } from '../../records/scan-tickets/index.ts'
import { userCentreClientId, userCentreName } from './site.ts'
import type { Centre, Me } from './me.ts'

export interface ToConfirm {
  /** The person who must scan. */
  me: Me
  /** A ticket about anything else confirms nothing here. */
  subjectRef: string
  /** What the phone shows; members are labels `subject.<name>`. */
  subject: Record<string, unknown>
  /** Masked name of another person whom it is about. */
  subjectName: string | null
  leaveHref: string
}

export interface TicketPage<Asked extends ToConfirm> {
  /** Route pattern, and the address in one request. */
  pattern: string
  base(request: FastifyRequest): string
  purpose: 'approve-delegation' | 'organization-password'
  /** @throws SeeOther when there is nothing (more) to confirm */
  load(request: FastifyRequest, reply: FastifyReply): Promise<Asked>
  /** The phone has confirmed: the ticket is consumed, and its act is done. */
  finish(ticket: string, subject: Asked, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>
}

export function registerTicketPage<Asked extends ToConfirm> (
  app: FastifyInstance,
  centre: Centre,
  page: TicketPage<Asked>
): void {
  const { deps, tickets } = centre
  const { pattern, base, purpose, load, finish } = page

  app.get(pattern, async (request, reply) => {
    if (isPrefetch(request)) return await reply.code(503).send()
    const subject = await load(request, reply)
    const latest = await tickets.latestAbout(purpose, subject.subjectRef, subject.me.browserHash)
    const status = latest === null ? null : await tickets.status(latest, subject.me.browserHash)
    if (latest !== null && status?.state === 'confirmed') return await finish(latest, subject, request, reply)
    if (latest !== null && status !== null && isLive(status)) {
      return await show({ id: latest, status, asked: subject, request, reply })
    }
    const made = await create(subject, request)
    return await show({
      id: made,
      status: await tickets.status(made, subject.me.browserHash),
      asked: subject,
      request,
      reply
    })
  })

  app.post(`${pattern}/renew`, async (request, reply) => {
    await create(await load(request, reply), request)
    return await reply.redirect(base(request), 303)
  })

  registerTicketStatus(app, tickets, { pattern, base, purpose })

  // without script: ask the server once
  app.post(`${pattern}/:ticket/check`, async (request, reply) => {
    const subject = await load(request, reply)
    const status = await tickets.status(ticketId(request), subject.me.browserHash)
    if (status?.state === 'confirmed') return await finish(ticketId(request), subject, request, reply)
    return await show({
      id: ticketId(request),
      status,
      asked: subject,
      request,
      reply,
      notYet: status !== null && isLive(status)
    })
  })

  app.get(
    `${pattern}/:ticket/finish`,
    async (request, reply) => await finish(ticketId(request), await load(request, reply), request, reply)
  )

  async function create ({ me, subjectRef, subject }: Asked, request: FastifyRequest): Promise<string> {
    const created = await tickets.create({
      purpose,
      browserHash: me.browserHash,
      subjectRef,
      clientId: userCentreClientId,
      context: {
        clientName: userCentreName,
        clientHost: new URL(deps.config.issuer).host,
        place: request.clientAddress.place,
        browser: request.browserLabel,
        at: new Date(deps.clock.now()).toISOString(),
        subject
      },
      expectedPersonId: me.person.id,
      requires: ['face'],
      numberEntry: true,
      address: request.clientAddress.ip,
      traceId: String(request.id)
    })
    return created.ticketId
  }

  async function show ({
    id,
    status,
    asked: { me, subjectName, leaveHref },
    request,
    reply,
    notYet = false
  }: {
    id: string
    status: TicketStatus | null
    asked: Asked
    request: FastifyRequest
    reply: FastifyReply
    notYet?: boolean | undefined
  }): Promise<FastifyReply> {
    // another browser's, or gone
    if (status === null) return await reply.redirect(base(request), 303)
    const { phoneChannels } = deps.config
    return reply.page(
      'scan-code/scan',
      {
        rp: null,
        purpose,
        tabs: [],
        base: base(request),
        csrf: request.csrfToken(centre.csrfScope(me.idHash)),
        ticket: ticketModel({ id, status, numberEntry: true, purpose }),
        blocked: status.failure === 'face_exhausted' ? 'face_exhausted' : null,
        expectedName: maskName(me.person.name),
        subjectName,
        notYet,
        mobile: isPhone(request.headers['user-agent'] ?? ''),
        sameDevice: {
          app: phoneChannels.app ? status.payloadUrl : null,
          pages: phoneChannels.pages ? status.payloadUrl : null
        },
        counterHref: null,
        passwordHref: null,
        leaveHref
      },
      { kind: 'own' }
    )
  }
}

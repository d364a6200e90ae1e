/**
 * Step 2, browser side: the applicant scans, gives the identity data and passes the face check, for exactly these data.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { maskName, maskUscc } from '../../domain/identity/masking.ts'
import { findPresence } from '../../domain/representation/delegation.ts'
import { findApplicant, delegationEnd, verifiedContent } from '../../domain/representation/registration.ts'
import { PageError } from '../../http/page-error.ts'
import { isPhone } from '../../http/user-agent.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { isLive, isPrefetch, registerTicketStatus, ticketId, ticketModel } from '../scan-code/index.ts'
import type { TicketStatus } from '../../records/scan-tickets/index.ts'
import { readCircumstances, duePath, load, loadAny, loadPosted, registrationPath, type Parts } from './held.ts'
import { changeRegistration, type Registration } from './repository.ts'

export function registerScanStep (app: FastifyInstance, parts: Parts): void {
  const { deps, tickets } = parts

  app.get('/register/:id/qr', async (request, reply) => {
    if (isPrefetch(request)) return await reply.code(503).send()
    const registration = await load({ parts, request, reply, place: 'qr' })
    const latest = await tickets.latestAbout('register', describeSubject(registration), registration.browserHash)
    const status = latest === null ? null : await tickets.status(latest, registration.browserHash)
    if (latest !== null && status?.state === 'confirmed') return await finish(latest, registration, reply)
    if (latest !== null && status !== null && (isLive(status) || status.failure === 'face_exhausted')) {
      return showQr(registration, { id: latest, status, notYet: false, request, reply })
    }
    return await renew(registration, request, reply)
  })

  app.post('/register/:id/qr/renew', async (request, reply) => {
    const registration = await loadPosted({ parts, request, reply, place: 'qr' })
    await createTicket(registration, request)
    return await reply.redirect(registrationPath(registration.id, 'qr'), 303)
  })

  registerTicketStatus(app, tickets, {
    pattern: '/register/:id/qr',
    base: (request) => registrationPath((request.params as { id?: string }).id ?? '', 'qr')
  })

  // without script: ask the server once
  app.post('/register/:id/qr/:ticket/check', async (request, reply) => {
    const registration = await loadPosted({ parts, request, reply, place: 'qr' })
    const id = ticketId(request)
    const status = await tickets.status(id, registration.browserHash)
    if (status === null) return await reply.redirect(registrationPath(registration.id, 'qr'), 303)
    if (status.state === 'confirmed') return await finish(id, registration, reply)
    return showQr(registration, { id, status, notYet: isLive(status), request, reply })
  })

  app.get(
    '/register/:id/qr/:ticket/check',
    async (request, reply) => await reply.redirect(duePath(await loadAny(deps, request, reply)), 303)
  )

  app.get('/register/:id/qr/:ticket/finish', async (request, reply) => {
    const registration = await load({ parts, request, reply, place: 'qr' })
    return await finish(ticketId(request), registration, reply)
  })

  /** Changed meanwhile: a ticket for other data proves nothing about these. */
  const describeSubject = ({ id, applicant, draft }: Registration): string =>
    `registration:${id}:${deps.crypto.mac('registration', verifiedContent(applicant, draft))}`

  /** confirmed → consumed and verifying → verified, in one transaction. */
  async function finish (id: string, registration: Registration, reply: FastifyReply): Promise<FastifyReply> {
    const { browserHash } = registration
    const subjectRef = describeSubject(registration)
    // a ticket that proves nothing about these data is not used up
    await inTransaction<undefined>(deps.db, async (trx, rollback) => {
      const given = await tickets.consume(trx, id, { browserHash, subjectRef, purpose: 'register' })
      if (given === null) return
      const present = findPresence(given.proofs, given.personId, id)
      if (present === null || given.personId !== registration.personId) throw rollback(undefined)
      const changed = await changeRegistration(trx, {
        deps,
        registration,
        from: ['verifying'],
        change: (now) => {
          if (describeSubject(now) !== subjectRef) throw rollback(undefined)
          return {
            draft: {
              ...now.draft,
              verification: { ticketId: id, ...present, at: Math.floor(deps.clock.now() / 1000) }
            },
            state: 'verified'
          }
        }
      })
      if (changed === null) throw rollback(undefined)
    })
    return await reply.redirect(registrationPath(registration.id), 303)
  }

  async function renew (
    registration: Registration,
    request: FastifyRequest,
    reply: FastifyReply
  ): Promise<FastifyReply> {
    const made = await createTicket(registration, request)
    return showQr(registration, {
      id: made,
      status: await tickets.status(made, registration.browserHash),
      notYet: false,
      request,
      reply
    })
  }

  async function createTicket (registration: Registration, request: FastifyRequest): Promise<string> {
    const {
      applicant,
      draft: { unit, agent },
      personId,
      browserHash
    } = registration
    if (personId === null || unit === null) throw new PageError(409, 'bad_request')
    const { address, traceId } = readCircumstances(request)
    const now = deps.clock.now()
    const created = await tickets.create({
      purpose: 'register',
      browserHash,
      subjectRef: describeSubject(registration),
      context: {
        clientName: '统一身份认证 · 法人注册',
        clientHost: new URL(deps.config.issuer).host,
        place: request.clientAddress.place,
        browser: request.browserLabel,
        at: new Date(now).toISOString(),
        subject: {
          organization: `${unit.name}（${maskUscc(unit.uscc)}）`,
          role: applicant === 'agent' ? '代理人' : '法定代表人',
          ...(agent === null || applicant !== 'agent'
            ? {}
            : { validTo: delegationEnd(shanghaiDate(now), agent.years) })
        }
      },
      expectedPersonId: personId,
      requires: ['identity', 'face'],
      // this browser was never anybody's
      numberEntry: true,
      address,
      traceId
    })
    return created.ticketId
  }

  function showQr (
    registration: Registration,
    {
      id,
      status,
      notYet,
      request,
      reply
    }: { id: string; status: TicketStatus | null; notYet: boolean; request: FastifyRequest; reply: FastifyReply }
  ): FastifyReply {
    if (status === null) throw new PageError(404, 'not_found')
    const { phoneChannels } = deps.config
    return reply.page('scan-code/scan', {
      rp: null,
      purpose: 'register',
      tabs: [],
      base: registrationPath(registration.id, 'qr'),
      csrf: request.csrfToken(registration.id),
      ticket: ticketModel({ id, status, numberEntry: true }),
      blocked: status.failure === 'face_exhausted' ? 'face_exhausted' : null,
      // as typed, because stored data of a person are not shown to others
      expectedName: maskName(findApplicant(registration.applicant, registration.draft)?.name ?? ''),
      subjectName: null,
      notYet,
      mobile: isPhone(request.headers['user-agent'] ?? ''),
      sameDevice: {
        app: phoneChannels.app ? status.payloadUrl : null,
        pages: phoneChannels.pages ? status.payloadUrl : null
      },
      counterHref: null,
      passwordHref: null
    })
  }
}

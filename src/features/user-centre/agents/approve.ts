/**
 * 通过 (J7): the page with the exact content → a code → the legal representative's phone shows the same content → face
 * → approved. The ticket names the version and the digest of what was shown, so it approves that and nothing else.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { approvalSubject, type DelegationContent } from '../../../domain/delegation.ts'
import { maskName } from '../../../domain/masking.ts'
import { formField } from '../../../http/forms.ts'
import { isPhone } from '../../../http/user-agent.ts'
import { isLive, isPrefetch, registerTicketStatus, ticketId, ticketModel } from '../../scan-tickets/ticket-status.ts'
import type { TicketStatus } from '../../scan-tickets/types.ts'
import { userCentreClientId, userCentreName } from '../client.ts'
import { catalogueOf, contentLines, ticketSubject } from '../delegation-rows.ts'
import { actorOf, shellOf, type Centre } from '../me.ts'
import type { AgentResultPage } from '../pages.ts'
import { agentPath, loadScope, versionOf, type Scope } from './scope.ts'

interface Asked extends Scope {
  version: number
  base: string
  /** Null: nothing (more) to approve in this version. */
  shown: { content: DelegationContent, digest: string, subjectRef: string } | null
}

const base = (request: FastifyRequest): string => {
  const { id = '', version = '' } = request.params as { id?: string, version?: string }
  return agentPath(id, `${version}/qr`)
}

export function registerApproval (app: FastifyInstance, centre: Centre): void {
  const { services, tickets, delegations } = centre
  const page = '/me/agents/:id/:version'

  async function load (request: FastifyRequest, reply: FastifyReply): Promise<Asked> {
    const version = versionOf(request)
    const scope = await loadScope(centre, request, reply)
    const shown = await delegations.content(scope.view.id, version)
    return { ...scope, version, base: base(request), shown: shown === null ? null : { ...shown, subjectRef: approvalSubject(scope.view.id, version, shown.digest) } }
  }

  app.get(`${page}/approve`, async (request, reply) => {
    const asked = await load(request, reply)
    return await showContent(asked, request, reply, false)
  })

  app.post(`${page}/approve`, async (request, reply) => {
    const asked = await load(request, reply)
    if (asked.shown === null) return await showResult(asked, 'stale', request, reply)
    // whoever read something else reads again
    if (formField(request.body, 'digest') !== asked.shown.digest) return await showContent(asked, request, reply, true)
    return await reply.redirect(asked.base, 303)
  })

  app.get(`${page}/qr`, async (request, reply) => {
    if (isPrefetch(request)) return await reply.code(503).send()
    const asked = await load(request, reply)
    if (asked.shown === null) return await ended(asked, request, reply)
    const latest = await tickets.latestAbout('approve-delegation', asked.shown.subjectRef, asked.me.browserHash)
    const status = latest === null ? null : await tickets.status(latest, asked.me.browserHash)
    if (latest !== null && status?.state === 'confirmed') return await finish(latest, asked, request, reply)
    if (latest !== null && status !== null && isLive(status)) return await showQr(latest, status, asked, request, reply)
    const made = await createTicket(asked, request)
    return await showQr(made, await tickets.status(made, asked.me.browserHash), asked, request, reply)
  })

  app.post(`${page}/qr/renew`, async (request, reply) => {
    const asked = await load(request, reply)
    if (asked.shown !== null) await createTicket(asked, request)
    return await reply.redirect(asked.base, 303)
  })

  registerTicketStatus(app, tickets, { pattern: `${page}/qr`, base, purpose: 'approve-delegation' })

  // without script: ask the server once
  app.post(`${page}/qr/:ticket/check`, async (request, reply) => {
    const asked = await load(request, reply)
    const status = await tickets.status(ticketId(request), asked.me.browserHash)
    if (status === null || asked.shown === null) return await reply.redirect(asked.base, 303)
    if (status.state === 'confirmed') return await finish(ticketId(request), asked, request, reply)
    return await showQr(ticketId(request), status, asked, request, reply, isLive(status))
  })

  app.get(`${page}/qr/:ticket/finish`, async (request, reply) => {
    const asked = await load(request, reply)
    return asked.shown === null ? await ended(asked, request, reply) : await finish(ticketId(request), asked, request, reply)
  })

  app.get(`${page}/result`, async (request, reply) => await ended(await load(request, reply), request, reply))

  /** confirmed → consumed for exactly this content, then submitted → active by exactly this person. */
  async function finish (ticket: string, asked: Asked, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { me, view, version, shown } = asked
    if (shown === null) return await ended(asked, request, reply)
    const given = await tickets.consume(ticket, { browserHash: me.browserHash, purpose: 'approve-delegation', subjectRef: shown.subjectRef })
    // used already: a second window, or the same one again
    if (given === null || given.personId !== me.person.id) return await reply.redirect(agentPath(view.id, `${version}/result`), 303)
    const approved = await delegations.approve(view.id, version, shown.digest, { ...actorOf(request, me), ticketId: ticket, proofs: given.proofs })
    if (!approved.ok) return await showResult(asked, approved.code, request, reply)
    return await reply.redirect(agentPath(view.id, `${version}/result`), 303)
  }

  /** Nothing to approve: it is in force, or it became something else. */
  async function ended (asked: Asked, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { view, version, shown } = asked
    if (shown !== null) return await reply.redirect(agentPath(view.id, `${version}/approve`), 303)
    return await showResult(asked, view.version === version && view.state === 'active' ? 'approved' : 'stale', request, reply)
  }

  async function showResult ({ me, view }: Asked, outcome: AgentResultPage['outcome'], request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    return reply.page('user-centre/result', {
      shell: await shellOf(centre, request, me, 'agents'),
      outcome,
      name: view.agent.maskedName,
      validTo: outcome === 'approved' ? view.validTo : null,
      againHref: outcome === 'approved' ? null : '/me/agents'
    }, { status: outcome === 'approved' ? 200 : 409 })
  }

  async function showContent (asked: Asked, request: FastifyRequest, reply: FastifyReply, changed: boolean): Promise<FastifyReply> {
    const { me, view, version, shown } = asked
    if (shown === null) return await ended(asked, request, reply)
    return reply.page('user-centre/approve', {
      shell: await shellOf(centre, request, me, 'agents'),
      action: agentPath(view.id, `${version}/approve`),
      csrf: request.csrfToken(centre.csrfScope(me.idHash)),
      content: contentLines(await catalogueOf(centre), shown.content, shown.digest),
      digest: shown.digest,
      rejectHref: agentPath(view.id, `${version}/reject`),
      changed
    }, { status: changed ? 409 : 200 })
  }

  async function createTicket ({ me, shown }: Asked, request: FastifyRequest): Promise<string> {
    if (shown === null) throw new Error('no content')
    const created = await tickets.create({
      purpose: 'approve-delegation',
      browserHash: me.browserHash,
      subjectRef: shown.subjectRef,
      clientId: userCentreClientId,
      context: {
        clientName: userCentreName,
        clientHost: new URL(services.config.issuer).host,
        place: request.clientAddress.place,
        browser: request.browserLabel,
        at: new Date(services.clock.now()).toISOString(),
        subject: ticketSubject(contentLines(await catalogueOf(centre), shown.content, shown.digest))
      },
      expectedPersonId: me.person.id,
      requires: ['face'],
      numberEntry: true,
      address: request.clientAddress.ip,
      traceId: String(request.id)
    })
    return created.ticketId
  }

  async function showQr (id: string, status: TicketStatus | null, { me, view, version, base, shown }: Asked, request: FastifyRequest, reply: FastifyReply, notYet = false): Promise<FastifyReply> {
    if (status === null || shown === null) return await reply.redirect('/me/agents', 303)
    const { phoneDoors } = services.config
    return reply.page('interaction/qr', {
      rp: null,
      purpose: 'approve-delegation',
      tabs: [],
      base,
      csrf: request.csrfToken(centre.csrfScope(me.idHash)),
      ticket: ticketModel(id, status, true, 'approve-delegation'),
      blocked: status.failure === 'face_exhausted' ? 'face_exhausted' : null,
      expectedName: maskName(me.person.name),
      subjectName: shown.content.agent.maskedName,
      notYet,
      mobile: isPhone(request.headers['user-agent'] ?? ''),
      sameDevice: { app: phoneDoors.app ? status.payloadUrl : null, pages: phoneDoors.pages ? status.payloadUrl : null },
      appDownload: null,
      counterHref: null,
      passwordHref: null,
      leaveHref: agentPath(view.id, `${version}/approve`)
    }, { kind: 'own' })
  }
}

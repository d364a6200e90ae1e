/**
 * 通过: the page with the exact content → a code → the legal representative's phone shows the same content → face →
 * approved. The ticket names the version and the digest of what was shown, so it approves that and nothing else.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { approvalSubject, type DelegationContent } from '../../../domain/representation/delegation.ts'
import { formField } from '../../../http/forms.ts'
import { SeeOther } from '../../../http/see-other.ts'
import type { FormTarget } from '../../../http/pages.ts'
import { loadFunctionCatalogue, contentLines, ticketSubject, type ContentLines } from '../delegation-rows.ts'
import { describeActor, buildLayout, type Centre, type WithUserCenterLayout } from '../me.ts'
import { registerTicketPage, type ToConfirm } from '../ticket-page.ts'
import { agentPath, loadScope, readVersion, type Scope } from './scope.ts'
import type { AgentResultPage } from './result.ts'

/** 通过, before the code. Posts `csrf`, `digest`. */
export interface ApprovePage extends WithUserCenterLayout, FormTarget {
  content: ContentLines
  digest: string
  rejectHref: string
  /** It became something else since it was shown. */
  changed: boolean
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'user-center/agents/approve': ApprovePage
  }
}

interface ApprovalSubject extends Scope {
  version: number
  /** Null: nothing (more) to approve in this version. */
  shown: { content: DelegationContent; digest: string } | null
}

interface Approvable extends Omit<ToConfirm, 'me'>, Scope {
  version: number
  digest: string
}

export function registerApproval (app: FastifyInstance, centre: Centre): void {
  const { tickets, delegations } = centre
  const page = '/me/agents/:id/:version'

  async function load (request: FastifyRequest, reply: FastifyReply): Promise<ApprovalSubject> {
    const version = readVersion(request)
    const scope = await loadScope(centre, request, reply)
    return { ...scope, version, shown: await delegations.content(scope.view.id, version) }
  }

  app.get(`${page}/approve`, async (request, reply) => {
    const subject = await load(request, reply)
    return await showContent({ subject, request, reply, changed: false })
  })

  app.post(`${page}/approve`, async (request, reply) => {
    const subject = await load(request, reply)
    if (subject.shown === null) return await showResult(subject, { outcome: 'stale', request, reply })
    // the content has changed: show it again
    const same = formField(request.body, 'digest') === subject.shown.digest
    if (!same) return await showContent({ subject, request, reply, changed: true })
    return await reply.redirect(agentPath(subject.view.id, `${subject.version}/qr`), 303)
  })

  registerTicketPage<Approvable>(app, centre, {
    pattern: `${page}/qr`,
    base (request) {
      const { id = '', version = '' } = request.params as { id?: string; version?: string }
      return agentPath(id, `${version}/qr`)
    },
    purpose: 'approve-delegation',
    async load (request, reply) {
      const { me, view, version, shown } = await load(request, reply)
      if (shown === null) throw new SeeOther(agentPath(view.id, `${version}/result`))
      const { content, digest } = shown
      return {
        me,
        view,
        version,
        digest,
        subjectRef: approvalSubject(view.id, version, digest),
        subject: ticketSubject(contentLines(await loadFunctionCatalogue(centre), content, digest)),
        subjectName: content.agent.maskedName,
        leaveHref: agentPath(view.id, `${version}/approve`)
      }
    },
    // confirmed → consumed for exactly this content, then submitted → active by exactly this person
    async finish (ticket, subject, request, reply) {
      const { me, view, version, digest, subjectRef } = subject
      const approved = await delegations.approve({
        id: view.id,
        version,
        digest,
        approver: { ...describeActor(request, me), ticketId: ticket },
        async takeProofs (trx) {
          const { browserHash, person } = me
          const given = await tickets.consume(trx, ticket, { browserHash, purpose: 'approve-delegation', subjectRef })
          return given?.personId === person.id ? given.proofs : null
        }
      })
      // a used ticket: a second window, or the same one again
      if (!approved.ok && approved.code !== 'ticket_used') {
        return await showResult(subject, { outcome: approved.code, request, reply })
      }
      return await reply.redirect(agentPath(view.id, `${version}/result`), 303)
    }
  })

  app.get(`${page}/result`, async (request, reply) => await ended(await load(request, reply), request, reply))

  /** Nothing to approve: it is in force, or has changed. */
  async function ended (subject: ApprovalSubject, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { view, version, shown } = subject
    if (shown !== null) return await reply.redirect(agentPath(view.id, `${version}/approve`), 303)
    return await showResult(subject, {
      outcome: view.version === version && view.state === 'active' ? 'approved' : 'stale',
      request,
      reply
    })
  }

  async function showResult (
    { me, view }: Scope,
    { outcome, request, reply }: { outcome: AgentResultPage['outcome']; request: FastifyRequest; reply: FastifyReply }
  ): Promise<FastifyReply> {
    return reply.page(
      'user-center/agents/result',
      {
        shell: await buildLayout(centre, request, { me, current: 'agents' }),
        outcome,
        name: view.agent.maskedName,
        validTo: outcome === 'approved' ? view.validTo : null,
        againHref: outcome === 'approved' ? null : '/me/agents'
      },
      { status: outcome === 'approved' ? 200 : 409 }
    )
  }

  async function showContent ({
    subject,
    request,
    reply,
    changed
  }: {
    subject: ApprovalSubject
    request: FastifyRequest
    reply: FastifyReply
    changed: boolean
  }): Promise<FastifyReply> {
    const { me, view, version, shown } = subject
    if (shown === null) return await ended(subject, request, reply)
    return reply.page(
      'user-center/agents/approve',
      {
        shell: await buildLayout(centre, request, { me, current: 'agents' }),
        action: agentPath(view.id, `${version}/approve`),
        csrf: request.csrfToken(centre.csrfScope(me.idHash)),
        content: contentLines(await loadFunctionCatalogue(centre), shown.content, shown.digest),
        digest: shown.digest,
        rejectHref: agentPath(view.id, `${version}/reject`),
        changed
      },
      { status: changed ? 409 : 200 }
    )
  }
}

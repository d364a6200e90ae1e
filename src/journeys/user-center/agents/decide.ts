/** 拒绝, 停用, 撤销: each a page that says what will happen, and then one post. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inForceStates } from '../../../domain/representation/delegation.ts'
import { formField } from '../../../http/forms.ts'
import type { FieldError, FormTarget } from '../../../http/pages.ts'
import { describeActor, buildLayout, type Centre, type WithUserCenterLayout } from '../me.ts'
import { agentPath, loadScope, readVersion, type Scope } from './scope.ts'
import type { AgentResultPage } from './result.ts'

/** 拒绝. Posts `csrf`, `reason` (code), `text`. */
export interface RejectPage extends WithUserCenterLayout, FormTarget {
  name: string
  reasons: string[]
  reason: string
  text: string
  errors: FieldError[]
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'user-center/agents/reject': RejectPage
  }
}

/** Stored as they are; `me.reason.<code>` has the words. */
const rejectReasons = ['not_our_agent', 'wrong_data', 'wrong_scope', 'not_needed', 'other']

const written = (body: unknown): string => formField(body, 'text').trim().slice(0, 200)

export function registerDecisions (app: FastifyInstance, centre: Centre): void {
  const { delegations } = centre

  app.get('/me/agents/:id/:version/reject', async (request, reply) => {
    const scope = await loadWaiting(request, reply)
    return scope === null
      ? await reply.redirect('/me/agents', 303)
      : await showReject(scope, { typed: { reason: '', text: '' }, errors: [], request, reply })
  })

  app.post('/me/agents/:id/:version/reject', async (request, reply) => {
    const version = readVersion(request)
    const scope = await loadScope(centre, request, reply)
    const typed = { reason: formField(request.body, 'reason'), text: written(request.body) }
    if (!rejectReasons.includes(typed.reason)) {
      return await showReject(scope, { typed, errors: [{ field: 'reason', code: 'required' }], request, reply })
    }
    if (typed.reason === 'other' && typed.text === '') {
      return await showReject(scope, { typed, errors: [{ field: 'text', code: 'required' }], request, reply })
    }
    const reason =
      typed.reason === 'other' ? typed.text : typed.text === '' ? typed.reason : `${typed.reason}: ${typed.text}`
    const rejected = await delegations.reject({
      id: scope.view.id,
      version,
      reason,
      actor: describeActor(request, scope.me)
    })
    return await showResult(scope, { outcome: rejected ? 'rejected' : 'stale', request, reply })
  })

  for (const act of ['suspend', 'revoke'] as const) {
    app.get(`/me/agents/:id/${act}`, async (request, reply) => {
      const { me, view } = await loadScope(centre, request, reply)
      if (
        !(inForceStates as readonly string[]).includes(view.state) ||
        (act === 'suspend' && view.state === 'suspended')
      ) {
        return await reply.redirect('/me/agents', 303)
      }
      return reply.page('user-center/end-delegation', {
        shell: await buildLayout(centre, request, { me, current: 'agents' }),
        action: agentPath(view.id, act),
        csrf: request.csrfToken(centre.csrfScope(me.idHash)),
        act,
        name: view.agent.maskedName,
        text: '',
        backHref: '/me/agents'
      })
    })

    app.post(`/me/agents/:id/${act}`, async (request, reply) => {
      const scope = await loadScope(centre, request, reply)
      const reason = written(request.body) || 'by_legal_representative'
      const done = await delegations[act](scope.view.id, reason, describeActor(request, scope.me))
      return await showResult(scope, {
        outcome: done ? (act === 'suspend' ? 'suspended' : 'revoked') : 'stale',
        request,
        reply
      })
    })
  }

  async function loadWaiting (request: FastifyRequest, reply: FastifyReply): Promise<Scope | null> {
    const version = readVersion(request)
    const scope = await loadScope(centre, request, reply)
    const rows = await delegations.listOfOrganization(scope.me.organization.id)
    return rows.some((row) => row.id === scope.view.id && row.version === version && row.state === 'submitted')
      ? scope
      : null
  }

  async function showReject (
    { me, view }: Scope,
    {
      typed,
      errors,
      request,
      reply
    }: { typed: { reason: string; text: string }; errors: FieldError[]; request: FastifyRequest; reply: FastifyReply }
  ): Promise<FastifyReply> {
    return reply.page(
      'user-center/agents/reject',
      {
        shell: await buildLayout(centre, request, { me, current: 'agents' }),
        action: agentPath(view.id, `${readVersion(request)}/reject`),
        csrf: request.csrfToken(centre.csrfScope(me.idHash)),
        name: view.agent.maskedName,
        reasons: rejectReasons,
        ...typed,
        errors
      },
      { status: errors.length > 0 ? 422 : 200 }
    )
  }

  /**
   * In the answer to the post: a second press finds that the first one succeeded, and says that it changed meanwhile.
   */
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
        validTo: null,
        againHref: '/me/agents'
      },
      { status: outcome === 'stale' ? 409 : 200 }
    )
  }
}

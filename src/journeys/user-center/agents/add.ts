/** 新增 and 修改: both make a version that waits, and lead to its approval. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inForceStates } from '../../../domain/representation/delegation.ts'
import type { FieldError } from '../../../http/pages.ts'
import { shanghaiDate } from '../../../ports/clock.ts'
import { loadFunctionCatalogue } from '../delegation-rows.ts'
import { describeActor, loadLegal, buildLayout, type Centre, type LegalMe } from '../me.ts'
import { agentPerson } from './agent-person.ts'
import {
  describeError,
  freshValues,
  readAgent,
  readTerms,
  typedValues,
  valuesOfView,
  type Terms,
  type AgentFormPage,
  type AgentValues
} from './form.ts'
import { agentPath, loadScope } from './scope.ts'

export function registerAgentForms (app: FastifyInstance, centre: Centre): void {
  const { deps, delegations } = centre
  const today = (): string => shanghaiDate(deps.clock.now())

  app.get('/me/agents/new', async (request, reply) => {
    const me = await loadLegal(centre, request, { reply })
    return await showForm(me, {
      form: { action: '/me/agents/new', known: null, values: freshValues(today()), errors: [] },
      request,
      reply
    })
  })

  app.post('/me/agents/new', async (request, reply) => {
    const me = await loadLegal(centre, request, { reply })
    const values = typedValues(request.body)
    const again = async (errors: FieldError[], status = 422): Promise<FastifyReply> =>
      await showForm(me, { form: { action: '/me/agents/new', known: null, values, errors }, request, reply, status })
    const [agent, terms] = [readAgent(values, today()), readTerms(values)]
    if (!agent.ok || !terms.ok) {
      return await again([...(agent.ok ? [] : agent.errors), ...(terms.ok ? [] : terms.errors)])
    }
    // said before anybody is looked up
    if (agent.agent.certNo === me.person.certNo) return await again([{ field: 'form', code: 'self_delegation' }])
    const actor = describeActor(request, me)
    const person = await agentPerson(deps, agent.agent, actor)
    if (!person.ok) {
      return await again([{ field: 'form', code: person.code }], person.code === 'unavailable' ? 503 : 422)
    }
    return await propose(me, { agentId: person.personId, terms: terms.terms, again, request, reply })
  })

  app.get('/me/agents/:id/edit', async (request, reply) => {
    const { me, view } = await loadScope(centre, request, reply)
    if (!(inForceStates as readonly string[]).includes(view.state)) return await reply.redirect('/me/agents', 303)
    return await showForm(me, {
      form: {
        action: agentPath(view.id, 'edit'),
        known: describeKnown(view),
        values: valuesOfView(view, today()),
        errors: []
      },
      request,
      reply
    })
  })

  app.post('/me/agents/:id/edit', async (request, reply) => {
    const { me, view } = await loadScope(centre, request, reply)
    if (!(inForceStates as readonly string[]).includes(view.state)) return await reply.redirect('/me/agents', 303)
    const values = typedValues(request.body)
    const again = async (errors: FieldError[], status = 422): Promise<FastifyReply> =>
      await showForm(me, {
        form: { action: agentPath(view.id, 'edit'), known: describeKnown(view), values, errors },
        request,
        reply,
        status
      })
    const terms = readTerms(values)
    if (!terms.ok) return await again(terms.errors)
    return await propose(me, { agentId: view.agentId, terms: terms.terms, again, request, reply })
  })

  async function propose (
    me: LegalMe,
    {
      agentId,
      terms,
      again,
      request,
      reply
    }: {
      agentId: string
      terms: Terms
      again: (errors: FieldError[]) => Promise<FastifyReply>
      request: FastifyRequest
      reply: FastifyReply
    }
  ): Promise<FastifyReply> {
    const proposed = await delegations.propose(
      { organizationId: me.organization.id, agentId, ...terms },
      'legal_representative',
      describeActor(request, me)
    )
    if (!proposed.ok) return await again([describeError(proposed, terms, today())])
    return await reply.redirect(agentPath(proposed.id, `${proposed.version}/approve`), 303)
  }

  async function showForm (
    me: LegalMe,
    {
      form,
      request,
      reply,
      status = 200
    }: {
      form: Pick<AgentFormPage, 'action' | 'known' | 'errors'> & { values: AgentValues }
      request: FastifyRequest
      reply: FastifyReply
      status?: number | undefined
    }
  ): Promise<FastifyReply> {
    return reply.page(
      'user-center/agents/form',
      {
        shell: await buildLayout(centre, request, { me, current: 'agents' }),
        csrf: request.csrfToken(centre.csrfScope(me.idHash)),
        choices: (await loadFunctionCatalogue(centre)).choices,
        ...form
      },
      { status }
    )
  }
}

const describeKnown = ({
  agent
}: {
  agent: { maskedName: string; maskedCertNo: string }
}): AgentFormPage['known'] => ({
  name: agent.maskedName,
  certNo: agent.maskedCertNo
})

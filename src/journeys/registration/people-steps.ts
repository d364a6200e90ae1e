/** 代理人信息 and 法定代表人信息. Gender is never asked: the number tells it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { delegationYears, type Draft } from '../../domain/representation/registration.ts'
import { ethnicGroupsForTibet } from '../../domain/identity/ethnic-group.ts'
import type { FieldError } from '../../http/pages.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { duePath, load, loadPosted, progressOf, registrationPath, type Parts } from './held.ts'
import { changeRegistration, type Registration } from './repository.ts'
import {
  agentValues,
  agentValuesOf,
  legalValues,
  legalValuesOf,
  readAgent,
  readLegal,
  type AgentValues,
  type LegalValues
} from './sections.ts'

export function registerPeopleSteps (app: FastifyInstance, parts: Parts): void {
  const { deps } = parts
  const today = (): string => shanghaiDate(deps.clock.now())

  app.get('/register/:id/agent', async (request, reply) => {
    const registration = await load(parts, request, reply, 'agent')
    return showAgent(registration, agentValuesOf(registration.draft.agent), [], request, reply)
  })

  app.post('/register/:id/agent', async (request, reply) => {
    const registration = await loadPosted(parts, request, reply, 'agent')
    const values = agentValues(request.body)
    const read = readAgent(values, registration.draft, today())
    if (!read.ok) return showAgent(registration, values, read.errors, request, reply)
    return await keep(registration, { agent: read.data }, reply)
  })

  app.get('/register/:id/legal', async (request, reply) => {
    const registration = await load(parts, request, reply, 'legal')
    return showLegal(registration, legalValuesOf(registration.draft.legal), [], request, reply)
  })

  app.post('/register/:id/legal', async (request, reply) => {
    const registration = await loadPosted(parts, request, reply, 'legal')
    const values = legalValues(request.body)
    const read = readLegal(values, registration.draft, today())
    if (!read.ok) return showLegal(registration, values, read.errors, request, reply)
    return await keep(registration, { legal: read.data }, reply)
  })

  async function keep (
    registration: Registration,
    section: Partial<Draft>,
    reply: FastifyReply
  ): Promise<FastifyReply> {
    const changed = await inTransaction(deps.db, async (trx) =>
      await changeRegistration(trx, deps, registration, ['draft', 'verifying'], ({ draft }) => ({
        draft: { ...draft, ...section },
        state: 'draft'
      }))
    )
    return await reply.redirect(changed === null ? registrationPath(registration.id) : duePath(changed), 303)
  }

  const frameOf = (registration: Registration, place: 'agent' | 'legal', request: FastifyRequest) => ({
    action: registrationPath(registration.id, place),
    csrf: request.csrfToken(registration.id),
    progress: progressOf(registration, place),
    organizationName: registration.draft.unit?.name ?? ''
  })

  function showAgent (
    registration: Registration,
    values: AgentValues,
    errors: FieldError[],
    request: FastifyRequest,
    reply: FastifyReply
  ): FastifyReply {
    return reply.page(
      'registration/agent',
      {
        ...frameOf(registration, 'agent', request),
        values,
        ethnicGroups: ethnicGroupsForTibet,
        years: delegationYears,
        errors
      },
      { status: errors.length > 0 ? 422 : 200 }
    )
  }

  function showLegal (
    registration: Registration,
    values: LegalValues,
    errors: FieldError[],
    request: FastifyRequest,
    reply: FastifyReply
  ): FastifyReply {
    return reply.page(
      'registration/legal',
      { ...frameOf(registration, 'legal', request), values, errors },
      { status: errors.length > 0 ? 422 : 200 }
    )
  }
}

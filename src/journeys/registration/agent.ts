/** 代理人信息. Gender is never asked, because it follows from the number. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ethnicGroupsForTibet, type EthnicGroup } from '../../domain/identity/ethnic-group.ts'
import { delegationYears } from '../../domain/representation/registration.ts'
import type { FieldError, FormTarget } from '../../http/pages.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { keepSection, load, loadPosted, measureProgress, registrationPath, type Parts, type Progress } from './held.ts'
import type { Registration } from './repository.ts'
import { agentValues, toAgentValues, readAgent, type AgentValues } from './sections.ts'

/** Posts `name`, `cert_no`, `year`, `month`, `day`, `term`, `ethnic_group`, `phone`, `years`. */
export interface AgentPage extends FormTarget {
  progress: Progress
  organizationName: string
  values: AgentValues
  ethnicGroups: readonly EthnicGroup[]
  years: readonly number[]
  errors: FieldError[]
}

declare module '../../http/pages.ts' {
  interface Pages {
    'registration/agent': AgentPage
  }
}

export function registerAgentStep (app: FastifyInstance, parts: Parts): void {
  const { deps } = parts

  app.get('/register/:id/agent', async (request, reply) => {
    const registration = await load({ parts, request, reply, place: 'agent' })
    return show(registration, { values: toAgentValues(registration.draft.agent), errors: [], request, reply })
  })

  app.post('/register/:id/agent', async (request, reply) => {
    const registration = await loadPosted({ parts, request, reply, place: 'agent' })
    const values = agentValues(request.body)
    const read = readAgent(values, registration.draft, shanghaiDate(deps.clock.now()))
    if (!read.ok) return show(registration, { values, errors: read.errors, request, reply })
    return await reply.redirect(await keepSection(deps, registration, { agent: read.data }), 303)
  })
}

interface ShowInput {
  values: AgentValues
  errors: FieldError[]
  request: FastifyRequest
  reply: FastifyReply
}

function show (
  registration: Registration,
  { values, errors, request, reply }: ShowInput
): FastifyReply {
  return reply.page(
    'registration/agent',
    {
      action: registrationPath(registration.id, 'agent'),
      csrf: request.csrfToken(registration.id),
      progress: measureProgress(registration, 'agent'),
      organizationName: registration.draft.unit?.name ?? '',
      values,
      ethnicGroups: ethnicGroupsForTibet,
      years: delegationYears,
      errors
    },
    { status: errors.length > 0 ? 422 : 200 }
  )
}

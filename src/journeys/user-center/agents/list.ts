/** 代理人管理: waiting, active and former delegations. */
import type { FastifyInstance } from 'fastify'
import { inForceStates } from '../../../domain/representation/delegation.ts'
import { loadFunctionCatalogue, toRow, type DelegationRow } from '../delegation-rows.ts'
import { loadLegal, buildLayout, type Centre, type WithUserCenterLayout } from '../me.ts'

/** 代理人管理. Forms: none; every action is a link to its page. */
export interface AgentsPage extends WithUserCenterLayout {
  waiting: DelegationRow[]
  inForce: DelegationRow[]
  history: DelegationRow[]
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'user-center/agents/list': AgentsPage
  }
}

const longestHistory = 50

export function registerAgentList (app: FastifyInstance, centre: Centre): void {
  app.get('/me/agents', async (request, reply) => {
    const me = await loadLegal(centre, request, { reply })
    const catalogue = await loadFunctionCatalogue(centre)
    const rows = (await centre.delegations.listOfOrganization(me.organization.id)).map((view) =>
      toRow(centre, { catalogue, t: request.t, view })
    )
    const inForce = rows.filter(({ state }) => (inForceStates as readonly string[]).includes(state))
    const waiting = rows.filter(({ state }) => state === 'submitted')
    return reply.page('user-center/agents/list', {
      shell: await buildLayout(centre, request, { me, current: 'agents' }),
      waiting,
      inForce,
      history: rows
        .filter((row) => !inForce.includes(row) && !waiting.includes(row) && row.state !== 'agent_verified')
        .slice(0, longestHistory)
    })
  })
}

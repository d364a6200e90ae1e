/** 代理人管理 (S17): what waits, what is in force, what was. */
import type { FastifyInstance } from 'fastify'
import { inForceStates } from '../../../domain/representation/delegation.ts'
import { catalogueOf, rowOf } from '../delegation-rows.ts'
import { loadLegal, shellOf, type Centre } from '../me.ts'

const longestHistory = 50

export function registerAgentList (app: FastifyInstance, centre: Centre): void {
  app.get('/me/agents', async (request, reply) => {
    const me = await loadLegal(centre, request, reply)
    const catalogue = await catalogueOf(centre)
    const rows = (await centre.delegations.listOfOrganization(me.organization.id)).map((view) =>
      rowOf(centre, catalogue, request.t, view)
    )
    const inForce = rows.filter(({ state }) => (inForceStates as readonly string[]).includes(state))
    const waiting = rows.filter(({ state }) => state === 'submitted')
    return reply.page('user-centre/agents', {
      shell: await shellOf(centre, request, me, 'agents'),
      waiting,
      inForce,
      history: rows
        .filter((row) => !inForce.includes(row) && !waiting.includes(row) && row.state !== 'agent_verified')
        .slice(0, longestHistory)
    })
  })
}

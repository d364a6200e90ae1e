/**
 * 我的代理: the organizations that I may act for, since when, until when and for what; and giving a delegation back. The
 * same in every representation.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inForceStates, waitingStates } from '../../domain/representation/delegation.ts'
import { PageError } from '../../http/page-error.ts'
import type { DelegationView } from '../../records/organizations/index.ts'
import { loadFunctionCatalogue, toRow, type DelegationRow } from './delegation-rows.ts'
import {
  describeActor,
  loadMe,
  loadPosted,
  notTheirs,
  buildLayout,
  type Centre,
  type Me,
  type WithUserCenterLayout
} from './me.ts'

/** 我的代理. */
export interface MyDelegationsPage extends WithUserCenterLayout {
  inForce: DelegationRow[]
  waiting: DelegationRow[]
  history: DelegationRow[]
}

declare module '../../http/pages.ts' {
  interface Pages {
    'user-center/my-delegations': MyDelegationsPage
  }
}

const longestHistory = 50
const isIn = (states: readonly string[], { state }: { state: string }): boolean => states.includes(state)

export function registerMine (app: FastifyInstance, centre: Centre): void {
  const { delegations } = centre

  app.get('/me/mine', async (request, reply) => {
    const me = await loadMe(centre, request, reply)
    const catalogue = await loadFunctionCatalogue(centre)
    const rows = (await delegations.listOfAgent(me.person.id)).map((view) =>
      toRow(centre, { catalogue, t: request.t, view })
    )
    return reply.page('user-center/my-delegations', {
      shell: await buildLayout(centre, request, { me, current: 'mine' }),
      inForce: rows.filter((row) => isIn(inForceStates, row)),
      waiting: rows.filter((row) => isIn(waitingStates, row)),
      history: rows.filter((row) => !isIn([...inForceStates, ...waitingStates], row)).slice(0, longestHistory)
    })
  })

  for (const act of ['resign', 'withdraw'] as const) {
    const states = act === 'resign' ? inForceStates : waitingStates
    app.get(`/me/mine/:id/${act}`, async (request, reply) => {
      const me = await loadMe(centre, request, reply)
      const view = (await ownVersions(request, me)).find((row) => isIn(states, row))
      if (view === undefined) return await reply.redirect('/me/mine', 303)
      return reply.page('user-center/end-delegation', {
        shell: await buildLayout(centre, request, { me, current: 'mine' }),
        action: `/me/mine/${view.id}/${act}`,
        csrf: request.csrfToken(centre.csrfScope(me.idHash)),
        act,
        name: view.organizationName,
        text: '',
        backHref: '/me/mine'
      })
    })

    app.post(`/me/mine/:id/${act}`, async (request, reply) => {
      const me = await loadPosted(centre, request, reply)
      const view = (await ownVersions(request, me)).find((row) => isIn(states, row))
      // done already, by a second press or another person: the list shows the present state
      if (view === undefined) return await reply.redirect('/me/mine', 303)
      await (act === 'resign'
        ? delegations.resign(view.id, describeActor(request, me))
        : delegations.withdraw(view.id, view.version, describeActor(request, me)))
      return await resign({ me, delegationView: view, act, reply })
    })
  }

  /** The representation of that organization ends with it: then the login asks again. */
  async function resign ({
    me: { representation },
    delegationView: { id },
    act,
    reply
  }: {
    me: Me
    delegationView: DelegationView
    act: 'resign' | 'withdraw'
    reply: FastifyReply
  }): Promise<FastifyReply> {
    const own = act === 'resign' && representation.role === 'agent' && representation.delegation.id === id
    return await reply.redirect(own ? '/me/login?to=/me/mine' : '/me/mine', 303)
  }

  async function ownVersions (request: FastifyRequest, me: Me): Promise<DelegationView[]> {
    const { id = '' } = request.params as { id?: string }
    const rows = (await delegations.listOfAgent(me.person.id)).filter((row) => row.id === id)
    if (rows.length > 0) return rows
    const other = /^[\w-]{1,64}$/.test(id) ? await delegations.find(id) : null
    throw other === null
      ? new PageError(404, 'not_found', { restartHref: '/me/mine' })
      : await notTheirs(centre, request, { me, delegationId: id })
  }
}

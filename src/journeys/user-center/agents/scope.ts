/**
 * The delegation of an address, if it is this organization's; another organization's counts as none (and is audited).
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PageError } from '../../../http/page-error.ts'
import type { DelegationView } from '../../../records/organizations/index.ts'
import { loadLegal, notTheirs, type Centre, type LegalMe } from '../me.ts'

export interface Scope {
  me: LegalMe
  view: DelegationView
}

export const agentPath = (id: string, rest: string): string => `/me/agents/${id}/${rest}`

export const readVersion = (request: FastifyRequest): number => {
  const { version = '' } = request.params as { version?: string }
  if (!/^[1-9]\d{0,8}$/.test(version)) throw new PageError(404, 'not_found', { restartHref: '/me/agents' })
  return Number(version)
}

export async function loadScope (centre: Centre, request: FastifyRequest, reply: FastifyReply): Promise<Scope> {
  const me = await loadLegal(centre, request, { reply })
  const { id = '' } = request.params as { id?: string }
  const view = /^[\w-]{1,64}$/.test(id) ? await centre.delegations.find(id) : null
  if (view === null) throw new PageError(404, 'not_found', { restartHref: '/me/agents' })
  if (view.organizationId !== me.organization.id) throw await notTheirs(centre, request, { me, delegationId: view.id })
  return { me, view }
}

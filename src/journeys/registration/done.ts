/** The last page of an application. */
import type { FastifyInstance } from 'fastify'
import { organizationById } from '../../records/organizations/index.ts'
import { load, type Parts } from './held.ts'

export interface RegisteredPage {
  outcome: 'active' | 'waiting' | 'review' | 'refused'
  number: string
  organizationName: string
  loginHref: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'registration/done': RegisteredPage
  }
}

export function registerDone (app: FastifyInstance, parts: Parts): void {
  const { deps } = parts

  app.get('/register/:id/done', async (request, reply) => {
    const registration = await load({ parts, request, reply, place: 'done' })
    const organization =
      registration.organizationId === null ? null : await organizationById(deps.db, registration.organizationId)
    return await reply.page('registration/done', {
      outcome:
        organization === null
          ? registration.review === 'refused'
            ? 'refused'
            : 'review'
          : registration.applicant === 'agent'
            ? 'waiting'
            : 'active',
      number: registration.number ?? '',
      organizationName: organization?.name ?? registration.draft.unit?.name ?? '',
      loginHref: '/me'
    })
  })
}

/** The company register in the sandbox API. */
import Type from 'typebox'
import { route, type ApiRoute } from './api-route.ts'
import type { SandboxParts } from './api-routes.ts'
import { changeCompany, listCompanies } from './companies.ts'
import * as schemas from './company-schemas.ts'

export function companyRoutes (parts: SandboxParts): ApiRoute[] {
  return [
    route({
      method: 'GET',
      path: '/sandbox/api/companies',
      tag: 'companies',
      summary: 'The company register',
      answer: schemas.companyList,
      handle: async () => ({ companies: await listCompanies(parts) })
    }),
    route({
      method: 'PUT',
      path: '/sandbox/api/companies/{uscc}',
      tag: 'companies',
      summary: 'Change what the company register says about an organization, and have Kora hear of it',
      description:
        'The answer comes when Kora has acted on the news (at most three seconds): then, for example, nothing of a ' +
        'former legal representative works any more. A valid code that the register does not know makes a new entry, ' +
        'when name and legal representative are given.',
      params: Type.Object({
        uscc: Type.String({ minLength: 1, maxLength: 64, description: 'Unified social credit code.' })
      }),
      body: schemas.companyChange,
      answer: schemas.companyAnswer,
      problems: {
        404: 'No such person, or no such entry and not enough to make one.',
        409: 'The register is full (1000 entries).'
      },
      handle: async ({ params, body }) => await changeCompany(parts, params.uscc, body)
    })
  ]
}

/** The table of the sandbox API: what an outside test, a demo or another team's program can do. */
import Type from 'typebox'
import type { SimulatorsDeps } from '../deps.ts'
import type { BrowserSide } from '../../records/scan-tickets/index.ts'
import type { Sandbox } from '../index.ts'
import type { Phones } from '../phone/index.ts'
import { route, type ApiRoute } from './api-route.ts'
import { listAccounts, listClients, listOpenTickets } from './directory.ts'
import {
  changeCitizen,
  citizenView,
  issueCode,
  messagesTo,
  findPhoneOwner,
  scriptFace,
  scriptedFace
} from './levers.ts'
import { companyRoutes } from './company-routes.ts'
import { phoneRoutes } from './phone-routes.ts'
import * as schemas from './schemas.ts'

export interface SandboxParts {
  deps: SimulatorsDeps
  sandbox: Sandbox
  tickets: BrowserSide
  phones: Phones
}

export function apiRoutes (parts: SandboxParts): ApiRoute[] {
  const { deps, sandbox, tickets } = parts
  const notFound = { 404: 'No such person.' }
  return [
    route({
      method: 'GET',
      path: '/sandbox/api/accounts',
      tag: 'directory',
      summary: 'All demo people and all organizations with everything needed to sign in as them',
      answer: schemas.accounts,
      handle: async () => await listAccounts(deps, sandbox)
    }),
    route({
      method: 'GET',
      path: '/sandbox/api/clients',
      tag: 'directory',
      summary: 'All clients with the secrets of the demo clients, issuer, discovery address and resource servers',
      answer: schemas.clients,
      handle: async () => await listClients(deps)
    }),
    route({
      method: 'GET',
      path: '/sandbox/api/tickets',
      tag: 'directory',
      summary: 'QR codes that wait to be scanned now, newest first, at most 20',
      answer: schemas.ticketList,
      handle: async () => ({ tickets: await listOpenTickets(deps, tickets) })
    }),
    ...phoneRoutes(parts),
    route({
      method: 'GET',
      path: '/sandbox/api/sms',
      tag: 'messages',
      summary: 'Messages sent to phones, newest first',
      query: Type.Object(
        { phone: Type.Optional(Type.String({ maxLength: 20, description: 'With or without +86' })) },
        { additionalProperties: false }
      ),
      answer: schemas.messageList,
      handle: async ({ query }) => ({ messages: messagesTo(sandbox, query.phone) })
    }),
    route({
      method: 'GET',
      path: '/sandbox/api/face',
      tag: 'face',
      summary: 'Outcomes scripted for face checks and not used up yet',
      answer: schemas.faceScriptView,
      handle: async () => scriptedFace(sandbox.faceService)
    }),
    route({
      method: 'PUT',
      path: '/sandbox/api/face',
      tag: 'face',
      summary: 'Script the outcomes of the next face checks',
      description: 'A scripted outcome is decided when the check is begun: no capture page is needed.',
      body: schemas.faceScript,
      answer: schemas.faceScriptView,
      problems: notFound,
      handle: async ({ body }) => {
        const owner = body.person === undefined ? null : await findPhoneOwner(deps, body.person)
        scriptFace(sandbox.faceService, owner, body.outcomes)
        return scriptedFace(sandbox.faceService)
      }
    }),
    route({
      method: 'GET',
      path: '/sandbox/api/population',
      tag: 'population',
      summary: 'The population register',
      answer: schemas.population,
      handle: async () => ({ population: sandbox.population.list().map(citizenView) })
    }),
    route({
      method: 'PUT',
      path: '/sandbox/api/population/{id}',
      tag: 'population',
      summary: 'Change what the population register says about a person',
      params: Type.Object({
        id: Type.String({
          minLength: 1,
          maxLength: 64,
          description: 'Handle, person id or document number; an unknown document number makes a new entry.'
        })
      }),
      body: schemas.citizenChange,
      answer: schemas.citizen,
      problems: { ...notFound, 409: 'The register is full (1000 entries).' },
      handle: async ({ params, body }) => citizenView(await changeCitizen(parts, params.id, body))
    }),
    ...companyRoutes(parts),
    route({
      method: 'POST',
      path: '/sandbox/api/counter-codes',
      tag: 'counter',
      summary: 'Issue a counter code, as staff at a counter would',
      body: Type.Object({ person: schemas.person }, { additionalProperties: false }),
      answer: schemas.counterCodeAnswer,
      problems: { ...notFound, 409: 'The account is disabled.' },
      handle: async ({ body, request }) => {
        const { personId } = await findPhoneOwner(deps, body.person)
        return await issueCode(deps, personId, String(request.id))
      }
    })
  ]
}

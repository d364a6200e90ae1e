/**
 * /sandbox: accounts, messages, outcome choosers, register and in-person codes. Plain forms; every change is a redirect
 * back.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { personById } from '../../records/persons/index.ts'
import { formField } from '../../http/forms.ts'
import { PageError } from '../../http/page-error.ts'
import { formatTime } from '../../http/template-helpers.ts'
import { companyStatuses } from '../../ports/registry.ts'
import { demoPassword } from '../demo-people.ts'
import { outcomes as faceOutcomes, type Outcome } from '../face-provider/index.ts'
import type { ApiRoute } from './api-route.ts'
import type { SandboxParts } from './api-routes.ts'
import { apiPageRoutes } from './api.ts'
import { changeCompany, listCompanies } from './companies.ts'
import { listAccounts } from './directory.ts'
import {
  changeCitizen,
  issueCode,
  messagesTo,
  findPhoneOwner,
  scriptedFace,
  scriptFace,
  type FaceScript,
  type SentMessage
} from './levers.ts'
import {
  csrfScope,
  faceChoices,
  buildLayout,
  known,
  peopleChoices,
  type Choice,
  type SandboxLayout
} from './page-parts.ts'
import { registerPhonePages } from './phone.ts'
import { registerStatuses, type Accounts } from './schemas.ts'
import type { Citizen } from './population.ts'
import type { CompanyView, OrganizationView } from './company-schemas.ts'

export interface SandboxHome extends SandboxLayout {
  accounts: Accounts['persons']
  organizations: OrganizationView[]
  password: string
  messages: SentMessage[]
  face: FaceScript
  people: Choice[]
  faceChoices: Choice[]
  population: Citizen[]
  registerChoices: Choice[]
  companies: CompanyView[]
  companyChoices: Choice[]
  /** Just issued; `name` is of whom. */
  counter: { name: string; code: string; until: string } | 'disabled' | null
}

declare module '../../http/pages.ts' {
  interface Pages {
    'simulators/sandbox/home': SandboxHome
  }
}

/** Scope of the form tokens of all sandbox pages. */
export function registerSandboxPages (app: FastifyInstance, parts: SandboxParts, routes: readonly ApiRoute[]): void {
  const { deps, sandbox } = parts

  app.get('/sandbox', async (request, reply) => await showHome(request, reply, null))

  app.post('/sandbox/face', async (request, reply) => {
    request.requireCsrf(csrfScope)
    const person = formField(request.body, 'person')
    const outcome = formField(request.body, 'outcome')
    if (outcome !== '' && !isOutcome(outcome)) throw new PageError(400, 'bad_request')
    const owner = person === '' ? null : await known(findPhoneOwner(deps, person))
    scriptFace(sandbox.faceService, owner, outcome === '' ? [] : [outcome])
    return await reply.redirect('/sandbox#face', 303)
  })

  app.post('/sandbox/population', async (request, reply) => {
    request.requireCsrf(csrfScope)
    const { body } = request
    const status = registerStatuses.find((one) => one === formField(body, 'status'))
    const name = formField(body, 'name').trim().slice(0, 100)
    if (status === undefined || name === '') throw new PageError(400, 'bad_request')
    await known(
      changeCitizen({ deps, sandbox }, formField(body, 'id'), {
        name,
        status,
        available: formField(body, 'down') !== '1'
      })
    )
    return await reply.redirect('/sandbox#population', 303)
  })

  app.post('/sandbox/companies', async (request, reply) => {
    request.requireCsrf(csrfScope)
    const { body } = request
    const status = companyStatuses.find((one) => one === formField(body, 'status'))
    const name = formField(body, 'name').trim().slice(0, 100)
    const person = formField(body, 'person')
    if (status === undefined || name === '') throw new PageError(400, 'bad_request')
    await known(
      changeCompany({ deps, sandbox }, formField(body, 'uscc'), {
        name,
        status,
        available: formField(body, 'down') !== '1',
        ...(person === '' ? {} : { legal_representative: person })
      })
    )
    return await reply.redirect('/sandbox#companies', 303)
  })

  app.post('/sandbox/counter-codes', async (request, reply) => {
    request.requireCsrf(csrfScope)
    const owner = await known(findPhoneOwner(deps, formField(request.body, 'person')))
    const person = owner.personId === null ? null : await personById(deps.db, deps.crypto, owner.personId)
    if (person === null || person.status === 'disabled') return await showHome(request, reply, 'disabled')
    const { code, expires_at: until } = await known(issueCode(deps, person.id, String(request.id)))
    return await showHome(request, reply, { name: owner.name, code, until: formatTime(until, request.locale) })
  })

  async function showHome (
    request: FastifyRequest,
    reply: FastifyReply,
    counter: SandboxHome['counter']
  ): Promise<FastifyReply> {
    const frame = buildLayout(request, reply)
    const { persons, organizations } = await listAccounts(deps, sandbox)
    return await reply.page('simulators/sandbox/home', {
      ...frame,
      accounts: persons,
      organizations,
      password: demoPassword,
      messages: messagesTo(sandbox, undefined).slice(0, 50),
      face: scriptedFace(sandbox.faceService),
      people: peopleChoices(),
      faceChoices: faceChoices(frame.s),
      population: sandbox.population.list().slice(0, 100),
      registerChoices: registerStatuses.map((status) => ({ value: status, label: frame.s[`reg_${status}`] })),
      companies: (await listCompanies({ deps, sandbox })).slice(0, 100),
      companyChoices: companyStatuses.map((status) => ({ value: status, label: frame.s[`co_${status}`] })),
      counter
    })
  }

  registerPhonePages(app, parts)
  apiPageRoutes(app, parts, routes)
}

const isOutcome = (text: string): text is Outcome => (faceOutcomes as readonly string[]).includes(text)

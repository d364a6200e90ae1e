/** The simulated phone as pages: choose person, code and outcomes; then one button for everything, or step by step. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { formField } from '../../http/forms.ts'
import { PageError } from '../../http/page-error.ts'
import type { Outcome } from '../face-provider/index.ts'
import { runJourney, type Journey, type PhoneView, type Refusal } from '../phone/index.ts'
import type { SandboxParts } from './api-routes.ts'
import { formatCalls, formatCurl } from './curl.ts'
import { listOpenTickets } from './directory.ts'
import { findPhoneOwner } from './levers.ts'
import {
  csrfScope,
  faceChoices,
  buildLayout,
  known,
  peopleChoices,
  type Choice,
  type SandboxLayout
} from './page-parts.ts'
import { identityOutcomes, type IdentityChoice, type OpenTicket } from './schemas.ts'

export interface SandboxPhone extends SandboxLayout {
  people: Choice[]
  person: string
  payload: string
  /** The form was sent without something to scan. */
  missing: boolean
  tickets: OpenTicket[]
  deviceChoices: Choice[]
  identityChoices: Choice[]
  faceChoices: Choice[]
}

export interface LoggedCall {
  step: string
  status: number
  title: string
  request: string
  response: string
  curl: string | null
}

export interface SandboxJourney extends SandboxLayout {
  base: string
  name: string
  view: PhoneView | null
  /** Prefilled, as on the card. */
  card: { cert_type: string; name: string; cert_no: string; valid_from: string; term: string }
  finished: 'confirmed' | 'rejected' | null
  refusal: Refusal | null
  faceChoices: Choice[]
  calls: LoggedCall[]
  /** The same as one call of the sandbox API; null when nothing was scanned. */
  curlAll: string | null
}

declare module '../../http/pages.ts' {
  interface Pages {
    'simulators/sandbox/phone': SandboxPhone
    'simulators/sandbox/journey': SandboxJourney
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value.trim().slice(0, 512) : '')

export function registerPhonePages (app: FastifyInstance, { deps, tickets, phones }: SandboxParts): void {
  app.get('/sandbox/phone', async (request, reply) => {
    const query = request.query as Record<string, unknown>
    return await showForm(request, reply, {
      payload: text(query['payload']),
      person: text(query['person']),
      missing: false
    })
  })

  app.post('/sandbox/phone', async (request, reply) => {
    request.requireCsrf(csrfScope)
    const field = (name: string): string => formField(request.body, name).trim()
    const payload = field('payload').slice(0, 512)
    if (payload === '') return await showForm(request, reply, { payload, person: field('person'), missing: true })
    const owner = await known(findPhoneOwner(deps, field('person')))
    const journey = await phones.begin(owner, field('device') || 'bound', request.locale)
    if (journey === null) throw new PageError(400, 'bad_request')
    if (field('action') === 'scan') {
      await ((await journey.register()) && journey.scan(payload))
    } else {
      await runJourney(journey, {
        payload,
        identity: { outcome: choice(identityOutcomes, field('identity')) },
        face: choice(faceNames, field('face')),
        decision: choice(['confirm', 'reject'] as const, field('decision')),
        ...(field('code') === '' ? {} : { counter_code: field('code') }),
        ...(field('check_number') === '' ? {} : { check_number: field('check_number') })
      })
    }
    return await reply.redirect(`/sandbox/phone/${journey.id}`, 303)
  })

  app.get('/sandbox/phone/:journey', async (request, reply) => {
    const journey = findJourney(request)
    const frame = buildLayout(request, reply)
    const { owner } = journey
    return await reply.page('simulators/sandbox/journey', {
      ...frame,
      base: `/sandbox/phone/${journey.id}`,
      name: owner.name,
      view: journey.view,
      card: {
        cert_type: owner.certType,
        name: owner.name,
        cert_no: owner.certNo,
        valid_from: owner.validFrom,
        term: owner.term
      },
      finished: journey.finished,
      refusal: journey.refusal,
      faceChoices: faceChoices(frame.s),
      calls: formatCalls(deps.config.issuer, journey.steps),
      curlAll: wholeAsCurl(deps.config.issuer, journey)
    })
  })

  app.post('/sandbox/phone/:journey', async (request, reply) => {
    request.requireCsrf(csrfScope)
    const journey = findJourney(request)
    await takeStep(journey, (name) => formField(request.body, name).trim())
    return await reply.redirect(`/sandbox/phone/${journey.id}`, 303)
  })

  async function showForm (
    request: FastifyRequest,
    reply: FastifyReply,
    given: { payload: string; person: string; missing: boolean }
  ): Promise<FastifyReply> {
    const frame = buildLayout(request, reply)
    const { s } = frame
    const open = await listOpenTickets(deps, tickets)
    const people = peopleChoices()
    return await reply.page(
      'simulators/sandbox/phone',
      {
        ...frame,
        people,
        person: given.person,
        // one code that waits is the one that is meant
        payload:
          given.payload === '' && !given.missing && open.length === 1 ? (open[0]?.payload ?? '') : given.payload,
        missing: given.missing,
        tickets: open,
        deviceChoices: [
          { value: 'bound', label: s.device_bound },
          { value: 'new', label: s.device_new },
          ...people.map(({ value, label }) => ({ value, label: s.device_other.replace('{name}', label) }))
        ],
        identityChoices: identityOutcomes.map((outcome) => ({ value: outcome, label: s[`id_${outcome}`] })),
        faceChoices: faceChoices(s)
      },
      { status: given.missing ? 422 : 200 }
    )
  }

  function findJourney (request: FastifyRequest): Journey {
    const journey = phones.store.get((request.params as { journey: string }).journey)
    if (journey === null) throw new PageError(404, 'expired', { restartHref: '/sandbox/phone' })
    return journey
  }
}

const faceNames = [
  'pass',
  'mismatch',
  'liveness',
  'quality',
  'no-photo',
  'cancel',
  'timeout',
  'down',
  'garbage',
  'forged'
] as const satisfies readonly Outcome[]

/** The first value when nothing was chosen. @throws PageError 400 for a value that is none of them */
function choice<const T extends string> (values: readonly T[], given: string): T {
  const found = given === '' ? values[0] : values.find((value) => value === given)
  if (found === undefined) throw new PageError(400, 'bad_request')
  return found
}

async function takeStep (journey: Journey, field: (name: string) => string): Promise<boolean> {
  const fields = (): IdentityChoice => ({
    outcome: field('consent') === '1' ? 'correct' : 'no_consent',
    fields: {
      cert_type: field('cert_type'),
      name: field('name'),
      cert_no: field('cert_no'),
      valid_from: field('valid_from'),
      term: field('term')
    }
  })
  switch (field('step')) {
    case 'accept':
      return await journey.accept(field('check_number'))
    case 'identity':
      return await journey.identity(fields())
    case 'face':
      return await journey.face([choice(faceNames, field('face'))])
    case 'counter-code':
      return await journey.counterCode(field('code'))
    case 'confirm':
      return await journey.confirm()
    case 'reject':
      return await journey.reject()
    default:
      throw new PageError(400, 'bad_request')
  }
}

function wholeAsCurl (issuer: string, journey: Journey): string | null {
  const scan = journey.steps.find(({ step }) => step === 'scan')
  const payload = (scan?.request.body as { payload?: string } | null | undefined)?.payload
  return payload === undefined
    ? null
    : formatCurl({ method: 'POST', url: `${issuer}/sandbox/api/phone/journeys`, body: { payload, person: journey.owner.handle } })
}

/** 法定代表人信息. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { FieldError, FormTarget } from '../../http/pages.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { keepSection, load, loadPosted, measureProgress, registrationPath, type Parts, type Progress } from './held.ts'
import type { Registration } from './repository.ts'
import { legalValues, toLegalValues, readLegal, type LegalValues } from './sections.ts'

/** Posts `name`, `cert_no`, `phone`. */
export interface LegalPage extends FormTarget {
  progress: Progress
  organizationName: string
  values: LegalValues
  errors: FieldError[]
}

declare module '../../http/pages.ts' {
  interface Pages {
    'registration/legal': LegalPage
  }
}

export function registerLegalStep (app: FastifyInstance, parts: Parts): void {
  const { deps } = parts

  app.get('/register/:id/legal', async (request, reply) => {
    const registration = await load({ parts, request, reply, place: 'legal' })
    return show(registration, { values: toLegalValues(registration.draft.legal), errors: [], request, reply })
  })

  app.post('/register/:id/legal', async (request, reply) => {
    const registration = await loadPosted({ parts, request, reply, place: 'legal' })
    const values = legalValues(request.body)
    const read = readLegal(values, registration.draft, shanghaiDate(deps.clock.now()))
    if (!read.ok) return show(registration, { values, errors: read.errors, request, reply })
    return await reply.redirect(await keepSection(deps, registration, { legal: read.data }), 303)
  })
}

interface ShowInput {
  values: LegalValues
  errors: FieldError[]
  request: FastifyRequest
  reply: FastifyReply
}

function show (
  registration: Registration,
  { values, errors, request, reply }: ShowInput
): FastifyReply {
  return reply.page(
    'registration/legal',
    {
      action: registrationPath(registration.id, 'legal'),
      csrf: request.csrfToken(registration.id),
      progress: measureProgress(registration, 'legal'),
      organizationName: registration.draft.unit?.name ?? '',
      values,
      errors
    },
    { status: errors.length > 0 ? 422 : 200 }
  )
}

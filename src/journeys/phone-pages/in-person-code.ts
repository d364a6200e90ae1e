/** The alternative to a face check with equal rank: a one-time code issued at a counter. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { formField } from '../../http/forms.ts'
import type { FieldError, FormTarget } from '../../http/pages.ts'
import {
  advance,
  loadPosted,
  loadScan,
  scanPath,
  chooseStep,
  stopped,
  type PhonePages,
  type HeldScan
} from './held-scan.ts'

/** In-person code on the phone. Posts `csrf`, `code`. */
export interface InPersonCodePage extends FormTarget {
  errors: FieldError[]
  backHref: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'phone-pages/in-person-code': InPersonCodePage
  }
}

export function registerCounterStep (scope: FastifyInstance, pages: PhonePages): void {
  scope.get('/v/:ticketId/counter', async (request, reply) => {
    const held = await loadScan(pages, request, reply)
    if (chooseStep(held) !== 'face') return await reply.redirect(scanPath(held.ticketId), 303)
    return showCounter(held, { errors: [], request, reply })
  })

  scope.post('/v/:ticketId/counter', async (request, reply) => {
    const held = await loadPosted(pages, request, reply)
    if (chooseStep(held) !== 'face') return await reply.redirect(scanPath(held.ticketId), 303)
    const code = formField(request.body, 'code').slice(0, 40)
    if (code.trim() === '') return showCounter(held, { errors: [{ field: 'code', code: 'required' }], request, reply })
    const used = await pages.phone.useCounterCode(held.state.scanToken, code, held.actor)
    if (used.ok) return await advance(pages, { ...held, view: used.view }, { request, reply })
    if (used.code === 'code_invalid') {
      return showCounter(held, { errors: [{ field: 'code', code: 'invalid' }], request, reply })
    }
    throw stopped(used, held.ticketId)
  })
}

function showCounter (
  { ticketId }: HeldScan,
  { errors, request, reply }: { errors: FieldError[]; request: FastifyRequest; reply: FastifyReply }
): FastifyReply {
  return reply.page(
    'phone-pages/in-person-code',
    {
      action: scanPath(ticketId, 'counter'),
      csrf: request.csrfToken(ticketId),
      errors,
      backHref: scanPath(ticketId, 'face')
    },
    { status: errors.length > 0 ? 422 : 200 }
  )
}

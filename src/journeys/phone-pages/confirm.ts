/** The site that asks, from where, and "is it you?". Declining is as easy as accepting. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { formField } from '../../http/forms.ts'
import type { FieldError, FormTarget } from '../../http/pages.ts'
import type { TicketContext } from '../../records/scan-tickets/index.ts'
import {
  advance,
  keep,
  loadPosted,
  loadScan,
  scanPath,
  chooseStep,
  stopped,
  type PhonePages,
  type HeldScan
} from './held-scan.ts'

/** What the person on the phone sees before anything else (TicketContext). */
export interface PhoneContext {
  clientName: string
  clientHost: string
  place: string
  browser: string
  /** ISO 8601. */
  at: string
  /** What is approved, for purposes other than login; shown as a list of names and values. */
  subject: Array<{ name: string; value: string }>
}

export type PhonePurpose =
  'login' | 'step-up' | 'approve-delegation' | 'organization-password' | 'register' | 'recover' | 'change-phone'

/** The site that asks. Posts `csrf`, `digest`, `check_number` (entry only), `decision` ('accept' | 'reject'). */
export interface ConfirmPage extends FormTarget {
  context: PhoneContext
  digest: string
  purpose: PhonePurpose
  number: 'compare' | 'enter'
  checkNumber: string | null
  /** The expected person, masked. */
  person: { maskedName: string; maskedCertNo: string } | null
  /** What comes after this page. */
  remaining: Array<'identity' | 'face'>
  errors: FieldError[]
}

declare module '../../http/pages.ts' {
  interface Pages {
    'phone-pages/confirm': ConfirmPage
  }
}

export function registerConfirmStep (scope: FastifyInstance, pages: PhonePages): void {
  scope.get('/v/:ticketId/confirm', async (request, reply) => {
    const held = await loadScan(pages, request, reply)
    if (chooseStep(held) !== 'confirm') return await reply.redirect(scanPath(held.ticketId), 303)
    return showConfirm(held, request, { reply, errors: [] })
  })

  scope.post('/v/:ticketId/confirm', async (request, reply) => {
    const held = await loadPosted(pages, request, reply)
    if (chooseStep(held) !== 'confirm') return await reply.redirect(scanPath(held.ticketId), 303)
    const decision = formField(request.body, 'decision')
    if (decision === 'reject') return await decline(pages, held, { reply })
    // Enter in the number field sends no decision, so it is no answer
    if (decision !== 'accept') return showConfirm(held, request, { reply, errors: [] })
    const number = formField(request.body, 'check_number').normalize('NFKC').replace(/\D/g, '').slice(0, 10)
    if (held.view.number === 'enter' && number === '') {
      return showConfirm(held, request, { reply, errors: [{ field: 'check_number', code: 'required' }] })
    }
    const contextDigest = formField(request.body, 'digest')
    const accepted = await pages.phone.accept(
      held.state.scanToken,
      {
        contextDigest,
        ...(held.view.number === 'enter' ? { checkNumber: number } : {})
      },
      held.actor
    )
    if (!accepted.ok) {
      if (accepted.code === 'number_mismatch') {
        return showConfirm(held, request, { reply, errors: [{ field: 'check_number', code: 'mismatch' }] })
      }
      throw stopped(accepted, held.ticketId)
    }
    const kept = keep(pages, reply, { held: { ...held, view: accepted.view }, change: { digest: contextDigest } })
    return await advance(pages, kept, { request, reply })
  })
}

/** @param reason '' = not me; CANCELLED = it is me, but I do not want this */
export async function decline (
  pages: PhonePages,
  held: HeldScan,
  { reply, reason = '' }: { reply: FastifyReply; reason?: '' | 'CANCELLED' | undefined }
): Promise<FastifyReply> {
  const rejected = await pages.phone.reject(held.state.scanToken, held.actor)
  if (!rejected.ok && rejected.code !== 'wrong_state') throw stopped(rejected, held.ticketId)
  if (rejected.ok) keep(pages, reply, { held, change: { reason } })
  return await reply.redirect(scanPath(held.ticketId, 'result'), 303)
}

function showConfirm (
  { ticketId, view }: HeldScan,
  request: FastifyRequest,
  { reply, errors }: { reply: FastifyReply; errors: FieldError[] }
): FastifyReply {
  const { context } = view
  return reply.page(
    'phone-pages/confirm',
    {
      action: scanPath(ticketId, 'confirm'),
      csrf: request.csrfToken(ticketId),
      context: {
        clientName: context.clientName,
        clientHost: context.clientHost,
        place: context.place,
        browser: context.browser,
        at: context.at,
        subject: subjectLines(context.subject)
      },
      digest: view.contextDigest,
      purpose: view.purpose,
      number: view.number,
      checkNumber: view.checkNumber,
      person: view.person,
      remaining: view.remaining,
      errors
    },
    { status: errors.length > 0 ? 422 : 200 }
  )
}

// the database has its own order of members; people read who, for whom, what, where, how long
const order = ['organization', 'agent', 'functions', 'sites', 'valid_from', 'valid_to', 'phone', 'digest']
const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length)

/** Everything that is approved is shown; values without a form of their own as JSON. */
function subjectLines (subject: TicketContext['subject']): Array<{ name: string; value: string }> {
  return Object.entries(subject ?? {})
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => ({
      name: name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value: Array.isArray(value) ? value.map(readText).join('、') : readText(value)
    }))
    .sort((a, b) => rank(a.name) - rank(b.name))
}

const readText = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))

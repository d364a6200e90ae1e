/** The applicant's phone: a challenge, a short message, its code. Never reveals whether the number is known here. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { maskPhone } from '../../domain/identity/masking.ts'
import { findApplicant } from '../../domain/representation/registration.ts'
import { formField } from '../../http/forms.ts'
import type { FieldError } from '../../http/pages.ts'
import type { SmsBinding } from '../../records/sms-codes/index.ts'
import type { ShownChallenge } from '../../records/challenges/index.ts'
import {
  readCircumstances,
  duePath,
  load,
  loadAny,
  loadPosted,
  measureProgress,
  registrationPath,
  type Parts,
  type Progress
} from './held.ts'
import { changeRegistration, type Registration } from './repository.ts'

/** Two forms: `send` posts `challenge`, `work`, `answer`; `verify` posts `sms_code`. */
export interface PhonePage {
  progress: Progress
  csrf: string
  sendAction: string
  verifyAction: string
  maskedPhone: string
  changeHref: string
  /** Null: no challenge can be made now. */
  challenge: ShownChallenge | null
  /** A code is on its way. */
  sent: boolean
  /** The provider of short messages fails: the code comes late, or not at all. */
  disturbed: boolean
  /** Seconds until another may be asked for; 0 = now. */
  waitSeconds: number
  errors: FieldError[]
}

declare module '../../http/pages.ts' {
  interface Pages {
    'registration/phone': PhonePage
  }
}

interface Shown {
  sent: boolean
  waitSeconds?: number
  errors?: FieldError[]
  status?: number
}

export function registerPhoneStep (app: FastifyInstance, parts: Parts): void {
  const { deps, challenges, smsCodes } = parts
  const action = (registration: Registration): string => `register:${registration.id}`

  app.get('/register/:id/phone', async (request, reply) => {
    const registration = await load({ parts, request, reply, place: 'phone' })
    return await showPhone(registration, {
      shown: { sent: (request.query as Record<string, unknown>)['sent'] === '1' },
      request,
      reply
    })
  })

  app.post('/register/:id/phone', async (request, reply) => {
    const registration = await loadPosted({ parts, request, reply, place: 'phone' })
    const challenge = {
      id: formField(request.body, 'challenge'),
      work: formField(request.body, 'work'),
      text: formField(request.body, 'answer')
    }
    const verdict = await challenges.settle(challenge, {
      browserHash: registration.browserHash,
      action: action(registration)
    })
    const sent = formField(request.body, 'sent') === '1'
    if (verdict !== 'passed') {
      return await showPhone(registration, {
        shown: { sent, errors: [{ field: 'answer', code: verdict }] },
        request,
        reply
      })
    }
    const outcome = await smsCodes.send(buildBinding(registration), readCircumstances(request))
    if (outcome.ok) return await reply.redirect(`${registrationPath(registration.id, 'phone')}?sent=1`, 303)
    const { code, retryAfterSeconds } = outcome
    reply.header('retry-after', String(retryAfterSeconds))
    const error: FieldError =
      code === 'wait'
        ? { field: 'send', code, details: { seconds: retryAfterSeconds } }
        : { field: 'send', code, details: { minutes: Math.ceil(retryAfterSeconds / 60) } }
    return await showPhone(registration, {
      shown: { sent: sent || code === 'wait', waitSeconds: retryAfterSeconds, errors: [error], status: 429 },
      request,
      reply
    })
  })

  // the address for another language of the answer to the post below
  app.get('/register/:id/phone/code', async (request, reply) => {
    const registration = await load({ parts, request, reply, place: 'phone' })
    return await reply.redirect(`${registrationPath(registration.id, 'phone')}?sent=1`, 303)
  })

  app.post('/register/:id/phone/code', async (request, reply) => {
    const registration = await loadPosted({ parts, request, reply, place: 'phone' })
    const typed = formField(request.body, 'sms_code')
    if (typed.trim() === '') {
      return await showPhone(registration, {
        shown: { sent: true, errors: [{ field: 'sms_code', code: 'required' }] },
        request,
        reply
      })
    }
    const binding = buildBinding(registration)
    const verdict = await smsCodes.verify(binding, typed, readCircumstances(request))
    if (!verdict.ok) {
      // sent twice: the first one was right
      const now = await loadAny(deps, request, reply)
      if (now.draft.phone?.phone === binding.phone) return await reply.redirect(duePath(now), 303)
      const error: FieldError = {
        field: 'sms_code',
        code: verdict.code,
        ...(verdict.code === 'wrong' ? { details: { left: verdict.left } } : {})
      }
      return await showPhone(registration, { shown: { sent: true, errors: [error] }, request, reply })
    }
    const phone = { phone: binding.phone, codeId: verdict.codeId }
    const changed = await inTransaction(
      deps.db,
      async (trx) =>
        await changeRegistration(trx, {
          deps,
          registration,
          from: ['draft', 'verifying'],
          change: ({ draft }) => ({
            draft: { ...draft, phone },
            state: 'draft'
          })
        })
    )
    return await reply.redirect(changed === null ? registrationPath(registration.id) : duePath(changed), 303)
  })

  const buildBinding = ({ id, applicant, draft, browserHash }: Registration): SmsBinding => ({
    phone: findApplicant(applicant, draft)?.phone ?? '',
    purpose: 'register',
    browserHash,
    transaction: id
  })

  async function showPhone (
    registration: Registration,
    {
      shown: { sent, waitSeconds = 0, errors = [], status = 422 },
      request,
      reply
    }: { shown: Shown; request: FastifyRequest; reply: FastifyReply }
  ): Promise<FastifyReply> {
    const challenge = await challenges.issue({
      browserHash: registration.browserHash,
      action: action(registration),
      source: request.clientAddress.prefix
    })
    const disturbed = (await smsCodes.delivery(buildBinding(registration))) === 'disturbed'
    const told =
      challenge === null && errors.length === 0
        ? [{ field: 'send', code: 'too_many', details: { minutes: 10 } }]
        : errors
    return await reply.page(
      'registration/phone',
      {
        progress: measureProgress(registration, 'phone'),
        csrf: request.csrfToken(registration.id),
        sendAction: registrationPath(registration.id, 'phone'),
        verifyAction: `${registrationPath(registration.id, 'phone')}/code`,
        maskedPhone: maskPhone(buildBinding(registration).phone),
        changeHref: registrationPath(registration.id, registration.applicant === 'agent' ? 'agent' : 'legal'),
        challenge,
        sent,
        disturbed,
        waitSeconds,
        errors: told
      },
      { status: told.length > 0 ? status : 200 }
    )
  }
}

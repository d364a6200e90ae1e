/** Step 3: the organization's password, by the active profile; then everything is written. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import type { PasswordContext } from '../../domain/login/password-guessing.ts'
import { findApplicant } from '../../domain/representation/registration.ts'
import type { FieldError, FormTarget } from '../../http/pages.ts'
import { hashNewPassword, passwordRules, readNewPassword } from '../new-password/index.ts'
import { complete } from './complete.ts'
import {
  readCircumstances,
  load,
  loadPosted,
  measureProgress,
  registrationPath,
  type Parts,
  type Progress
} from './held.ts'
import type { Registration } from './repository.ts'
import { stopped } from './stopped.ts'

/** Posts `new_password`, `again`. */
export interface PasswordPage extends FormTarget {
  progress: Progress
  /** Written as faults are, because rule and fault must have the same words. */
  rules: FieldError[]
  uscc: string
  errors: FieldError[]
}

declare module '../../http/pages.ts' {
  interface Pages {
    'registration/password': PasswordPage
  }
}

export function registerPasswordStep (app: FastifyInstance, parts: Parts): void {
  const { deps } = parts
  const { passwordProfile } = deps.config

  app.get('/register/:id/password', async (request, reply) => {
    const registration = await load({ parts, request, reply, place: 'password' })
    return showPassword(registration, { errors: [], status: 200, request, reply })
  })

  app.post('/register/:id/password', async (request, reply) => {
    const registration = await loadPosted({ parts, request, reply, place: 'password' })
    const read = readNewPassword(passwordProfile, request.body, buildPasswordContext(registration))
    if (!read.ok) return showPassword(registration, { errors: read.errors, status: 422, request, reply })
    const passwordHash = await hashNewPassword(deps, read.value, registrationPath(registration.id, 'password'))
    const outcome = await complete(parts, registration, { passwordHash, ...readCircumstances(request) })
    switch (outcome) {
      case 'unavailable':
        return showPassword(registration, {
          errors: [{ field: 'form', code: 'register_unavailable' }],
          status: 503,
          request,
          reply
        })
      case 'completed':
      case 'elsewhere':
        return await reply.redirect(registrationPath(registration.id), 303)
    }
    const { address, traceId } = readCircumstances(request)
    await inTransaction(deps.db, async (trx) => {
      await deps.audit.record(trx, {
        type: 'registration.failed',
        personId: registration.personId,
        role: registration.applicant,
        address,
        traceId,
        reason: outcome,
        details: { registration: registration.id }
      })
    })
    return stopped(reply, registration, outcome)
  })

  /** The password must not contain data of the organization or its people. */
  function buildPasswordContext ({ applicant, draft: { unit, agent, legal }, draft }: Registration): PasswordContext {
    const identifiers = [
      unit?.uscc,
      ...[agent, legal].flatMap((one) => (one === null ? [] : [one.certNo, one.phone.replace(/^\+86/, '')]))
    ]
    return { identifiers: identifiers.filter((one) => one !== undefined), name: findApplicant(applicant, draft)?.name }
  }

  function showPassword (
    registration: Registration,
    {
      errors,
      status,
      request,
      reply
    }: { errors: FieldError[]; status: number; request: FastifyRequest; reply: FastifyReply }
  ): FastifyReply {
    return reply.page(
      'registration/password',
      {
        action: registrationPath(registration.id, 'password'),
        csrf: request.csrfToken(registration.id),
        progress: measureProgress(registration, 'password'),
        rules: passwordRules(passwordProfile),
        uscc: registration.draft.unit?.uscc ?? '',
        errors
      },
      { status }
    )
  }
}

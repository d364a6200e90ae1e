/** Step 3 (S10): the organization's password, by the active profile; then everything is written. And the last page. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { checkPassword, rulesOf, type PasswordRule } from '../../domain/password-policy.ts'
import { applicantOf } from '../../domain/registration.ts'
import { HasherBusy } from '../../adapters/password-hasher.ts'
import { formField } from '../../http/forms.ts'
import { PageError } from '../../http/page-error.ts'
import type { FieldError } from '../../http/pages.ts'
import { organizationById } from '../organizations/index.ts'
import { complete } from './complete.ts'
import { circumstancesOf, load, loadPosted, progressOf, registrationPath, stopped, type Parts } from './held.ts'
import type { Registration } from './repository.ts'

export function registerPasswordStep (app: FastifyInstance, parts: Parts): void {
  const { services } = parts
  const { passwordProfile } = services.config

  app.get('/register/:id/password', async (request, reply) => {
    const registration = await load(parts, request, reply, 'password')
    return showPassword(registration, [], 200, request, reply)
  })

  app.post('/register/:id/password', async (request, reply) => {
    const registration = await loadPosted(parts, request, reply, 'password')
    const typed = formField(request.body, 'new_password')
    const errors = typed === '' ? [{ field: 'new_password', code: 'required' }] : []
    const checked = checkPassword(passwordProfile, typed, contextOf(registration))
    if (typed !== '' && !checked.ok) errors.push(...checked.failed.map(faultOf))
    if (typed !== formField(request.body, 'again')) errors.push({ field: 'again', code: 'different' })
    if (errors.length > 0 || !checked.ok) return showPassword(registration, errors, 422, request, reply)
    const outcome = await complete(parts, registration, await hashed(checked.value, registration), circumstancesOf(request))
    switch (outcome) {
      case 'unavailable': return showPassword(registration, [{ field: 'form', code: 'register_unavailable' }], 503, request, reply)
      case 'completed':
      case 'elsewhere': return await reply.redirect(registrationPath(registration.id), 303)
    }
    const { address, traceId } = circumstancesOf(request)
    await services.db.transaction().execute(async (trx) => {
      await services.audit.record(trx, { type: 'registration.failed', personId: registration.personId, role: registration.applicant, address, traceId, reason: outcome, details: { registration: registration.id } })
    })
    return stopped(reply, registration, outcome)
  })

  app.get('/register/:id/done', async (request, reply) => {
    const registration = await load(parts, request, reply, 'done')
    const organization = registration.organizationId === null ? null : await organizationById(services.db, registration.organizationId)
    return await reply.page('registration/done', {
      outcome: organization === null ? registration.review === 'refused' ? 'refused' : 'review' : registration.applicant === 'agent' ? 'waiting' : 'active',
      number: registration.number ?? '',
      organizationName: organization?.name ?? registration.draft.unit?.name ?? '',
      loginHref: '/me'
    })
  })

  async function hashed (password: string, { id }: Registration): Promise<string> {
    try {
      return await services.hasher.hash(password)
    } catch (error) {
      if (error instanceof HasherBusy) throw new PageError(503, 'unavailable', { retryAfterSeconds: 5, restartHref: registrationPath(id, 'password') })
      throw error
    }
  }

  /** Nothing of the organization's and its people's own data may be in it. */
  function contextOf ({ applicant, draft: { unit, agent, legal }, draft }: Registration): Parameters<typeof checkPassword>[2] {
    const identifiers = [unit?.uscc, ...[agent, legal].flatMap((one) => one === null ? [] : [one.certNo, one.phone.replace(/^\+86/, '')])]
    return { identifiers: identifiers.filter((one) => one !== undefined), name: applicantOf(applicant, draft)?.name }
  }

  function showPassword (registration: Registration, errors: FieldError[], status: number, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    return reply.page('registration/password', {
      action: registrationPath(registration.id, 'password'),
      csrf: request.csrfToken(registration.id),
      progress: progressOf(registration, 'password'),
      rules: rulesOf(passwordProfile).map(faultOf),
      uscc: registration.draft.unit?.uscc ?? '',
      errors
    }, { status })
  }
}

const faultOf = (rule: PasswordRule): FieldError => {
  switch (rule.rule) {
    case 'length': return { field: 'new_password', code: 'length', details: { min: rule.min, max: rule.max } }
    case 'classes': return { field: 'new_password', code: classesCode(rule), details: { min: rule.min } }
    default: return { field: 'new_password', code: rule.rule }
  }
}

/** Three of four classes have other words than two of three. */
export const classesCode = ({ of }: Extract<PasswordRule, { rule: 'classes' }>): 'classes' | 'classes_cased' => of.includes('upper') ? 'classes_cased' : 'classes'

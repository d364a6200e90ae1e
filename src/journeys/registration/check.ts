/**
 * The last page of step 1: everything typed and the two agreements; then the company register is asked. That an
 * organization has an account already is shown here, after the phone was proved, and not before.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import {
  findApplicant,
  delegationEnd,
  type AgentSection,
  type LegalSection
} from '../../domain/representation/registration.ts'
import { ethnicGroup } from '../../domain/identity/ethnic-group.ts'
import { derivedEnd } from '../../domain/identity/id-validity.ts'
import { tibetanDivisionName } from '../../domain/identity/region-code.ts'
import { parseResidentId } from '../../domain/identity/resident-id.ts'
import { formatPhone } from '../../domain/identity/phone-number.ts'
import { formField } from '../../http/forms.ts'
import { formatDate } from '../../http/template-helpers.ts'
import type { FieldError, FormTarget } from '../../http/pages.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { recordConsent } from '../../records/consents/index.ts'
import { organizationByUscc } from '../../records/organizations/index.ts'
import { certNoIndex } from '../../records/persons/index.ts'
import { expectedPerson } from './applicant.ts'
import { askRegister } from './company.ts'
import {
  readCircumstances,
  duePath,
  load,
  loadPosted,
  measureProgress,
  registrationPath,
  type Parts,
  type Progress
} from './held.ts'
import { changeRegistration, type Registration } from './repository.ts'
import { stopped } from './stopped.ts'

export interface Fact {
  label:
    | 'uscc'
    | 'org_name'
    | 'region'
    | 'name'
    | 'cert_type'
    | 'cert_no'
    | 'validity'
    | 'ethnic_group'
    | 'gender'
    | 'phone'
    | 'delegation'
  value: string
  chinese: boolean
}

/** Posts `agreement`, `consent` (each '1'). */
export interface CheckPage extends FormTarget {
  progress: Progress
  groups: Array<{ place: 'unit' | 'agent' | 'legal'; href: string; facts: Fact[] }>
  /** Which boxes were ticked (after an error about the other one). */
  ticked: { agreement: boolean; consent: boolean }
  review: boolean
  errors: FieldError[]
}

declare module '../../http/pages.ts' {
  interface Pages {
    'registration/check': CheckPage
  }
}

/**
 * Look-ups of an organization's people in a day, from a network in an hour, and applications in one person's name in a
 * day.
 */
const limits = {
  organization: { limit: 10, seconds: 86_400 },
  source: { limit: 60, seconds: 3600 },
  person: { limit: 10, seconds: 86_400 }
}

export function registerCheckStep (app: FastifyInstance, parts: Parts): void {
  const { deps, throttle } = parts

  app.get('/register/:id/check', async (request, reply) => {
    const registration = await load({ parts, request, reply, place: 'check' })
    return showCheck(registration, {
      ticked: { agreement: false, consent: false },
      errors: [],
      status: 200,
      request,
      reply
    })
  })

  app.post('/register/:id/check', async (request, reply) => {
    const registration = await loadPosted({ parts, request, reply, place: 'check' })
    const {
      draft: { unit, legal }
    } = registration
    const applicant = findApplicant(registration.applicant, registration.draft)
    if (unit === null || legal === null || applicant === null) return await reply.redirect(duePath(registration), 303)
    const ticked = {
      agreement: formField(request.body, 'agreement') === '1',
      consent: formField(request.body, 'consent') === '1'
    }
    const errors: FieldError[] = []
    if (!ticked.agreement) errors.push({ field: 'agreement', code: 'required' })
    if (!ticked.consent) errors.push({ field: 'consent', code: 'register' })
    if (errors.length > 0) return showCheck(registration, { ticked, errors, status: 422, request, reply })

    // counted before anything is answered
    const index = certNoIndex(deps.crypto, 'resident_id', applicant.certNo)
    for (const [key, { limit, seconds }] of [
      [`registration:verify:${unit.uscc}`, limits.organization],
      [`registration:verify:${request.clientAddress.prefix}`, limits.source],
      [`registration:person:${index}`, limits.person]
    ] as const) {
      const hit = await throttle.hit(key, limit, seconds)
      if (!hit.allowed) return await refused(registration, { code: 'too_many', request, reply })
    }
    const existing = await organizationByUscc(deps.db, unit.uscc)
    // an account that no authorized person has confirmed does not block an authorized person
    if (existing !== null && !(existing.status === 'pending' && registration.applicant === 'legal_representative')) {
      return await refused(registration, { code: 'duplicate', request, reply })
    }
    const answer = await askRegister(parts, { unit, legal })
    if (answer.outcome === 'unavailable') {
      return showCheck(registration, {
        ticked,
        errors: [{ field: 'form', code: 'register_unavailable' }],
        status: 503,
        request,
        reply
      })
    }
    if (answer.outcome === 'mismatch' || answer.outcome === 'not_active') {
      return await refused(registration, { code: answer.outcome, request, reply })
    }

    const begun = await begin(registration, applicant, request)
    return await reply.redirect(begun === null ? registrationPath(registration.id) : duePath(begun), 303)
  })

  /** draft → verifying: the person who must scan now, and the agreements. */
  async function begin (
    registration: Registration,
    applicant: LegalSection,
    request: FastifyRequest
  ): Promise<Registration | null> {
    const { address, traceId } = readCircumstances(request)
    return await inTransaction(deps.db, async (trx) => {
      const personId = await expectedPerson(trx, deps, { typed: applicant, before: registration.personId })
      const shown = JSON.stringify(registration.draft)
      let same = true
      const changed = await changeRegistration(trx, {
        deps,
        registration,
        from: ['draft', 'verifying'],
        change: (now) => {
          // another window changed it meanwhile: the agreement was to other data
          same = JSON.stringify(now.draft) === shown
          return same ? { draft: now.draft, state: 'verifying', personId } : now
        }
      })
      if (changed === null || !same) return changed
      for (const kind of ['organization-registration', 'identity-verification'] as const) {
        await recordConsent(trx, deps, {
          personId,
          kind,
          version: deps.config.policyVersion,
          locale: request.locale,
          source: `registration:${registration.id}`,
          address,
          traceId
        })
      }
      await deps.audit.record(trx, {
        type: 'registration.started',
        personId,
        role: registration.applicant,
        address,
        traceId,
        details: { registration: registration.id }
      })
      return changed
    })
  }

  async function refused (
    registration: Registration,
    {
      code,
      request,
      reply
    }: { code: 'mismatch' | 'duplicate' | 'not_active' | 'too_many'; request: FastifyRequest; reply: FastifyReply }
  ): Promise<FastifyReply> {
    const { address, traceId } = readCircumstances(request)
    await inTransaction(deps.db, async (trx) => {
      await deps.audit.record(trx, {
        type: 'registration.failed',
        role: registration.applicant,
        address,
        traceId,
        reason: code,
        details: { registration: registration.id, uscc: registration.draft.unit?.uscc ?? '' }
      })
    })
    return stopped(reply, registration, code)
  }

  function showCheck (
    registration: Registration,
    {
      ticked,
      errors,
      status,
      request,
      reply
    }: {
      ticked: CheckPage['ticked']
      errors: FieldError[]
      status: number
      request: FastifyRequest
      reply: FastifyReply
    }
  ): FastifyReply {
    return reply.page(
      'registration/check',
      {
        action: registrationPath(registration.id, 'check'),
        csrf: request.csrfToken(registration.id),
        progress: measureProgress(registration, 'check'),
        groups: buildGroups(registration, request),
        ticked,
        review: registration.draft.unit?.named === 'typed',
        errors
      },
      { status }
    )
  }

  function buildGroups (
    { id, draft: { unit, agent, legal } }: Registration,
    { t, locale }: FastifyRequest
  ): CheckPage['groups'] {
    const today = shanghaiDate(deps.clock.now())
    const fact = (label: Fact['label'], value: string, chinese = false): Fact => ({ label, value, chinese })
    const people = ({ name, certNo, phone }: LegalSection): Fact[] => [
      fact('name', name, true),
      fact('cert_no', certNo),
      fact('phone', formatPhone(phone))
    ]
    const aboutAgent = (section: AgentSection): Fact[] => {
      const [name, number, phone] = people(section) as [Fact, Fact, Fact]
      const end = derivedEnd(
        section.validFrom,
        section.term === 'long' ? 'long' : (Number(section.term) as 5 | 10 | 20)
      )
      const gender = parseResidentId(section.certNo, today)
      const group = section.ethnicGroup === null ? undefined : ethnicGroup(section.ethnicGroup)
      return [
        name,
        fact('cert_type', t('cert_type.resident_id')),
        number,
        fact(
          'validity',
          `${formatDate(section.validFrom, t)} – ${end === null ? t('term.long') : formatDate(end, t)}`
        ),
        ...(gender.ok && gender.gender !== null ? [fact('gender', t(`registration.gender.${gender.gender}`))] : []),
        ...(group === undefined ? [] : [fact('ethnic_group', locale === 'en' ? group.en : group.zh, locale !== 'en')]),
        phone,
        fact('delegation', formatDate(delegationEnd(today, section.years), t))
      ]
    }
    const groups: CheckPage['groups'] = []
    if (unit !== null) {
      const facts = [
        fact('uscc', unit.uscc),
        fact('org_name', unit.name, true),
        ...(unit.region === null ? [] : [fact('region', tibetanDivisionName(unit.region) ?? '', true)])
      ]
      groups.push({ place: 'unit', href: registrationPath(id, 'unit'), facts })
    }
    if (agent !== null) groups.push({ place: 'agent', href: registrationPath(id, 'agent'), facts: aboutAgent(agent) })
    if (legal !== null) groups.push({ place: 'legal', href: registrationPath(id, 'legal'), facts: people(legal) })
    return groups
  }
}

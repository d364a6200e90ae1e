/** Identity data, with the separate consent. Nothing typed is lost, and the derived end date is always shown first. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { onlineCertTypes } from '../../domain/identity/cert-type.ts'
import { formField } from '../../http/forms.ts'
import type { FieldError, FormTarget } from '../../http/pages.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { outwardFaults } from '../app-api/index.ts'
import { readIdentity } from '../../records/identity/index.ts'
import type { PhoneRefusal } from '../../records/scan-tickets/index.ts'
import { decline } from './confirm.ts'
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

export interface Steps {
  at: number
  of: number
}

export interface IdentityValues {
  certType: string
  name: string
  certNo: string
  year: string
  month: string
  day: string
  /** '5' | '10' | '20' | 'long' or '' when nothing was chosen. */
  term: string
}

/**
 * Posts `csrf`, `cert_type`, `name`, `cert_no`, `year`, `month`, `day`, `term`, `consent` ('1'), `consent_version`,
 * `valid_to` (filled by script once the derived end date was shown: absent or empty = show phone-pages/identity-check),
 * `decision` ('submit' | 'decline'). With `known` only `csrf`, `consent`, `consent_version`, `decision`.
 */
export interface IdentityPage extends FormTarget {
  steps: Steps
  /** Codes to choose from; labels are `cert_type.<code>`. */
  certTypes: string[]
  values: IdentityValues
  /** The person is known: masked, nothing to type. `validTo` null = long term. */
  known: { maskedName: string; maskedCertNo: string; validTo: string | null } | null
  consentVersion: string
  errors: FieldError[]
}

/** The derived end date, confirmed without script. Posts all values again plus `valid_to` and `consent`. */
export interface IdentityCheckPage extends FormTarget {
  steps: Steps
  values: IdentityValues
  consentVersion: string
  /** 'YYYY-MM-DD', null = long term. */
  validTo: string | null
}

declare module '../../http/pages.ts' {
  interface Pages {
    'phone-pages/identity': IdentityPage
    'phone-pages/identity-check': IdentityCheckPage
  }
}

const nothing: IdentityValues = {
  certType: onlineCertTypes[0] ?? '',
  name: '',
  certNo: '',
  year: '',
  month: '',
  day: '',
  term: ''
}

export const listSteps = ({ state, view }: HeldScan): Steps => {
  const of = Math.max(state.steps, view.remaining.length)
  return { at: of - view.remaining.length + 1, of }
}

export function registerIdentityStep (scope: FastifyInstance, pages: PhonePages): void {
  const { deps, phone } = pages
  const consentVersion = deps.config.policyVersion

  scope.get('/v/:ticketId/identity', async (request, reply) => {
    const held = await loadScan(pages, request, reply)
    if (chooseStep(held) !== 'identity') return await reply.redirect(scanPath(held.ticketId), 303)
    return showIdentity(held, { values: nothing, errors: [], status: 200, request, reply })
  })

  scope.post('/v/:ticketId/identity', async (request, reply) => {
    const held = await loadPosted(pages, request, reply)
    if (chooseStep(held) !== 'identity') return await reply.redirect(scanPath(held.ticketId), 303)
    const decision = formField(request.body, 'decision')
    if (decision === 'decline') return await decline(pages, held, { reply, reason: 'CANCELLED' })
    const values = readValues(request.body)
    if (decision === 'edit') return showIdentity(held, { values, errors: [], status: 200, request, reply })
    const input = {
      certType: values.certType,
      name: values.name,
      certNo: values.certNo,
      validFrom: formatValidFrom(values),
      term: values.term
    }
    const consent = {
      given: formField(request.body, 'consent') === '1',
      version: formField(request.body, 'consent_version')
    }
    const read = readIdentity(input, shanghaiDate(deps.clock.now()))
    const errors = [
      ...(read.ok ? [] : describeFaults(read.faults, values)),
      ...(consent.given ? [] : [{ field: 'consent', code: 'required' }])
    ]
    if (!(onlineCertTypes as readonly string[]).includes(values.certType)) {
      errors.unshift({ field: 'cert_type', code: 'unsupported' })
    }
    if (errors.length > 0 || !read.ok) return showIdentity(held, { values, errors, status: 422, request, reply })
    if (formField(request.body, 'valid_to') !== (read.data.validTo ?? 'long')) {
      return reply.page('phone-pages/identity-check', {
        action: scanPath(held.ticketId, 'identity'),
        csrf: request.csrfToken(held.ticketId),
        steps: listSteps(held),
        values,
        consentVersion: consent.version,
        validTo: read.data.validTo
      })
    }
    const submitted = await phone.submitIdentity(held.state.scanToken, { ...input, consent }, held.actor)
    if (submitted.ok) return await advance(pages, { ...held, view: submitted.view }, { request, reply })
    const correctable = describeErrors(submitted, values)
    if (correctable === null) throw stopped(submitted, held.ticketId)
    return showIdentity(held, {
      values,
      errors: correctable,
      status: submitted.code === 'register_unavailable' ? 503 : 422,
      request,
      reply
    })
  })

  function showIdentity (
    held: HeldScan,
    {
      values,
      errors,
      status,
      request,
      reply
    }: { values: IdentityValues; errors: FieldError[]; status: number; request: FastifyRequest; reply: FastifyReply }
  ): FastifyReply {
    return reply.page(
      'phone-pages/identity',
      {
        action: scanPath(held.ticketId, 'identity'),
        csrf: request.csrfToken(held.ticketId),
        steps: listSteps(held),
        certTypes: [...onlineCertTypes],
        values,
        // the person must prove to know the data, so nothing is filled in
        known: null,
        consentVersion,
        errors
      },
      { status }
    )
  }
}

/** Errors for the form, or null for faults that the form cannot correct. */
function describeErrors (refusal: PhoneRefusal, values: IdentityValues): FieldError[] | null {
  switch (refusal.code) {
    case 'invalid_fields':
      return describeFaults(refusal.faults, values)
    case 'consent_required':
      return [{ field: 'consent', code: 'required' }]
    case 'identity_mismatch':
      return [{ field: 'form', code: 'identity_mismatch' }]
    case 'register_unavailable':
      return [{ field: 'form', code: 'unavailable' }]
    default:
      return null
  }
}

/** An empty field is missing, whichever other rule it breaks. */
function describeFaults (faults: Parameters<typeof outwardFaults>[0], values: IdentityValues): FieldError[] {
  const empty: Record<string, boolean> = {
    name: values.name.trim() === '',
    cert_no: values.certNo.trim() === '',
    valid_from: values.year.trim() === '' && values.month.trim() === '' && values.day.trim() === '',
    term: values.term === ''
  }
  return outwardFaults(faults).map((fault) =>
    empty[fault.field] === true ? { field: fault.field, code: 'required' } : fault
  )
}

function readValues (body: unknown): IdentityValues {
  const field = (name: string, maxLength: number): string => formField(body, name).slice(0, maxLength)
  const values = {
    certType: field('cert_type', 40),
    name: field('name', 200),
    certNo: field('cert_no', 100),
    year: field('year', 40),
    month: field('month', 10),
    day: field('day', 10),
    term: field('term', 10)
  }
  // 2015.06.01 pasted into the first of the three
  const [, year, month, day] = /^\s*(\d{4})\D+(\d{1,2})\D+(\d{1,2})\D*$/.exec(values.year.normalize('NFKC')) ?? []
  return year === undefined || values.month !== '' || values.day !== ''
    ? values
    : { ...values, year, month: month ?? '', day: day ?? '' }
}

function formatValidFrom ({ year, month, day }: IdentityValues): string {
  const digits = (text: string, size: number): string => text.normalize('NFKC').trim().padStart(size, '0')
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`
}

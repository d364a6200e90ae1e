/** 单位信息: the code, its name in the company register, and the region of the account. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import type { UnitSection } from '../../domain/representation/registration.ts'
import { tibetanPrefectures, type Division, type Prefecture } from '../../domain/identity/region-code.ts'
import { formField } from '../../http/forms.ts'
import type { FieldError, FormTarget } from '../../http/pages.ts'
import { RegisterUnavailable } from '../../ports/registry.ts'
import { duePath, load, loadPosted, measureProgress, registrationPath, type Parts, type Progress } from './held.ts'
import { changeRegistration, type Registration } from './repository.ts'
import { readOrganizationName, readUnit, unitValues, toUnitValues, type UnitValues } from './sections.ts'
import { stopped } from './stopped.ts'

/**
 * Posts `uscc`, `org_name` (only when the register does not know the code), `prefecture`, `county`, `decision` ('next'
 * | 'prefecture').
 */
export interface UnitPage extends FormTarget {
  progress: Progress
  values: UnitValues
  /** The register has no such code: the name is typed. */
  askName: boolean
  prefectures: readonly Prefecture[]
  /** Of the prefecture chosen. */
  counties: readonly Division[]
  errors: FieldError[]
}

declare module '../../http/pages.ts' {
  interface Pages {
    'registration/unit': UnitPage
  }
}

/** Look-ups in the register from one network in ten minutes. */
const lookups = { limit: 60, seconds: 600 }

type Named =
  | { outcome: 'named'; name: string; named: UnitSection['named'] }
  | { outcome: 'ask_name'; errors: FieldError[] }
  | { outcome: 'not_active' | 'unavailable' | 'too_many' }

export function registerUnitStep (app: FastifyInstance, parts: Parts): void {
  const { deps, companies, throttle } = parts

  app.get('/register/:id/unit', async (request, reply) => {
    const registration = await load({ parts, request, reply, place: 'unit' })
    const { unit } = registration.draft
    return showUnit(registration, { values: toUnitValues(unit), askName: unit?.named === 'typed', request, reply })
  })

  app.post('/register/:id/unit', async (request, reply) => {
    const registration = await loadPosted({ parts, request, reply, place: 'unit' })
    const values = unitValues(request.body)
    // fields that were shown before are shown again, because their values would otherwise be lost
    const askName = typeof (request.body as Record<string, unknown>)['org_name'] === 'string'
    if (formField(request.body, 'decision') === 'prefecture') {
      return showUnit(registration, { values, askName, request, reply })
    }
    const read = readUnit(values)
    if (!read.ok) return showUnit(registration, { values, askName, errors: read.errors, request, reply })
    // counties of a prefecture that was chosen just now have not been shown yet
    if (values.prefecture !== '' && formField(request.body, 'counties_of') !== values.prefecture) {
      return showUnit(registration, { values: { ...values, county: '' }, askName, request, reply })
    }

    const known = registration.draft.unit
    const named = await findName({ uscc: read.data.uscc, values, known, request })
    switch (named.outcome) {
      case 'ask_name':
        return showUnit(registration, {
          values: { ...values, uscc: read.data.uscc },
          askName: true,
          errors: named.errors,
          request,
          reply
        })
      case 'unavailable':
        return showUnit(registration, {
          values,
          askName,
          errors: [{ field: 'form', code: 'register_unavailable' }],
          status: 503,
          request,
          reply
        })
      case 'too_many':
      case 'not_active':
        return stopped(reply, registration, named.outcome)
    }
    const unit: UnitSection = { ...read.data, name: named.name, named: named.named }
    const changed = await inTransaction(
      deps.db,
      async (trx) =>
        await changeRegistration(trx, {
          deps,
          registration,
          from: ['draft', 'verifying'],
          change: ({ draft }) => ({
            draft: { ...draft, unit },
            state: 'draft'
          })
        })
    )
    return await reply.redirect(changed === null ? registrationPath(registration.id) : duePath(changed), 303)
  })

  /** The register's name for the code; a typed one only if the register has none. Outside of any transaction. */
  async function findName ({
    uscc,
    values,
    known,
    request
  }: {
    uscc: string
    values: UnitValues
    known: UnitSection | null
    request: FastifyRequest
  }): Promise<Named> {
    const hit = await throttle.hit(
      `registration:lookup:${request.clientAddress.prefix}`,
      lookups.limit,
      lookups.seconds
    )
    if (!hit.allowed) return { outcome: 'too_many' }
    try {
      const record = await companies.lookup(uscc)
      if (record.found) {
        return record.status === 'active'
          ? { outcome: 'named', name: record.name, named: 'register' }
          : { outcome: 'not_active' }
      }
    } catch (error) {
      if (!(error instanceof RegisterUnavailable)) throw error
      deps.log.warn({ register: companies.name }, 'company register unavailable')
      return { outcome: 'unavailable' }
    }
    if (values.name === '' && known?.uscc !== uscc) {
      return { outcome: 'ask_name', errors: [{ field: 'org_name', code: 'not_found' }] }
    }
    const name = readOrganizationName(values.name)
    return name.ok
      ? { outcome: 'named', name: name.data, named: 'typed' }
      : { outcome: 'ask_name', errors: name.errors }
  }

  function showUnit (
    registration: Registration,
    {
      values,
      askName,
      errors = [],
      status = 422,
      request,
      reply
    }: {
      values: UnitValues
      askName: boolean
      errors?: FieldError[]
      status?: number
      request: FastifyRequest
      reply: FastifyReply
    }
  ): FastifyReply {
    return reply.page(
      'registration/unit',
      {
        action: registrationPath(registration.id, 'unit'),
        csrf: request.csrfToken(registration.id),
        progress: measureProgress(registration, 'unit'),
        values,
        askName,
        prefectures: tibetanPrefectures,
        counties: tibetanPrefectures.find(({ code }) => code === values.prefecture)?.counties ?? [],
        errors
      },
      { status: errors.length > 0 ? status : 200 }
    )
  }
}

/** 注册审核: applications that the company register could not decide. */
import type { FieldError } from '../../../http/pages.ts'
import { maskUscc } from '../../../domain/identity/masking.ts'
import { tibetanDivisionName } from '../../../domain/identity/region-code.ts'
import { grantUnmasking, findUnmaskGrants, unmaskFields, type UnmaskField } from '../../support/index.ts'
import {
  acceptApplication,
  applicationDetail,
  findApplication,
  listApplications,
  refusalReasons,
  refuseApplication,
  returnApplication,
  type ApplicationDetail,
  type ApplicationLine
} from '../../registration/index.ts'
import { readUnmaskingNeedsApproval } from '../../../records/settings/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import { buildPage, readList, type Pager } from '../lists.ts'
import { supportRoles as roles, readId, describeViewer } from '../people/people.ts'
import type { WithConsoleLayout } from '../layout.ts'

const tabs = ['waiting', 'accepted', 'refused', 'returned'] as const

export interface RegistrationsPage extends WithConsoleLayout {
  rows: Array<{
    id: string
    number: string
    applicant: string
    organization: string
    uscc: string
    name: string
    at: string
  }>
  pager: Pager
  tabs: readonly string[]
  current: string
}

/** Unmasking posts `csrf`, `reason` to `/reveal`; or, what was granted, `grant`. */
export interface RegistrationPage extends WithConsoleLayout {
  a: Omit<ApplicationDetail, 'submittedAt' | 'reviewedAt' | 'unit'> & {
    submittedAt: string
    reviewedAt: string | null
  }
  unit: { uscc: string; name: string; named: string; region: string | null } | null
  unmasked: boolean
  dualControl: boolean
  grants: Array<{ id: string; fields: readonly UnmaskField[]; until: string }>
  errors: FieldError[]
}

/** Posts `csrf`, `number` (`seen`), `code`, `reason`. */
export interface RefusePage extends WithConsoleLayout {
  id: string
  number: string
  seen: string
  organization: string
  reasons: readonly string[]
  code: string
  reason: string
  errors: FieldError[]
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/registrations/registrations': RegistrationsPage
    'console/registrations/registration': RegistrationPage
    'console/registrations/refuse': RefusePage
  }
}

export function registerRegistrations (console: Console): void {
  const { deps, approvals } = console
  const { db, crypto } = deps

  console.page({
    method: 'GET',
    path: '/admin/registrations',
    roles,
    handler: async (c) => {
      const list = readList(c.request, ['state'], 1)
      const current = tabs.find((one) => one === list.filters.state) ?? 'waiting'
      const found = await listApplications(deps, { review: current, after: list.after?.[0], limit: list.limit })
      const { rows, pager } = buildPage(list, found, ({ id }) => [id])
      if (list.csv) {
        return c.csv(
          'registrations.csv',
          ['number', 'applicant', 'organization', 'submitted_at', 'state'],
          rows.map((row) => [row.number, row.applicant, row.organization, row.submittedAt.toISOString(), row.review])
        )
      }
      return c.page('console/registrations/registrations', {
        rows: rows.map((row) => ({
          id: row.id,
          number: row.number,
          applicant: row.applicant,
          organization: row.organization,
          uscc: maskUscc(row.uscc),
          name: row.applicantName,
          at: row.submittedAt.toISOString()
        })),
        pager,
        tabs,
        current
      })
    }
  })

  const show = async (c: ConsoleRequest, detail: ApplicationDetail, errors: FieldError[] = []) => {
    const { submittedAt, reviewedAt, unit, ...rest } = detail
    const { unmasked } = detail
    const grants = unmasked
      ? []
      : await findUnmaskGrants(db, `admin:${c.administrator.id}`, {
        registrationId: detail.id,
        registrationNumber: detail.number
      })
    return c.page(
      'console/registrations/registration',
      {
        a: { ...rest, submittedAt: submittedAt.toISOString(), reviewedAt: reviewedAt?.toISOString() ?? null },
        unit:
          unit === null
            ? null
            : {
                ...unit,
                uscc: unmasked ? unit.uscc : maskUscc(unit.uscc),
                region: unit.region === null ? null : (tibetanDivisionName(unit.region) ?? unit.region)
              },
        unmasked,
        dualControl: await readUnmaskingNeedsApproval(db),
        grants: grants.map(({ id, fields, expiresAt }) => ({ id, fields, until: expiresAt.toISOString() })),
        errors
      },
      { status: errors.length > 0 ? 422 : 200 }
    )
  }
  const line = async (c: ConsoleRequest): Promise<ApplicationLine> =>
    (await findApplication(deps, readId(c))) ?? c.notFound()
  const load = async (c: ConsoleRequest): Promise<ApplicationDetail> =>
    (await applicationDetail({ deps, act: describeViewer(c), id: readId(c) })) ?? c.notFound()

  console.page({
    method: 'GET',
    path: '/admin/registrations/:id',
    roles,
    handler: async (c) => await show(c, await load(c))
  })

  approvals.register<{ registrationId: string; number: string }>('registrations.reveal', {
    async describe (from, { registrationId, number }, t) {
      const found = await findApplication({ db: from, crypto }, registrationId)
      return found === null || found.number !== number
        ? null
        : {
            title: t('console.registrations.unmask'),
            facts: [
              { name: t('console.registrations.number'), value: number },
              { name: t('console.organizations.name'), value: found.organization },
              { name: t('console.registrations.applicant'), value: found.applicantName },
              {
                name: t('console.people.unmask.what'),
                value: unmaskFields.map((field) => t(`console.people.${field}`)).join(t('console.comma'))
              }
            ]
          }
    },
    async apply (trx, { registrationId, number }, { act, requestedBy }) {
      await grantUnmasking(trx, {
        registrationId,
        registrationNumber: number,
        fields: unmaskFields,
        grantedTo: requestedBy,
        grantedBy: act.actor
      })
      return { ok: true }
    }
  })

  // in the answer to a form, and under no address of its own
  console.page({
    method: 'POST',
    path: '/admin/registrations/:id/reveal',
    roles,
    reauth: true,
    handler: async (c) => {
      const grant = c.field('grant')
      if (grant !== '') {
        const detail =
          (await applicationDetail({
            deps,
            act: { ...describeViewer(c), reason: 'granted' },
            id: readId(c),
            options: {
              unmask: true,
              grant
            }
          })) ?? c.notFound()
        return await show(c, detail, detail.unmasked ? [] : [{ field: 'form', code: 'grant_gone' }])
      }
      const confirmed = c.confirmed()
      if (!confirmed.ok) return await show(c, await load(c), confirmed.errors)
      const { id, number } = await line(c)
      if (await readUnmaskingNeedsApproval(db)) {
        return await c.askApproval({
          kind: 'registrations.reveal',
          payload: { registrationId: id, number },
          subject: id,
          act: confirmed.act
        })
      }
      return await show(
        c,
        (await applicationDetail({ deps, act: confirmed.act, id, options: { unmask: true } })) ?? c.notFound()
      )
    }
  })

  /** Number of the application that was checked: one that was returned and sent again meanwhile has another number. */
  const readSeen = (c: ConsoleRequest, now: string): string => {
    const { number } = c.request.query as { number?: unknown }
    return (
      [c.field('number'), number].find((one): one is string => typeof one === 'string' && /^\d{14}$/.test(one)) ?? now
    )
  }
  const decisions = { accept: acceptApplication, return: returnApplication } as const
  const model = async (c: ConsoleRequest, act: keyof typeof decisions) => {
    const detail = await line(c)
    return {
      title: c.t(`console.registrations.act.${act}`),
      lead: c.t(`console.registrations.act.${act}.lead`),
      facts: [
        { name: c.t('console.registrations.number'), value: detail.number },
        { name: c.t('console.organizations.name'), value: detail.organization },
        { name: c.t('console.registrations.applicant'), value: detail.applicantName }
      ],
      action: `/admin/registrations/${detail.id}/${act}`,
      typed: null,
      hidden: [{ name: 'number', value: readSeen(c, detail.number) }],
      submit: c.t(`console.registrations.act.${act}`),
      backHref: `/admin/registrations/${detail.id}`
    }
  }
  for (const act of ['accept', 'return'] as const) {
    console.page({
      method: 'GET',
      path: `/admin/registrations/:id/${act}`,
      roles,
      reauth: true,
      handler: async (c) => c.confirm(await model(c, act))
    })
    console.page({
      method: 'POST',
      path: `/admin/registrations/:id/${act}`,
      roles,
      reauth: true,
      handler: async (c) => {
        const confirmed = c.confirmed()
        if (!confirmed.ok) return c.confirm({ ...(await model(c, act)), ...confirmed })
        const outcome = await decisions[act](deps, confirmed.act, readId(c), c.field('number'))
        if (outcome === 'done') return c.redirect('/admin/registrations', `regs_${act}`)
        return c.confirm({
          ...(await model(c, act)),
          reason: confirmed.act.reason,
          errors: [{ field: 'form', code: `review_${outcome}` }]
        })
      }
    })
  }

  const showRefuse = async (c: ConsoleRequest, errors: FieldError[] = []) => {
    const { id, number, organization } = await line(c)
    return c.page(
      'console/registrations/refuse',
      {
        id,
        number,
        seen: readSeen(c, number),
        organization,
        reasons: refusalReasons,
        code: c.field('code'),
        reason: c.field('reason'),
        errors
      },
      { status: errors.length > 0 ? 422 : 200 }
    )
  }
  console.page({
    method: 'GET',
    path: '/admin/registrations/:id/refuse',
    roles,
    reauth: true,
    handler: async (c) => await showRefuse(c)
  })
  console.page({
    method: 'POST',
    path: '/admin/registrations/:id/refuse',
    roles,
    reauth: true,
    handler: async (c) => {
      const code = refusalReasons.find((one) => one === c.field('code'))
      const confirmed = c.confirmed()
      const errors: FieldError[] = [
        ...(code === undefined ? [{ field: 'code_0', code: 'pick_one' }] : []),
        ...(confirmed.ok ? [] : confirmed.errors)
      ]
      if (code === undefined || !confirmed.ok) return await showRefuse(c, errors)
      const outcome = await refuseApplication({
        deps,
        act: confirmed.act,
        id: readId(c),
        code,
        seen: c.field('number')
      })
      return outcome === 'done'
        ? c.redirect('/admin/registrations', 'regs_refuse')
        : await showRefuse(c, [{ field: 'form', code: `review_${outcome}` }])
    }
  })
}

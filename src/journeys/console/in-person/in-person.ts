/** 窗口: one person at the counter, the code for them, and the codes given today. */
import type { FieldError } from '../../../http/pages.ts'
import {
  beginVisit,
  cancelOwnCode,
  codesGiven,
  counterChecks,
  counterLimits,
  counterReasons,
  findVisit,
  giveCode,
  type Operator,
  type Visit
} from '../../support/index.ts'
import { counterCodeHours } from '../../../records/counter-codes/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import { idOf, lookerOf } from '../people/people.ts'
import type { AdminFramed } from '../layout.ts'

const roles = ['counter'] as const

/** Posts `csrf`, `cert_no`. */
export interface CounterPage extends AdminFramed {
  given: Array<{ id: string; name: string; at: string; until: string; state: 'live' | 'used' | 'over' }>
  errors: FieldError[]
}

/** Posts `csrf`, `check_<name>` ('1' each), `reason`. */
export interface VisitPage extends AdminFramed {
  visit: Omit<Visit, 'liveUntil'> & { liveUntil: string | null }
  checks: readonly string[]
  reasons: readonly string[]
  ticked: readonly string[]
  reason: string
  minutes: number
  errors: FieldError[]
}

/** The only page that ever shows it. */
export interface CounterCodePage extends AdminFramed {
  code: string
  name: string
  until: string
  hours: number
  codeId: string
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/in-person/start': CounterPage
    'console/in-person/session': VisitPage
    'console/in-person/code': CounterCodePage
  }
}

export function registerCounter (console: Console): void {
  const { deps } = console
  const operatorOf = (c: ConsoleRequest): Operator => lookerOf(c)

  const showCounter = async (c: ConsoleRequest, errors: FieldError[] = []) => {
    const given = await codesGiven(deps, operatorOf(c))
    return c.page(
      'console/in-person/start',
      {
        given: given.map(({ createdAt, expiresAt, ...one }) => ({
          ...one,
          at: createdAt.toISOString(),
          until: expiresAt.toISOString()
        })),
        errors
      },
      { status: errors.some(({ code }) => code === 'too_many') ? 429 : errors.length > 0 ? 422 : 200 }
    )
  }

  const showVisit = (
    c: ConsoleRequest,
    visit: Visit,
    more: Partial<Pick<VisitPage, 'ticked' | 'reason' | 'errors'>> = {}
  ) =>
    c.page(
      'console/in-person/session',
      {
        visit: { ...visit, liveUntil: visit.liveUntil?.toISOString() ?? null },
        checks: counterChecks,
        reasons: counterReasons,
        ticked: [],
        reason: '',
        minutes: counterLimits.visitMinutes,
        errors: [],
        ...more
      },
      { status: (more.errors?.length ?? 0) > 0 ? 422 : 200 }
    )

  console.page({ method: 'GET', path: '/admin/counter', roles, handler: async (c) => await showCounter(c) })
  console.page({
    method: 'POST',
    path: '/admin/counter',
    roles,
    handler: async (c) => {
      const begun = await beginVisit(deps, operatorOf(c), c.field('cert_no'))
      if (begun.ok) return c.redirect(`/admin/counter/visits/${begun.visitId}`)
      return await showCounter(c, [
        {
          field: 'cert_no',
          code: `visit_${begun.code}`,
          ...(begun.code === 'too_many' ? { details: { minutes: Math.ceil(begun.retryAfterSeconds / 60) } } : {})
        }
      ])
    }
  })

  console.page({
    method: 'GET',
    path: '/admin/counter/visits/:id',
    roles,
    handler: async (c) => {
      const visit = await findVisit(deps, operatorOf(c), idOf(c))
      return visit === null ? await showCounter(c, [{ field: 'form', code: 'visit_gone' }]) : showVisit(c, visit)
    }
  })
  console.page({
    method: 'POST',
    path: '/admin/counter/visits/:id',
    roles,
    handler: async (c) => {
      const ticked = counterChecks.filter((check) => c.field(`check_${check}`) === '1')
      const given = await giveCode(deps, operatorOf(c), idOf(c), { checks: ticked, reason: c.field('reason') })
      if (given.ok) {
        return c.page('console/in-person/code', {
          code: given.code.replace(/(.{4})/, '$1 '),
          name: given.name,
          until: given.expiresAt.toISOString(),
          hours: counterCodeHours,
          codeId: given.codeId
        })
      }
      const visit =
        given.code === 'gone' || given.code === 'too_many' ? null : await findVisit(deps, operatorOf(c), idOf(c))
      if (visit === null) {
        return await showCounter(c, [
          { field: 'form', code: given.code === 'too_many' ? 'codes_too_many' : 'visit_gone' }
        ])
      }
      return showVisit(c, visit, {
        ticked,
        reason: c.field('reason'),
        errors: [
          given.code === 'unchecked'
            ? { field: `check_${counterChecks.find((check) => !ticked.includes(check)) ?? ''}`, code: 'unchecked' }
            : { field: 'reason_0', code: 'pick_one' }
        ]
      })
    }
  })

  console.page({
    method: 'POST',
    path: '/admin/counter/codes/:id/cancel',
    roles,
    handler: async (c) =>
      c.redirect(
        '/admin/counter',
        (await cancelOwnCode(deps, operatorOf(c), idOf(c))) ? 'code_cancelled' : 'code_not_live'
      )
  })
}

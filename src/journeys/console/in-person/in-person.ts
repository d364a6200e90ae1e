/** 窗口: one person checked in person, the code for them, and the codes given today. */
import type { FieldError } from '../../../http/pages.ts'
import {
  startInPersonSession,
  cancelOwnCode,
  codesGiven,
  inPersonChecks,
  inPersonLimits,
  inPersonReasons,
  findInPersonSession,
  giveCode,
  type Operator,
  type InPersonSession
} from '../../support/index.ts'
import { counterCodeHours } from '../../../records/counter-codes/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import { readId, describeViewer } from '../people/people.ts'
import type { WithConsoleLayout } from '../layout.ts'

const roles = ['counter'] as const

/** Posts `csrf`, `cert_no`. */
export interface CounterPage extends WithConsoleLayout {
  given: Array<{ id: string; name: string; at: string; until: string; state: 'live' | 'used' | 'over' }>
  errors: FieldError[]
}

/** Posts `csrf`, `check_<name>` ('1' each), `reason`. */
export interface SessionPage extends WithConsoleLayout {
  session: Omit<InPersonSession, 'liveUntil'> & { liveUntil: string | null }
  checks: readonly string[]
  reasons: readonly string[]
  ticked: readonly string[]
  reason: string
  minutes: number
  errors: FieldError[]
}

/** The only page that ever shows it. */
export interface CounterCodePage extends WithConsoleLayout {
  code: string
  name: string
  until: string
  hours: number
  codeId: string
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/in-person/start': CounterPage
    'console/in-person/session': SessionPage
    'console/in-person/code': CounterCodePage
  }
}

export function registerCounter (console: Console): void {
  const { deps } = console
  const describeOperator = (c: ConsoleRequest): Operator => describeViewer(c)

  const showCounter = async (c: ConsoleRequest, errors: FieldError[] = []) => {
    const given = await codesGiven(deps, describeOperator(c))
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

  const showSession = (
    c: ConsoleRequest,
    session: InPersonSession,
    more: Partial<Pick<SessionPage, 'ticked' | 'reason' | 'errors'>> = {}
  ) =>
    c.page(
      'console/in-person/session',
      {
        session: { ...session, liveUntil: session.liveUntil?.toISOString() ?? null },
        checks: inPersonChecks,
        reasons: inPersonReasons,
        ticked: [],
        reason: '',
        minutes: inPersonLimits.sessionMinutes,
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
      const begun = await startInPersonSession(deps, describeOperator(c), c.field('cert_no'))
      if (begun.ok) return c.redirect(`/admin/counter/visits/${begun.sessionId}`)
      return await showCounter(c, [
        {
          field: 'cert_no',
          code: `in_person_${begun.code}`,
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
      const session = await findInPersonSession(deps, describeOperator(c), readId(c))
      if (session === null) return await showCounter(c, [{ field: 'form', code: 'in_person_gone' }])
      return showSession(c, session)
    }
  })
  console.page({
    method: 'POST',
    path: '/admin/counter/visits/:id',
    roles,
    handler: async (c) => {
      const ticked = inPersonChecks.filter((check) => c.field(`check_${check}`) === '1')
      const given = await giveCode({
        deps,
        operator: describeOperator(c),
        sessionId: readId(c),
        checks: ticked,
        reason: c.field('reason')
      })
      if (given.ok) {
        return c.page('console/in-person/code', {
          code: given.code.replace(/(.{4})/, '$1 '),
          name: given.name,
          until: given.expiresAt.toISOString(),
          hours: counterCodeHours,
          codeId: given.codeId
        })
      }
      const session =
        given.code === 'gone' || given.code === 'too_many'
          ? null
          : await findInPersonSession(deps, describeOperator(c), readId(c))
      if (session === null) {
        return await showCounter(c, [
          { field: 'form', code: given.code === 'too_many' ? 'codes_too_many' : 'in_person_gone' }
        ])
      }
      return showSession(c, session, {
        ticked,
        reason: c.field('reason'),
        errors: [
          given.code === 'unchecked'
            ? { field: `check_${inPersonChecks.find((check) => !ticked.includes(check)) ?? ''}`, code: 'unchecked' }
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
        (await cancelOwnCode(deps, describeOperator(c), readId(c))) ? 'code_cancelled' : 'code_not_live'
      )
  })
}

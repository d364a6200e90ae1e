/** 审批: what waits for a second administrator, and what was decided. */
import { sql } from 'kysely'
import { adminRoles, type AdminRole } from '../../../domain/administration/administration.ts'
import type { ApprovalState } from '../../../database/schema.ts'
import type { FieldError } from '../../../http/pages.ts'
import { endorsers } from '../../../domain/administration/approval-kinds.ts'
import { needsEndorsement } from '../../../records/approvals/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import { buildPage, readList, type Pager } from '../lists.ts'
import { reauthSeconds } from '../../../records/administrators/index.ts'
import type { WithConsoleLayout } from '../layout.ts'

export interface ApprovalRow {
  id: string
  /** Message `change.<kind>`. */
  kind: string
  subject: string
  by: string
  state: ApprovalState
  at: string
  until: string
}

export interface ApprovalsPage extends WithConsoleLayout {
  rows: ApprovalRow[]
  filters: { state: string }
  pager: Pager
}

/** Forms post `csrf`, `digest`, `reason` to `<action>/approve`, `/reject`, `/withdraw`, `/vouch` (endorse). */
export interface ApprovalPage extends WithConsoleLayout {
  id: string
  title: string
  facts: Array<{ name: string; value: string }>
  state: ApprovalState
  by: string
  reason: string
  at: string
  until: string
  decision: { by: string; reason: string; at: string } | null
  digest: string
  /** First characters of the digest, in groups: the same for both administrators. */
  mark: string
  may: 'decide' | 'endorse' | 'withdraw' | 'nothing'
  /** Of a superseded one: where the request that took its place is; null: a change that was made did. */
  supersededBy: string | null
  /** Requests whose place this one took. */
  replaces: string[]
  /** Beside the endorsement: the request may be refused at once. */
  mayReject: boolean
  /** For the request of a program: who endorsed it, or null. */
  program: { endorsed: { by: string; reason: string; at: string } | null } | null
  /** Credentials must be given again first. */
  againHref: string | null
  approvers: AdminRole[]
  /** Nobody is there who could decide. */
  nobody: boolean
  typed: string
  errors: FieldError[]
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/approvals/approvals': ApprovalsPage
    'console/approvals/approval': ApprovalPage
  }
}

const states: readonly ApprovalState[] = [
  'pending',
  'approved',
  'rejected',
  'withdrawn',
  'expired',
  'superseded'
]

/** Each act and its address. */
const acts = [
  ['endorse', 'vouch'],
  ['approve', 'approve'],
  ['reject', 'reject'],
  ['withdraw', 'withdraw']
] as const

export function registerApprovals (console: Console): void {
  const {
    approvals,
    deps: { db }
  } = console

  console.page({
    method: 'GET',
    path: '/admin/approvals',
    roles: adminRoles,
    handler: async (c) => {
      const list = readList(c.request, ['state'], ['time', 'text'])
      const state =
        states.find((one) => one === list.filters.state) ?? (list.filters.state === 'all' ? null : 'pending')
      // an outdated request has ended, also before it is swept
      const stateNow = sql<ApprovalState>`case when change.state = 'pending'
        and change.expires_at <= now() then 'expired' else change.state end`
      const found = await db
        .selectFrom('pendingChange as change')
        .leftJoin('adminAccount as account', (join) =>
          join.on(sql<boolean>`'admin:' || account.id = change.requested_by`)
        )
        .select([
          'change.id',
          'change.kind',
          'change.subject',
          'change.requestedBy',
          'change.createdAt',
          'change.expiresAt',
          'account.displayName'
        ])
        .select(stateNow.as('state'))
        .$if(state !== null, (query) => query.where(stateNow, '=', state as ApprovalState))
        // counter staff see what they asked for
        .$if(c.administrator.role === 'counter', (query) =>
          query.where('change.requestedBy', '=', `admin:${c.administrator.id}`)
        )
        .$if(list.after !== null, (query) =>
          query.where(
            sql<boolean>`(date_trunc('milliseconds', change.created_at),
              change.id) < (${list.after?.[0] ?? ''}::timestamptz, ${list.after?.[1] ?? ''})`
          )
        )
        .orderBy(sql`date_trunc('milliseconds', change.created_at)`, 'desc')
        .orderBy('change.id', 'desc')
        .limit(list.limit)
        .execute()
      const { rows, pager } = buildPage(list, found, (row) => [row.createdAt.toISOString(), row.id])
      if (list.csv) {
        return c.csv(
          'approvals.csv',
          ['id', 'kind', 'subject', 'requested_by', 'state', 'created_at'],
          rows.map((row) => [row.id, row.kind, row.subject, row.requestedBy, row.state, row.createdAt.toISOString()])
        )
      }
      return c.page('console/approvals/approvals', {
        rows: rows.map((row) => ({
          id: row.id,
          kind: row.kind,
          subject: row.subject,
          by: row.displayName ?? row.requestedBy,
          state: row.state,
          at: row.createdAt.toISOString(),
          until: row.expiresAt.toISOString()
        })),
        filters: { state: state ?? 'all' },
        pager
      })
    }
  })

  const show = async (c: ConsoleRequest, errors: FieldError[] = []): Promise<ReturnType<ConsoleRequest['page']>> => {
    const { id } = c.request.params as { id: string }
    const me = `admin:${c.administrator.id}`
    const shown = await approvals.show(id, c.t)
    if (shown === null || (c.administrator.role === 'counter' && shown.row.requestedBy !== me)) return c.notFound()
    const { row, description, digest } = shown
    const names = await db
      .selectFrom('adminAccount')
      .select(['id', 'displayName'])
      .where(sql<boolean>`'admin:' || id in (${row.requestedBy}, ${row.decidedBy ?? ''}, ${row.vouchedBy ?? ''})`)
      .execute()
    const formatActor = (actor: string): string => names.find((one) => `admin:${one.id}` === actor)?.displayName ?? actor
    const replaced = await db
      .selectFrom('pendingChange')
      .select('id')
      .where('supersededBy', '=', id)
      .orderBy('id')
      .execute()
    const open = row.state === 'pending'
    const { role } = c.administrator
    const endorse = needsEndorsement(row)
    const able = (endorse ? endorsers : row.approvers).includes(role) && description !== null
    const may = !open
      ? 'nothing'
      : row.requestedBy === me || row.vouchedBy === me
        ? 'withdraw'
        : able
          ? endorse
            ? 'endorse'
            : 'decide'
          : 'nothing'
    const asker = row.vouchedBy ?? row.requestedBy
    return c.page(
      'console/approvals/approval',
      {
        id,
        title: description?.title ?? c.t.code([`console.approvals.change.${row.kind}`], 'console.approvals.change.other'),
        facts: description?.facts ?? [],
        state: row.state,
        by: formatActor(row.requestedBy),
        reason: row.reason,
        at: row.createdAt.toISOString(),
        until: row.expiresAt.toISOString(),
        decision:
          row.decidedBy === null || row.decidedAt === null
            ? null
            : { by: formatActor(row.decidedBy), reason: row.decisionReason ?? '', at: row.decidedAt.toISOString() },
        digest,
        mark: digest.slice(0, 12).replace(/(.{4})(?=.)/g, '$1 '),
        may,
        supersededBy: row.supersededBy,
        replaces: replaced.map((one) => one.id),
        mayReject: may === 'decide' || (may === 'endorse' && row.approvers.includes(role)),
        program: row.requestedBy.startsWith('client:')
          ? {
              endorsed:
                row.vouchedBy === null || row.vouchedAt === null
                  ? null
                  : { by: formatActor(row.vouchedBy), reason: row.vouchedReason ?? '', at: row.vouchedAt.toISOString() }
            }
          : null,
        againHref:
          (may === 'decide' || may === 'endorse') && c.administrator.authenticatedSecondsAgo > reauthSeconds
            ? `/admin/again?to=${encodeURIComponent(`/admin/approvals/${id}`)}`
            : null,
        approvers: endorse ? [...endorsers] : row.approvers,
        nobody:
          open &&
          ((await approvals.approversLeft(row.approvers, asker)) === 0 ||
            (endorse && (await approvals.approversLeft(endorsers, asker)) < 2)),
        typed: errors.length > 0 ? c.field('reason') : '',
        errors
      },
      { status: errors.length > 0 ? 422 : 200 }
    )
  }

  console.page({ method: 'GET', path: '/admin/approvals/:id', roles: adminRoles, handler: async (c) => await show(c) })

  for (const [act, path] of acts) {
    const roles: AdminRole[] = act === 'withdraw' ? ['system', 'security', 'counter'] : ['system', 'security']
    console.page({
      method: 'POST',
      path: `/admin/approvals/:id/${path}`,
      roles,
      reauth: act !== 'withdraw',
      handler: async (c) => {
        const { id } = c.request.params as { id: string }
        const confirmed = c.confirmed()
        if (!confirmed.ok) return await show(c, confirmed.errors)
        const { role } = c.administrator
        const decisions = {
          endorse: async () => await approvals.endorse(id, { digest: c.field('digest'), role, act: confirmed.act }),
          approve: async () => await approvals.approve(id, { digest: c.field('digest'), role, act: confirmed.act }),
          reject: async () => await approvals.reject(id, role, confirmed.act),
          withdraw: async () => await approvals.withdraw(id, confirmed.act)
        }
        const decided = await decisions[act]()
        if (!decided.ok) return await show(c, [{ field: 'form', code: `change_${decided.code}` }])
        if (decided.once === null) return c.redirect('/admin/approvals', `change_${act}`)
        return c.page('console/once', {
          title: c.t('console.approvals.change.once.title'),
          lead: c.t('console.approvals.change.once.lead'),
          ...decided.once,
          backHref: '/admin/approvals'
        })
      }
    })
  }
}

/** 审计: the audit trail, for auditors, who change nothing. Every search of it is audited too. */
import { PassThrough } from 'node:stream'
import { inTransaction } from '../../../database/transaction.ts'
import type { AdminTranslate } from '../../../http/locale.ts'
import { pacedWriter } from '../../../http/paced-writer.ts'
import type { FieldError } from '../../../http/pages.ts'
import {
  addressPattern,
  auditEvents,
  eventMeanings,
  exportAudit,
  findAuditEvent,
  rangeOfTime,
  searchAudit,
  verifyChain,
  type AuditEventType,
  type AuditFilters,
  type AuditOutcome,
  type FoundEvent,
  type Verification
} from '../../../records/audit/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import { buildPage, readList, type Pager } from '../lists.ts'
import type { WithConsoleLayout } from '../layout.ts'

const roles = ['audit'] as const
const names = [
  'from',
  'to',
  'type',
  'outcome',
  'actor',
  'person',
  'organization',
  'client',
  'trace',
  'address'
] as const
type Name = (typeof names)[number]
const outcomes: readonly AuditOutcome[] = ['success', 'failure', 'denied']

interface Row {
  id: number
  at: string
  type: string
  meaning: string
  outcome: string
  actor: string
  about: string
  address: string
  genuine: boolean
}

/** Filters are in the address. `types`: names with their meaning. */
export interface AuditPage extends WithConsoleLayout {
  rows: Row[]
  pager: Pager
  filters: Record<Name, string>
  types: Array<{ type: string; meaning: string }>
  outcomes: readonly string[]
  errors: FieldError[]
}
export interface AuditEventPage extends WithConsoleLayout {
  id: number
  meaning: string
  facts: Array<{ name: string; value: string }>
  details: Array<{ name: string; value: string }>
  genuine: boolean
  sealed: boolean
}
/** The check posts `csrf`, `events`. */
export interface AuditChainPage extends WithConsoleLayout {
  steps: readonly number[]
  result: Verification | null
}
/** Posts `csrf`, `from`, `to`, `reason`; the answer is a file. */
export interface AuditExportPage extends WithConsoleLayout {
  from: string
  to: string
  reason: string
  errors: FieldError[]
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/audit/audit': AuditPage
    'console/audit/event': AuditEventPage
    'console/audit/chain': AuditChainPage
    'console/audit/export': AuditExportPage
  }
}

const describeMeaning = (type: string, t: AdminTranslate): string =>
  eventMeanings[type as AuditEventType]?.[t.locale === 'en' ? 1 : 0] ?? type

/** Days and minutes as the form gives them are those of the service: Asia/Shanghai. */
function moment (text: string, endOfDay = false): Date | null {
  // years that the database and every format can hold
  const [, day, time] = /^((?:19|20|21)\d{2}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2})?))?$/.exec(text) ?? []
  if (day === undefined) return null
  const at = new Date(`${day}T${time ?? '00:00'}+08:00`)
  if (Number.isNaN(at.getTime())) return null
  return endOfDay && time === undefined ? new Date(at.getTime() + 86_400_000) : at
}

/**
 * Ids of ours only: the audit trail stores what was searched for and deletes nothing, so no number or name of a person
 * may be searched for.
 */
const ids = {
  actor:
    /^(?:person:per_[\w-]{22}|admin:adm_[\w-]{8,64}|client:[A-Za-z][\w.-]{2,63}|(?:operator|staff):[\p{L}_][\p{L}\w.@ -]{0,31}|system|anonymous)$/u,
  person: /^per_[\w-]{22}$/,
  organization: /^org_[\w-]{22}$/,
  client: /^[A-Za-z][\w.-]{2,63}$/,
  // as error pages show it: in groups of four
  trace: /^(?:[0-9a-f] ?){12}$/
} as const

/** The meaning of the form; unreadable input is a fault, and never ignored. */
function readFilters (given: Record<Name, string>): { filters: AuditFilters; errors: FieldError[] } {
  const errors: FieldError[] = []
  const read = <T>(field: Name, parse: (text: string) => T | null | undefined): T | undefined => {
    if (given[field] === '') return undefined
    const value = parse(given[field])
    if (value === null || value === undefined) errors.push({ field, code: 'invalid' })
    return value ?? undefined
  }
  const id = (field: keyof typeof ids): string | undefined =>
    read(field, (text) => (ids[field].test(text) ? (field === 'trace' ? text.replaceAll(' ', '') : text) : null))
  const filters: AuditFilters = {
    from: read('from', (text) => moment(text)),
    to: read('to', (text) => moment(text, true)),
    type: read('type', (text) => (Object.hasOwn(auditEvents, text) || /^[a-z-]+\.$/.test(text) ? text : null)),
    outcome: read('outcome', (text) => outcomes.find((one) => one === text)),
    actor: id('actor'),
    personId: id('person'),
    organizationId: id('organization'),
    clientId: id('client'),
    traceId: id('trace'),
    address: read('address', addressPattern)
  }
  return { filters, errors }
}

function toRow (event: FoundEvent, t: AdminTranslate): Row {
  const { id, at, type, outcome, actor, personId, organizationId, delegationId, clientId, address, genuine } = event
  return {
    id,
    at: at.toISOString(),
    type,
    meaning: describeMeaning(type, t),
    outcome,
    actor: actor ?? '',
    about: [personId, organizationId, delegationId, clientId].filter(Boolean).join(' · '),
    address: address ?? '',
    genuine
  }
}

const chainSteps = [1000, 10_000, 100_000] as const

export function registerAudit (console: Console): void {
  const { deps } = console
  const { db, crypto, audit, config } = deps

  const record = async (
    c: ConsoleRequest,
    {
      type,
      reason,
      details
    }: {
      type: 'audit.searched' | 'audit.verified' | 'audit.exported'
      reason: string | null
      details: Record<string, string | number | boolean>
    }
  ): Promise<void> => {
    const { actor, address, traceId } = c.act(reason ?? type)
    await inTransaction(db, async (trx) => {
      await audit.record(trx, { type, actor, address, traceId, reason, role: c.administrator.role, details })
    })
  }

  console.page({
    method: 'GET',
    path: '/admin/audit',
    roles,
    handler: async (c) => {
      const list = readList(c.request, names, 1)
      const { filters, errors } = readFilters(list.filters)
      const types = Object.keys(auditEvents).map((type) => ({ type, meaning: describeMeaning(type, c.t) }))
      const model = { filters: list.filters, types, outcomes }
      const before = list.after === null ? null : Number(list.after[0])
      if (before !== null && !Number.isSafeInteger(before)) return c.notFound()
      if (errors.length > 0) {
        return c.page(
          'console/audit/audit',
          { ...model, rows: [], pager: { nextHref: null, firstHref: null, csvHref: null }, errors },
          { status: 422 }
        )
      }
      const used = Object.entries(list.filters).filter(([, value]) => value !== '')
      await record(c, {
        type: list.csv ? 'audit.exported' : 'audit.searched',
        reason: null,
        details: {
          ...Object.fromEntries(used),
          ...(list.csv ? { format: 'csv' } : {}),
          ...(before === null ? {} : { before })
        }
      })
      const found = await searchAudit(db, { crypto, filters, page: { before, limit: list.limit } })
      const { rows, pager } = buildPage(list, found, ({ id }) => [String(id)])
      if (list.csv) {
        return c.csv(
          'audit.csv',
          [
            'id',
            'sequence',
            'at',
            'type',
            'outcome',
            'actor',
            'person',
            'organization',
            'delegation',
            'role',
            'client',
            'address',
            'trace',
            'reason',
            'details'
          ],
          rows.map((row) => [
            row.id,
            row.sequence ?? '',
            row.atText,
            row.type,
            row.outcome,
            row.actor ?? '',
            row.personId ?? '',
            row.organizationId ?? '',
            row.delegationId ?? '',
            row.role ?? '',
            row.clientId ?? '',
            row.address ?? '',
            row.traceId ?? '',
            row.reason ?? '',
            JSON.stringify(row.details)
          ])
        )
      }
      return c.page('console/audit/audit', { ...model, rows: rows.map((row) => toRow(row, c.t)), pager, errors })
    }
  })

  console.page({
    method: 'GET',
    path: '/admin/audit/events/:id',
    roles,
    handler: async (c) => {
      const { id = '' } = c.request.params as { id?: string }
      const event = /^[1-9]\d{0,14}$/.test(id) ? await findAuditEvent(db, crypto, Number(id)) : null
      if (event === null) return c.notFound()
      await record(c, { type: 'audit.searched', reason: null, details: { event: event.id } })
      const { t } = c
      const facts: Array<[string, unknown]> = [
        [t('console.audit.at'), event.atText],
        [t('console.audit.type'), event.type],
        [t('console.audit.outcome'), t.code([`console.audit.outcome.${event.outcome}`], 'console.audit.outcome')],
        [t('console.audit.actor'), event.actor],
        [t('console.audit.person'), event.personId],
        [t('console.audit.organization'), event.organizationId],
        [t('console.audit.delegation'), event.delegationId],
        [t('console.audit.role'), event.role],
        [t('console.audit.client'), event.clientId],
        [t('console.audit.login'), event.loginAttemptUid],
        [t('console.audit.device'), event.deviceId],
        [t('console.audit.address'), event.address],
        [t('console.audit.trace'), event.traceId],
        [t('console.audit.reason'), event.reason],
        [t('console.audit.sequence'), event.sequence],
        ['MAC', event.mac]
      ]
      return c.page('console/audit/event', {
        id: event.id,
        meaning: describeMeaning(event.type, t),
        facts: facts
          .filter(([, value]) => value !== null && value !== '')
          .map(([name, value]) => ({ name, value: String(value) })),
        details: Object.entries(event.details).map(([name, value]) => ({
          name,
          value: typeof value === 'string' ? value : JSON.stringify(value)
        })),
        genuine: event.genuine,
        sealed: event.sequence !== null
      })
    }
  })

  console.page({
    method: 'GET',
    path: '/admin/audit/chain',
    roles,
    handler: (c) => c.page('console/audit/chain', { steps: chainSteps, result: null })
  })
  console.page({
    method: 'POST',
    path: '/admin/audit/chain',
    roles,
    handler: async (c) => {
      const events = chainSteps.find((step) => String(step) === c.field('events')) ?? chainSteps[0]
      const head = await db
        .selectFrom('auditEvent')
        .select((e) => e.fn.max('sequence').as('last'))
        .executeTakeFirst()
      const result = await verifyChain(db, crypto, { from: Math.max(1, Number(head?.last ?? 0) - events + 1) })
      await record(c, {
        type: 'audit.verified',
        reason: null,
        details: result.ok
          ? { from: result.from, to: result.to, whole: true }
          : { whole: false, kind: result.fault.kind, sequence: result.fault.sequence }
      })
      return c.page('console/audit/chain', { steps: chainSteps, result })
    }
  })

  console.page({
    method: 'GET',
    path: '/admin/audit/export',
    roles,
    reauth: true,
    handler: (c) => c.page('console/audit/export', { from: '', to: '', reason: '', errors: [] })
  })
  console.page({
    method: 'POST',
    path: '/admin/audit/export',
    roles,
    reauth: true,
    handler: async (c) => {
      const [from, to, reason] = [c.field('from').trim(), c.field('to').trim(), c.field('reason').trim()]
      const time = { from: moment(from), to: moment(to, true) }
      const errors: FieldError[] = [
        ...(time.from === null ? [{ field: 'from', code: 'invalid' }] : []),
        ...(time.to === null || (time.from !== null && time.to <= time.from)
          ? [{ field: 'to', code: 'invalid' }]
          : []),
        ...(reason === '' || reason.length > 200 ? [{ field: 'reason', code: 'required' }] : [])
      ]
      const range =
        time.from === null || time.to === null || errors.length > 0
          ? null
          : await rangeOfTime(db, { from: time.from, to: time.to })
      if (range === null) {
        return c.page(
          'console/audit/export',
          { from, to, reason, errors: errors.length > 0 ? errors : [{ field: 'from', code: 'audit_nothing' }] },
          { status: 422 }
        )
      }
      await record(c, { type: 'audit.exported', reason, details: { ...range } })
      const file = new PassThrough()
      // page by page as fast as the browser reads; a fault ends the file before its trailer, and the verification shows
      // it
      exportAudit({ db, crypto }, range, { issuer: config.issuer, write: pacedWriter(file) }).then(
        () => {
          file.end()
        },
        (error: unknown) => {
          deps.log.warn({ err: error, traceId: c.request.id }, 'audit export ended early')
          file.destroy()
        }
      )
      return await c.reply
        .header('content-type', 'application/jsonl; charset=utf-8')
        .header('cache-control', 'no-store')
        .header('content-disposition', `attachment; filename="audit-${range.from}-${range.to}.jsonl"`)
        .send(file)
    }
  })
}

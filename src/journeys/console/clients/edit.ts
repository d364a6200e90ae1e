/** The tabs of a client that are forms. Each posts its own fields; what is checked and stored is the whole object. */
import type { FastifyReply } from 'fastify'
import { write } from '../../../database/transaction.ts'
import { validateClient, type ClientFault, type ClientRules } from '../../../domain/client/metadata.ts'
import type { ClientRecord } from '../../../domain/client/record.ts'
import {
  changeClient,
  clientHistory,
  listSecrets,
  statusSteps,
  usesSecret,
  type Changed
} from '../../../records/clients/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import { faultWords, type Control } from '../controls.ts'
import { buildControls, belongsToTab, tabNames, typedOver, type TabName, type Typed } from './forms.ts'
import type { WithConsoleLayout } from '../layout.ts'
import { diffRows } from '../change-history.ts'
import { addressPart, type FailureRow, type TesterResult } from './address-part.ts'
import {
  askApproval,
  describeOwnClient,
  buildLayout,
  mayChange,
  buildPath,
  readers,
  writers,
  type ClientLayout
} from './layout.ts'

export interface SecretRow {
  id: string
  hint: string
  createdAt: string
  expiresAt: string | null
  lastUsed: string | null
}

/** A tab: a form, or something to read (`controls` empty), and further content. */
export interface ClientEditPage extends WithConsoleLayout {
  client: ClientLayout
  /** Only for reading: no form. */
  controls: Control[]
  reason: string
  faults: string[]
  action: string
  facts: Array<{ name: string; value: string }>
  secrets: SecretRow[] | null
  addresses: { pasted: string; result: TesterResult | null; failures: FailureRow[] } | null
  /** Status acts that are possible now. */
  acts: Array<{ href: string; label: string }>
  logo: boolean
}

export interface ClientConflictPage extends WithConsoleLayout {
  client: ClientLayout
  rows: Array<{ field: string; theirs: string; yours: string }>
  changedBy: string
  changedAt: string
  action: string
  /** The form as it was posted, for sending it once more on top of theirs. */
  hidden: Array<{ name: string; value: string }>
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/clients/edit': ClientEditPage
    'console/clients/conflict': ClientConflictPage
  }
}

export const toTyped = ({ kind, metadata, policy }: ClientRecord): Typed => ({
  kind,
  metadata: { ...metadata },
  policy: { ...policy }
})

interface Shown {
  typed?: Typed
  faults?: readonly ClientFault[]
  reason?: string
  problems?: string[]
  tester?: { pasted: string; result: TesterResult | null }
}

interface TabPageInput {
  client: ClientRecord
  tab: TabName
  rules: ClientRules
  shown?: Shown | undefined
}

/** A tab as a page, with what was typed and what is wrong with it. */
export async function tabPage (
  console: Console,
  c: ConsoleRequest,
  { client, tab, rules, shown = {} }: TabPageInput
): Promise<FastifyReply> {
  const { typed = toTyped(client), faults = [], reason = '', problems = [], tester } = shown
  const may = mayChange(c, client)
  const controls = buildControls({ tab, client: typed, rules, t: c.t, faults })
  // at another tab, perhaps, or of no field that a form has
  const elsewhere = faults
    .filter((fault) => !belongsToTab({ tab, client: typed, rules, t: c.t, fault }))
    .map((fault) => `${fault.field}: ${faultWords(c.t, fault)}`)
  const wrong = [
    ...problems,
    ...controls.flatMap((control) => control.faults.map((words) => `${control.label}: ${words}`)),
    ...elsewhere
  ]
  const secrets =
    tab === 'credentials' && usesSecret(client.metadata) ? await listSecrets(console.deps.db, client.clientId) : null
  return c.page(
    'console/clients/edit',
    {
      client: buildLayout(c, client, tab),
      controls,
      reason,
      faults: wrong,
      action: buildPath(client.clientId, tab === 'basic' ? '' : tab),
      facts:
        tab === 'basic'
          ? [
              { name: c.t('console.clients.client_id'), value: client.clientId },
              { name: c.t('console.clients.kind'), value: c.t(`console.clients.kind.${client.kind}`) },
              { name: c.t('console.clients.issuer'), value: console.deps.config.issuer },
              { name: c.t('console.clients.version'), value: String(client.version) }
            ]
          : [],
      secrets:
        secrets?.map(({ id, hint, createdAt, expiresAt, lastUsedOn }) => ({
          id,
          hint,
          createdAt: createdAt.toISOString(),
          expiresAt: expiresAt?.toISOString() ?? null,
          lastUsed: lastUsedOn
        })) ?? null,
      addresses: tab === 'addresses' ? await addressPart(console, c, { client, tester }) : null,
      acts:
        tab === 'basic' && may
          ? [
              ...statusSteps[client.status].map((status) => ({
                href: buildPath(client.clientId, `status/${status}`),
                label: c.t(`console.clients.status.to.${status as Exclude<typeof status, 'draft'>}`)
              })),
              ...(client.status === 'draft'
                ? [{ href: buildPath(client.clientId, 'delete'), label: c.t('console.clients.delete') }]
                : [])
            ]
          : [],
      logo: tab === 'experience' && may
    },
    { status: wrong.length > 0 ? 422 : 200 }
  )
}

interface SaveTypedInput {
  client: ClientRecord
  tab: TabName
  rules: ClientRules
  typed: Typed
}

/** The outcome of a change, as an answer. `form` is shown again when it must be corrected. */
async function saveTyped (
  console: Console,
  c: ConsoleRequest,
  { client, tab, rules, typed }: SaveTypedInput
): Promise<FastifyReply> {
  const confirmed = c.confirmed()
  if (!confirmed.ok) {
    return await tabPage(console, c, {
      client,
      tab,
      rules,
      shown: {
        typed,
        reason: confirmed.reason,
        problems: c.problems(confirmed.errors)
      }
    })
  }
  const changed = await write(console.deps, changeClient, {
    act: confirmed.act,
    clientId: client.clientId,
    version: c.version(),
    content: typed
  })
  switch (changed.outcome) {
    case 'changed':
      return c.redirect(buildPath(client.clientId, tab === 'basic' ? '' : tab), 'client_changed')
    case 'unchanged':
      return c.redirect(buildPath(client.clientId, tab === 'basic' ? '' : tab), 'client_unchanged')
    case 'invalid':
      return await tabPage(console, c, {
        client,
        tab,
        rules,
        shown: {
          typed,
          faults: changed.faults,
          reason: confirmed.act.reason
        }
      })
    case 'approval_needed': {
      const checked = validateClient(typed, rules)
      if (!checked.ok) {
        return await tabPage(console, c, {
          client,
          tab,
          rules,
          shown: {
            typed,
            faults: checked.faults,
            reason: confirmed.act.reason
          }
        })
      }
      return await askApproval(c, { client, content: checked.content, act: confirmed.act })
    }
    case 'conflict':
      return await conflictPage(console, c, { extract: changed, tab })
    default:
      return c.notFound()
  }
}

/** Somebody else was faster: their version and what was typed, to decide again. */
export async function conflictPage (
  console: Console,
  c: ConsoleRequest,
  { extract: { current, diff }, tab }: { extract: Extract<Changed, { outcome: 'conflict' }>; tab: TabName }
): Promise<FastifyReply> {
  const [last] = await clientHistory(console.deps.db, { clientId: current.clientId, after: null, limit: 1 })
  return c.page(
    'console/clients/conflict',
    {
      client: buildLayout(c, current, tab),
      rows: diffRows(diff).map(({ field, before, after }) => ({ field, theirs: before, yours: after })),
      changedBy: last?.actor ?? '',
      changedAt: current.updatedAt.toISOString(),
      action: c.request.url.split('?')[0] ?? '',
      hidden: [
        ...Object.entries(c.request.body as Record<string, unknown>)
          .filter(([name]) => name !== 'csrf' && name !== 'version')
          .map(([name, value]) => ({ name, value: String(value) })),
        { name: 'version', value: String(current.version) }
      ]
    },
    { status: 412 }
  )
}

export function registerClientTabs (console: Console, rules: ClientRules): void {
  for (const tab of tabNames) {
    const path = tab === 'basic' ? '/admin/clients/:id' : `/admin/clients/:id/${tab}`
    console.page({
      method: 'GET',
      path,
      roles: readers,
      handler: async (c) => await tabPage(console, c, { client: await describeOwnClient(c, console), tab, rules })
    })
    console.page({
      method: 'POST',
      path,
      roles: writers,
      handler: async (c) => {
        const client = await describeOwnClient(c, console)
        if (!mayChange(c, client)) return c.notFound()
        return await saveTyped(console, c, {
          client,
          tab,
          rules,
          typed: typedOver({ tab, client: toTyped(client), field: c.field, rules })
        })
      }
    })
  }
}

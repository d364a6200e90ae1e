/**
 * A new client in four questions. The answers are in the form until the last question, so nothing unfinished is stored;
 * a fault leads back to its question. A power that needs approval is requested at once, and the client is created
 * without it.
 */
import type { FastifyReply } from 'fastify'
import { inTransaction } from '../../../database/transaction.ts'
import { dualControlReasons, withoutPowers } from '../../../domain/administration/dual-control.ts'
import { validateClient, type ClientFault, type ClientRules } from '../../../domain/client/metadata.ts'
import { clientChangeKind, clientChangeRequest, createClient } from '../../../records/clients/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import type { WithConsoleLayout } from '../layout.ts'
import { buildPath, writers } from './layout.ts'
import { faultWords, type Control } from '../controls.ts'
import { buildControls, belongsToTab, typedOver, type TabName, type Typed } from './forms.ts'

export interface ClientNewPage extends WithConsoleLayout {
  step: number
  steps: number
  controls: Control[]
  faults: string[]
  hidden: Array<{ name: string; value: string }>
  last: boolean
}

export interface ClientMadePage extends WithConsoleLayout {
  clientId: string
  name: string
  secret: string | null
  download: string | null
  facts: Array<{ name: string; value: string }>
  /** What waits for a second administrator, in words. */
  waitingFor: string[]
  waitingHref: string | null
  snippetsHref: string | null
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/clients/wizard': ClientNewPage
    'console/clients/made': ClientMadePage
  }
}

const questions = ['kind', 'basic', 'addresses', 'permissions'] as const satisfies ReadonlyArray<TabName | 'kind'>
/** What the questions leave out has its default; further settings are on the pages of the client. */
const leftOut: Partial<Record<(typeof questions)[number], string[]>> = {
  basic: ['contacts'],
  addresses: ['initiate_login_uri', 'sector_identifier_uri'],
  permissions: ['introspects', 'aliases', 'optional', 'requests', 'admin_scopes']
}
const start: Typed = { kind: 'server', metadata: {}, policy: { subjectKinds: ['person'], roles: ['self'] } }

export function registerClientWizard (console: Console, rules: ClientRules): void {
  const { deps } = console
  const path = '/admin/clients/new'

  /** Everything that was answered so far. */
  const typedBy = (c: ConsoleRequest, until: number): Typed =>
    questions
      .slice(0, until + 1)
      .reduce<Typed>((typed, question) => typedOver({ tab: question, client: typed, field: c.field, rules }), start)

  const ask = (
    c: ConsoleRequest,
    {
      step,
      typed,
      faults = [],
      problems = []
    }: { step: number; typed: Typed; faults?: readonly ClientFault[] | undefined; problems?: string[] | undefined }
  ): FastifyReply => {
    const question = questions[step] ?? 'kind'
    const controls = buildControls({ tab: question, client: typed, rules, t: c.t, faults }).filter(
      ({ id }) => leftOut[question]?.includes(id) !== true
    )
    const own = new Set(
      controls.flatMap((control) => (control.type === 'checks' ? control.options.map(({ id }) => id) : [control.id]))
    )
    const body = (c.request.body ?? {}) as Record<string, unknown>
    const elsewhere = faults
      .filter((fault) => !controls.some((control) => control.faults.includes(faultWords(c.t, fault))))
      .map((fault) => `${fault.field}: ${faultWords(c.t, fault)}`)
    return c.page(
      'console/clients/wizard',
      {
        step: step + 1,
        steps: questions.length,
        controls,
        faults: [
          ...problems,
          ...controls.flatMap((control) => control.faults.map((words) => `${control.label}: ${words}`)),
          ...elsewhere
        ],
        hidden: Object.entries(body)
          .filter(([name]) => !own.has(name) && !['csrf', 'step', 'back', 'reason'].includes(name))
          .map(([name, value]) => ({ name, value: String(value) })),
        last: step === questions.length - 1
      },
      { status: faults.length + problems.length > 0 ? 422 : 200 }
    )
  }

  console.page({
    method: 'GET',
    path,
    roles: writers,
    reauth: true,
    handler: (c) => ask(c, { step: 0, typed: start })
  })
  console.page({
    method: 'POST',
    path,
    roles: writers,
    reauth: true,
    handler: async (c) => {
      const step = Math.min(Math.max(Number(c.field('step')) - 1 || 0, 0), questions.length - 1)
      const typed = typedBy(c, step)
      if (c.field('back') !== '') return ask(c, { step: Math.max(0, step - 1), typed: typedBy(c, step) })
      const question = questions[step] ?? 'kind'
      const checked = validateClient(typed, rules)
      const faults = checked.ok ? [] : checked.faults
      // only what was asked by now can be wrong
      const now = faults.filter((fault) => belongsToTab({ tab: question, client: typed, rules, t: c.t, fault }))
      if (now.length > 0) return ask(c, { step, typed, faults: now })
      // a kind without addresses has no question about them
      const empty = (at: number): boolean =>
        buildControls({ tab: questions[at] ?? 'kind', client: typed, rules, t: c.t }).length === 0
      if (step < questions.length - 1) return ask(c, { step: empty(step + 1) ? step + 2 : step + 1, typed })
      const confirmed = c.confirmed()
      if (!confirmed.ok) return ask(c, { step, typed, faults: [], problems: [c.t('fault.reason.required')] })
      if (!checked.ok) {
        const first = questions.findIndex((one) =>
          faults.some((fault) => belongsToTab({ tab: one, client: typed, rules, t: c.t, fault }))
        )
        return ask(c, { step: first < 0 ? step : first, typed, faults })
      }
      return await make(c, checked.content, confirmed.act)
    }
  })

  async function make (
    c: ConsoleRequest,
    content: Extract<ReturnType<typeof validateClient>, { ok: true }>['content'],
    act: ReturnType<ConsoleRequest['act']>
  ): Promise<FastifyReply> {
    const reasons = dualControlReasons(null, content)
    const waits = reasons.length > 0
    // the client and what is asked for it exist together, or neither does
    const { made, asked } = await inTransaction(deps.db, async (trx) => {
      const made = await createClient(trx, deps, { act, content: waits ? withoutPowers(content) : content })
      if (!waits || made.outcome !== 'created') return { made, asked: null }
      const { clientId } = made.client
      const payload = clientChangeRequest(made.client, content)
      const request = { kind: clientChangeKind, payload, subject: clientId, act }
      return { made, asked: await console.approvals.request(trx, request) }
    })
    if (made.outcome !== 'created') {
      return ask(c, {
        step: 0,
        typed: content as unknown as Typed,
        faults: made.outcome === 'invalid' ? made.faults : [],
        problems: made.outcome === 'invalid' ? [] : [c.t('fault.invalid')]
      })
    }
    const { client, secret } = made
    const text = `# ${client.policy.names['zh-CN']}\nOIDC_ISSUER=${deps.config.issuer}\nOIDC_CLIENT_ID=${client.clientId}\n${secret === null ? '' : `OIDC_CLIENT_SECRET=${secret.secret}\n`}`
    return c.page('console/clients/made', {
      clientId: client.clientId,
      name: client.policy.names['zh-CN'],
      secret: secret?.secret ?? null,
      download: `data:text/plain;charset=utf-8,${encodeURIComponent(text)}`,
      facts: [
        { name: c.t('console.clients.issuer'), value: deps.config.issuer },
        { name: c.t('console.clients.discovery'), value: `${deps.config.issuer}/.well-known/openid-configuration` },
        ...(client.metadata.redirect_uris ?? []).map((uri) => ({ name: 'redirect_uri', value: uri })),
        { name: 'scope', value: client.metadata.scope ?? '' }
      ].filter(({ value }) => value !== ''),
      waitingFor: reasons.map((reason) => c.t(`console.clients.dual_control.${reason}`)),
      waitingHref: asked === null ? null : `/admin/approvals/${asked.id}`,
      snippetsHref: c.request.server.hasRoute({ method: 'GET', url: '/admin/clients/:id/snippets' })
        ? buildPath(client.clientId, 'snippets')
        : null
    })
  }
}

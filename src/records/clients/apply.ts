/**
 * Declared clients: the declared state is compared with the stored one as a whole, in one transaction. One faulty entry
 * means that nothing is changed; the same declaration changes nothing the second time.
 */
import type { Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { Act } from '../../domain/administration/administration.ts'
import { findGrantFaults } from '../../domain/client/api-grants.ts'
import { diffContent, type ClientDifference } from '../../domain/client/diff.ts'
import { step } from '../../domain/client/faults.ts'
import { dualControlReasons, type DualControlReason } from '../../domain/administration/dual-control.ts'
import { validateClient, type ClientFault } from '../../domain/client/metadata.ts'
import { clientStatuses, type ClientRecord, type ClientStatus } from '../../domain/client/record.ts'
import type { ClientsDeps } from './deps.ts'
import {
  changeClient,
  clientIdFault,
  createClient,
  deleteDraft,
  setClientStatus,
  statusSteps,
  type RegistryServices
} from './change.ts'
import { findClients, findOfferedScopes, type Db } from './repository.ts'
import { clientRules } from './rules.ts'

export interface WantedClient {
  clientId: unknown
  /** Absent: as it is; a new client is in test. */
  status?: unknown
  /** `{kind, metadata, policy}`. */
  content: unknown
}

export interface PlanLine {
  clientId: string
  name: string
  action: 'create' | 'change' | 'disable' | 'delete' | 'none'
  diff: ClientDifference[]
  /** Why another person must agree. */
  reasons: DualControlReason[]
}

/** `field` of a fault: pointer below `/clients`. */
export type Planned = { ok: true; lines: PlanLine[] } | { ok: false; faults: ClientFault[] }

interface Step {
  line: PlanLine
  content: unknown
  status: ClientStatus | null
}

/** Identifiers of APIs in what may be anything. */
const readGranted = (wanted: readonly WantedClient[]): string[] => [
  ...new Set(
    wanted.flatMap(({ content }) =>
      Object.keys((content as { policy?: { resources?: object } } | null)?.policy?.resources ?? {}).filter(
        (identifier) => !identifier.includes('\0')
      )
    )
  )
]

/** The plan. `prune`: clients that are not declared end (drafts are deleted, the others disabled). */
export async function planClients (
  db: Db,
  config: ClientsDeps['config'],
  {
    wanted,
    prune = false,
    declared
  }: { wanted: readonly WantedClient[]; prune?: boolean; declared?: ReadonlyMap<string, readonly string[]> }
): Promise<Planned> {
  const offered = new Map([...(await findOfferedScopes(db, readGranted(wanted))), ...(declared ?? [])])
  const planned = plan({ stored: await findClients(db, null), offered }, config, { wanted, prune })
  return planned.ok ? { ok: true, lines: planned.steps.map(({ line }) => line) } : planned
}

export type AppliedClients =
  | { ok: true; lines: PlanLine[]; secrets: Array<{ clientId: string; secret: string }> }
  | { ok: false; faults: ClientFault[] }

/** The act with the name of the second person, for the history and the audit trail. */
export const agreedAct = (act: Act, agreedBy: string): Act => ({
  ...act,
  reason: `${act.reason.slice(0, 120)} (agreed: ${agreedBy.slice(0, 60)})`
})

/**
 * Applies the plan. What needs approval (domain/administration/dual-control) is refused as a whole, unless the caller
 * names the second person.
 * @param input.agreedBy the second person: the operator has access to the database, so the name is trusted. It is
 * stored in the history and the audit trail of each such client
 * @throws DomainError `reason_required`
 */
export async function applyClients (
  trx: Transaction<Database>,
  deps: RegistryServices,
  input: { act: Act; wanted: readonly WantedClient[]; prune?: boolean; agreedBy?: string }
): Promise<AppliedClients> {
  const { act, wanted, prune = false, agreedBy = '' } = input
  // one declaration after the other, and no single change in between
  await trx.selectFrom('client').select('clientId').orderBy('clientId').forNoKeyUpdate().execute()
  const offered = await findOfferedScopes(trx, readGranted(wanted), { hold: true })
  const planned = plan({ stored: await findClients(trx, null), offered }, deps.config, { wanted, prune })
  if (!planned.ok) return planned
  const unagreed =
    agreedBy === ''
      ? planned.steps.flatMap(({ line: { reasons } }, index): ClientFault[] =>
        reasons.length === 0
          ? []
          : [{ field: step(index), code: 'second_administrator', received: reasons.join(', '), expected: '' }]
      )
      : []
  if (unagreed.length > 0) return { ok: false, faults: unagreed }
  const secrets: Array<{ clientId: string; secret: string }> = []
  for (const one of planned.steps) {
    const secret = await take(trx, {
      deps,
      act: one.line.reasons.length > 0 ? agreedAct(act, agreedBy) : act,
      step: one
    })
    if (secret !== null) secrets.push({ clientId: one.line.clientId, secret })
  }
  return { ok: true, lines: planned.steps.map(({ line }) => line), secrets }
}

async function take (
  trx: Transaction<Database>,
  {
    deps,
    act,
    step: {
      line: { clientId, action },
      content,
      status
    }
  }: { deps: RegistryServices; act: Act; step: Step }
): Promise<string | null> {
  let outcome: { outcome: string; secret?: { secret: string } | null } | string = { outcome: 'unchanged' }
  if (action === 'create') {
    outcome = await createClient(trx, deps, {
      act,
      content,
      clientId,
      approved: true,
      ...(status === null || status === 'disabled' ? {} : { status })
    })
  } else if (action === 'delete') outcome = await deleteDraft(trx, deps, { act, clientId })
  else if (action !== 'none') {
    if (content !== null) {
      outcome = await changeClient(trx, deps, { act, clientId, version: null, content, approved: true })
    }
    if (status !== null) await setClientStatus(trx, deps, { act, clientId, version: null, status })
  }
  const name = typeof outcome === 'string' ? outcome : outcome.outcome
  // planned in this transaction, so anything else is a mistake of ours: roll back
  if (!['created', 'changed', 'unchanged', 'deleted'].includes(name)) {
    throw new Error(`client ${clientId}: ${name} was not planned`)
  }
  return typeof outcome === 'string' ? null : (outcome.secret?.secret ?? null)
}

function plan (
  { stored, offered }: { stored: readonly ClientRecord[]; offered: ReadonlyMap<string, readonly string[]> },
  config: ClientsDeps['config'],
  { wanted, prune }: { wanted: readonly WantedClient[]; prune: boolean }
): { ok: true; steps: Step[] } | { ok: false; faults: ClientFault[] } {
  const rules = clientRules(config)
  const known = new Map(stored.map((client) => [client.clientId, client]))
  const faults: ClientFault[] = []
  const seen = new Set<string>()
  const steps: Step[] = []
  for (const [index, { clientId, status, content }] of wanted.entries()) {
    const at = step(index)
    const id = typeof clientId === 'string' ? clientId : ''
    const current = known.get(id)
    const before = faults.length
    const add = (fault: ClientFault): void => {
      faults.push({ ...fault, field: at + fault.field })
    }
    const idFault = clientIdFault(id)
    if (current === undefined && idFault !== null) add(idFault)
    if (seen.has(id)) add({ field: '/client_id', code: 'twice', received: id, expected: '1 ×' })
    seen.add(id)
    if (current?.policy.ownService === true) {
      add({ field: '/client_id', code: 'own_service', received: id, expected: '' })
    }
    const checked = validateClient(keepLogo(content, current), rules)
    if (!checked.ok) checked.faults.forEach(add)
    else findGrantFaults(checked.content.policy.resources, offered).forEach(add)
    const next = readStatus(status, current)
    if (next === undefined) {
      add({
        field: '/status',
        code: status === undefined || clientStatuses.includes(status as ClientStatus) ? 'status_step' : 'not_one_of',
        received: String(status),
        expected: (current === undefined
          ? ['draft', 'test', 'live']
          : [current.status, ...statusSteps[current.status]]
        ).join(' | ')
      })
    }
    if (faults.length > before || !checked.ok || next === undefined) continue
    const had = current === undefined ? {} : { kind: current.kind, metadata: current.metadata, policy: current.policy }
    const contentDiff = diffContent(had, checked.content)
    const moved = current !== undefined && next !== current.status
    const diff = [...(moved ? [{ field: '/status', before: current.status, after: next }] : []), ...contentDiff]
    steps.push({
      line: {
        clientId: id,
        name: checked.content.policy.names['zh-CN'],
        action: current === undefined ? 'create' : diff.length === 0 ? 'none' : 'change',
        diff,
        reasons: contentDiff.length === 0 ? [] : dualControlReasons(current ?? null, checked.content)
      },
      content: contentDiff.length === 0 ? null : checked.content,
      status: current === undefined || moved ? next : null
    })
  }
  if (prune) {
    steps.push(
      ...stored
        .filter(
          ({ clientId, policy, status }) => !seen.has(clientId) && policy.ownService !== true && status !== 'disabled'
        )
        .map(ending)
    )
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, steps }
}

function ending ({ clientId, status, policy }: ClientRecord): Step {
  const draft = status === 'draft'
  return {
    line: {
      clientId,
      name: policy.names['zh-CN'],
      action: draft ? 'delete' : 'disable',
      diff: [{ field: '/status', before: status, after: draft ? undefined : 'disabled' }],
      reasons: []
    },
    content: null,
    status: draft ? null : 'disabled'
  }
}

/** The status it will have; undefined: it cannot get there. */
function readStatus (status: unknown, current: ClientRecord | undefined): ClientStatus | undefined {
  const wanted = status ?? current?.status ?? 'test'
  if (!clientStatuses.includes(wanted as ClientStatus)) return undefined
  const next = wanted as ClientStatus
  if (current === undefined) return next === 'disabled' ? undefined : next
  return next === current.status || statusSteps[current.status].includes(next) ? next : undefined
}

function keepLogo (content: unknown, current: ClientRecord | undefined): unknown {
  const policy = (content as { policy?: unknown } | null)?.policy
  if (current?.policy.logo === undefined || typeof policy !== 'object' || policy === null) return content
  return { ...(content as object), policy: { ...policy, logo: current.policy.logo } }
}

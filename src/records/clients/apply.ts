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
import type { ApprovalKind } from '../../domain/administration/approval-kinds.ts'
import {
  dualControlReasons,
  statusReasons,
  withoutPowers,
  type DualControlReason
} from '../../domain/administration/dual-control.ts'
import { validateClient, type ClientFault } from '../../domain/client/metadata.ts'
import { clientStatuses, type ClientContent, type ClientRecord, type ClientStatus } from '../../domain/client/record.ts'
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
import {
  clientChangeKind,
  clientChangeRequest,
  clientStatusKind,
  type ClientStatusRequest
} from './change-request.ts'
import { findClient, findClients, findOfferedScopes, type Db } from './repository.ts'
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
  /** Null: stays as it is. */
  checked: ClientContent | null
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
  | { ok: true; lines: PlanLine[]; secrets: Array<{ clientId: string; secret: string }>; waiting: string[] }
  | { ok: false; faults: ClientFault[] }

/** What waits for an approval instead of being done. */
export interface ApprovalWanted {
  kind: ApprovalKind
  subject: string
  payload: object
  act: Act
}
/** Stores the request; its identifier. */
export type AskApproval = (trx: Transaction<Database>, wanted: ApprovalWanted) => Promise<string>

/**
 * Applies the plan. What needs approval (domain/administration/dual-control) is requested: it takes effect when another
 * administrator approves it. A new client is made without it, in test.
 * @param input.ask null: nobody is there who could approve, so everything is done
 * @returns `waiting`: identifiers of the requests
 * @throws DomainError `reason_required`
 */
export async function applyClients (
  trx: Transaction<Database>,
  deps: RegistryServices,
  input: { act: Act; wanted: readonly WantedClient[]; prune?: boolean; ask: AskApproval | null }
): Promise<AppliedClients> {
  const { act, wanted, prune = false, ask } = input
  // one declaration after the other, and no single change in between
  await trx.selectFrom('client').select('clientId').orderBy('clientId').forNoKeyUpdate().execute()
  const offered = await findOfferedScopes(trx, readGranted(wanted), { hold: true })
  const planned = plan({ stored: await findClients(trx, null), offered }, deps.config, { wanted, prune })
  if (!planned.ok) return planned
  const secrets: Array<{ clientId: string; secret: string }> = []
  const waiting: string[] = []
  for (const one of planned.steps) {
    const { clientId } = one.line
    const now = ask === null ? one : withoutApproval(one)
    const secret = await take(trx, { deps, act, step: now })
    if (secret !== null) secrets.push({ clientId, secret })
    if (ask === null || now === one) continue
    const client = await findClient(trx, clientId)
    if (client === null) throw new Error(`client ${clientId} vanished while it was changed`)
    if (one.checked !== null && now.checked !== one.checked) {
      const payload = clientChangeRequest(client, one.checked)
      waiting.push(await ask(trx, { kind: clientChangeKind, subject: clientId, payload, act }))
    }
    if (one.status === 'live') {
      const payload: ClientStatusRequest = { clientId, status: 'live' }
      waiting.push(await ask(trx, { kind: clientStatusKind, subject: clientId, payload, act }))
    }
  }
  return { ok: true, lines: planned.steps.map(({ line }) => line), secrets, waiting }
}

/** What of a step may be done at once; the same object: all of it. */
function withoutApproval (step: Step): Step {
  const { line, checked, status } = step
  if (line.reasons.length === 0) return step
  const powers = line.reasons.some((reason) => reason !== 'goes_live')
  const creates = line.action === 'create'
  const kept = !powers || checked === null ? checked : creates ? withoutPowers(checked) : null
  return {
    ...step,
    checked: kept,
    status: status !== 'live' ? status : creates ? 'test' : null
  }
}

async function take (
  trx: Transaction<Database>,
  {
    deps,
    act,
    step: {
      line: { clientId, action },
      checked: content,
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
    if (status !== null) await setClientStatus(trx, deps, { act, clientId, version: null, status, approved: true })
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
        reasons: [
          ...(contentDiff.length === 0 ? [] : dualControlReasons(current ?? null, checked.content)),
          ...(current === undefined || moved ? statusReasons(next) : [])
        ]
      },
      checked: contentDiff.length === 0 ? null : checked.content,
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
    checked: null,
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

/**
 * Declared resource servers: the declared state is compared with the stored one. The same declaration changes nothing
 * the second time; an undeclared one stays, because clients may use it.
 */
import type { Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import { diffContent, type ClientDifference } from '../../domain/client/diff.ts'
import { step, type ClientFault } from '../../domain/client/faults.ts'
import { weakenedProtections, type ResourceServerReason } from '../../domain/resource-server/dual-control.ts'
import { resourceServerStatuses, type ResourceServerStatus } from '../../domain/resource-server/record.ts'
import { resourceIdentifierFault, validateResourceServer } from '../../domain/resource-server/validation.ts'
import type { AskApproval, WantedResourceServer } from '../clients/index.ts'
import {
  changeResourceServer,
  createResourceServer,
  resourceServerChangeKind,
  setResourceServerStatus,
  type ResourceServerRequest
} from './change.ts'
import type { ResourceServersDeps } from './deps.ts'
import { pickContent, findResourceServer, listGrantedClients, type Db } from './repository.ts'

export interface ResourceServerPlanLine {
  identifier: string
  name: string
  action: 'create' | 'change' | 'none'
  diff: ClientDifference[]
  /** Why another person must agree. */
  reasons: ResourceServerReason[]
}

/** `field` of a fault: pointer below `/resource_servers`. */
export type ResourceServersPlanned =
  /** `declared`: the scopes that each will have, for the clients of the same file. */
  | { ok: true; lines: ResourceServerPlanLine[]; declared: Map<string, string[]> }
  | { ok: false; faults: ClientFault[] }

export async function planResourceServers (
  db: Db,
  config: Pick<ResourceServersDeps['config'], 'issuer'>,
  wanted: readonly WantedResourceServer[]
): Promise<ResourceServersPlanned> {
  const faults: ClientFault[] = []
  const lines: ResourceServerPlanLine[] = []
  const declared = new Map<string, string[]>()
  for (const [index, { identifier, status, content }] of wanted.entries()) {
    const add = (fault: ClientFault): void => {
      faults.push({ ...fault, field: step(index) + fault.field })
    }
    const before = faults.length
    const fault = resourceIdentifierFault(identifier, config.issuer)
    const id = String(identifier)
    if (fault !== null) add(fault)
    else if (declared.has(id)) add({ field: '/identifier', code: 'twice', received: id, expected: '1 ×' })
    if (status !== undefined && !resourceServerStatuses.includes(status as ResourceServerStatus)) {
      const expected = resourceServerStatuses.join(' | ')
      add({ field: '/status', code: 'not_one_of', received: String(status).slice(0, 50), expected })
    }
    const checked = validateResourceServer(content)
    if (!checked.ok) checked.faults.forEach(add)
    if (faults.length > before || !checked.ok) continue
    declared.set(id, Object.keys(checked.content.scopes))
    const current = await findResourceServer(db, id)
    const granted = current === null ? [] : await listGrantedClients(db, id)
    const next = status ?? current?.status ?? 'active'
    const moved = current === null ? next !== 'active' : next !== current.status
    const diff = [
      ...(moved ? [{ field: '/status', before: current?.status, after: next }] : []),
      ...diffContent(current === null ? {} : pickContent(current), checked.content)
    ]
    lines.push({
      identifier: id,
      name: checked.content.names['zh-CN'],
      action: current === null ? 'create' : diff.length === 0 ? 'none' : 'change',
      diff,
      reasons: current === null ? [] : weakenedProtections(current, checked.content, granted.length > 0)
    })
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, lines, declared }
}

type AppliedResourceServers =
  | { ok: true; lines: ResourceServerPlanLine[]; waiting: string[] }
  | { ok: false; faults: ClientFault[] }

/**
 * Does it. What needs approval is requested (`applyClients`).
 * @throws DomainError `reason_required`
 */
export async function applyResourceServers (
  trx: Transaction<Database>,
  deps: Pick<ResourceServersDeps, 'audit' | 'config' | 'crypto'>,
  input: { act: Act; wanted: readonly WantedResourceServer[]; ask: AskApproval | null }
): Promise<AppliedResourceServers> {
  const { act, wanted, ask } = input
  const planned = await planResourceServers(trx, deps.config, wanted)
  if (!planned.ok) return planned
  return await inTransaction<AppliedResourceServers>(trx, async (trx, rollback) => {
    const waiting: string[] = []
    for (const [index, { identifier, action, reasons }] of planned.lines.entries()) {
      if (action === 'none') continue
      const { content, status } = wanted[index] ?? {}
      if (reasons.length > 0 && ask !== null) waiting.push(await request(trx, { identifier, content, act, ask }))
      else {
        const outcome =
          action === 'create'
            ? await createResourceServer(trx, deps, { act, identifier, content })
            : await changeResourceServer(trx, deps, { act, identifier, version: null, content, approved: true })
        if (outcome.outcome === 'invalid') {
          const faults = outcome.faults.map((fault) => ({ ...fault, field: step(index) + fault.field }))
          throw rollback({ ok: false, faults })
        }
      }
      if (status !== undefined) {
        await setResourceServerStatus(trx, deps, {
          act,
          identifier,
          version: null,
          status: status as ResourceServerStatus
        })
      }
    }
    return { ok: true, lines: planned.lines, waiting }
  })
}

async function request (
  trx: Transaction<Database>,
  { identifier, content, act, ask }: { identifier: string; content: unknown; act: Act; ask: AskApproval }
): Promise<string> {
  const server = await findResourceServer(trx, identifier)
  const checked = validateResourceServer(content)
  if (server === null || !checked.ok) throw new Error(`${identifier} was planned otherwise`)
  const payload: ResourceServerRequest = { identifier, version: server.version, content: checked.content }
  return await ask(trx, { kind: resourceServerChangeKind, subject: identifier, payload, act })
}

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
import { agreedAct, type WantedResourceServer } from '../clients/index.ts'
import { changeResourceServer, createResourceServer, setResourceServerStatus } from './change.ts'
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

/**
 * Does it. What one may not decide alone is refused as a whole, unless it is said who agreed (`applyClients`).
 * @throws DomainError `reason_required`
 */
export async function applyResourceServers (
  trx: Transaction<Database>,
  deps: Pick<ResourceServersDeps, 'audit' | 'config' | 'crypto'>,
  input: { act: Act; wanted: readonly WantedResourceServer[]; agreedBy?: string }
): Promise<{ ok: true; lines: ResourceServerPlanLine[] } | { ok: false; faults: ClientFault[] }> {
  const { act, wanted, agreedBy = '' } = input
  const planned = await planResourceServers(trx, deps.config, wanted)
  if (!planned.ok) return planned
  const alone = planned.lines.flatMap(({ reasons }, index): ClientFault[] =>
    reasons.length === 0 || agreedBy !== ''
      ? []
      : [{ field: step(index), code: 'second_administrator', received: reasons.join(', '), expected: '' }]
  )
  if (alone.length > 0) return { ok: false, faults: alone }
  return await inTransaction<{ ok: true; lines: ResourceServerPlanLine[] } | { ok: false; faults: ClientFault[] }>(
    trx,
    async (trx, rollback) => {
      for (const [index, { identifier, action, reasons }] of planned.lines.entries()) {
        if (action === 'none') continue
        const { content, status } = wanted[index] ?? {}
        const by = reasons.length > 0 ? agreedAct(act, agreedBy) : act
        const outcome =
          action === 'create'
            ? await createResourceServer(trx, deps, { act: by, identifier, content })
            : await changeResourceServer(trx, deps, { act: by, identifier, version: null, content, approved: true })
        if (outcome.outcome === 'invalid') {
          const faults = outcome.faults.map((fault) => ({ ...fault, field: step(index) + fault.field }))
          throw rollback({ ok: false, faults })
        }
        if (status !== undefined) {
          await setResourceServerStatus(trx, deps, {
            act: by,
            identifier,
            version: null,
            status: status as ResourceServerStatus
          })
        }
      }
      return { ok: true, lines: planned.lines }
    }
  )
}

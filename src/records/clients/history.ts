/** The history of a client: row, version and audit event of every act, in its transaction. */
import { sql, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { ClientDifference } from '../../domain/client/diff.ts'
import type { ClientAct } from '../../domain/client/record.ts'
import { requireReason } from '../../domain/reason.ts'
import type { ClientsDeps } from './deps.ts'
import { incrementEpoch } from '../../tokens/cache-epoch.ts'
import type { Db } from './repository.ts'

export type { ClientAct } from '../../domain/client/record.ts'

const auditTypes = {
  created: 'client.created',
  changed: 'client.updated',
  status: 'client.updated',
  secret_created: 'client.secret-created',
  secret_ended: 'client.secret-revoked',
  logo: 'client.updated',
  deleted: 'client.deleted',
  failures_dismissed: 'client.updated'
} as const

interface NoteActInput {
  by: Act
  act: ClientAct
  about: { clientId: string; version: number; diff?: ClientDifference[]; type?: 'client.enabled' | 'client.disabled' }
}

/**
 * Notes an act: history row, audit event, and every process forgets the client. To be called in the transaction of the
 * act.
 * @throws DomainError `reason_required`
 */
export async function noteAct (
  trx: Transaction<Database>,
  { audit }: Pick<ClientsDeps, 'audit'>,
  { by, act, about }: NoteActInput
): Promise<void> {
  const reason = requireReason(by.reason)
  const { clientId, version, diff = [] } = about
  await trx
    .insertInto('clientChange')
    .values({ clientId, version, act, actor: by.actor, reason, diff: JSON.stringify(diff), traceId: by.traceId })
    .execute()
  await audit.record(trx, {
    type: about.type ?? auditTypes[act],
    actor: by.actor,
    clientId,
    address: by.address,
    traceId: by.traceId,
    reason,
    details: { act, version, fields: diff.map(({ field }) => field).slice(0, 50) }
  })
  await incrementEpoch(trx, 'clients')
}

export interface ClientChange {
  id: number
  version: number
  act: ClientAct
  actor: string
  reason: string
  diff: ClientDifference[]
  traceId: string | null
  at: Date
}

/** The history of a client, newest first, after the row `after`. */
export async function clientHistory (
  db: Db,
  { clientId, after, limit }: { clientId: string; after: number | null; limit: number }
): Promise<ClientChange[]> {
  const rows = await db
    .selectFrom('clientChange')
    .select(['id', 'version', 'act', 'actor', 'reason', 'diff', 'traceId', 'at'])
    .where('clientId', '=', clientId)
    .$if(after !== null, (query) => query.where('id', '<', after))
    .orderBy(sql`id desc`)
    .limit(limit)
    .execute()
  return rows.map((row) => ({ ...row, id: Number(row.id), }))
}

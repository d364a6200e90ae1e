/** What every act of support has in common: actor, reason, row, and who is notified. */
import type { Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import { requireReason } from '../../domain/reason.ts'
import type { SupportDeps } from './deps.ts'
import type { AuditActor } from '../../records/audit/index.ts'
import { notify, type MessageKind } from '../../records/messages/index.ts'

export type Trx = Transaction<Database>

/** `unchanged`: it is in this state already, or in one that does not allow the act. Nothing was written. */
export type ActOutcome = 'done' | 'unchanged' | 'unknown'

/** The fields that an audit event has from an act. @throws DomainError `reason_required` */
export function toStamp ({ actor, reason, address, traceId }: Act): {
  actor: AuditActor
  reason: string
  address: string | null
  traceId: string | null
} {
  return { actor, reason: requireReason(reason), address, traceId }
}

export interface HeldPerson {
  id: string
  sub: string
  status: string
  phoneIndex: string | null
}

/**
 * One act about one person: the row is locked, so two acts run one after another and see each other's outcome.
 * @throws DomainError `reason_required`
 */
export async function aboutPerson (
  deps: Pick<SupportDeps, 'db'>,
  {
    act,
    personId,
    work
  }: {
    act: Act
    personId: string
    work: (trx: Trx, person: HeldPerson, stamp: ReturnType<typeof toStamp>) => Promise<boolean>
  }
): Promise<ActOutcome> {
  const stamp = toStamp(act)
  return await inTransaction(deps.db, async (trx) => {
    const person = await trx
      .selectFrom('person')
      .select(['id', 'sub', 'status', 'phoneIndex'])
      .where('id', '=', personId)
      .forNoKeyUpdate()
      .executeTakeFirst()
    if (person === undefined) return 'unknown'
    return (await work(trx, person, stamp)) ? 'done' : 'unchanged'
  })
}

/** The person is notified in the inbox and by short message; the words of staff stay in the audit trail. */
export const notifyPerson = async (
  trx: Trx,
  deps: Pick<SupportDeps, 'crypto'>,
  { personId, kind }: { personId: string; kind: MessageKind }
): Promise<void> => {
  await notify(trx, deps, { personId, kind, data: {}, sms: true })
}

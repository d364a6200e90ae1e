/** Dead letters: given up after many attempts, kept with their payload until somebody sends them again. */
import { sql, type Kysely } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { OutboxDeps } from './deps.ts'

export interface DeadLetter {
  id: number
  topic: string
  createdAt: Date
  deadAt: Date
  attempts: number
  lastError: string | null
}

/** Latest number first. @param page before: number of the last one of the page before */
export async function deadLetters (
  db: Kysely<Database>,
  page: { id?: number | null; topic: string | null; before: number | null; limit: number }
): Promise<DeadLetter[]> {
  let query = db
    .selectFrom('outbox')
    .select(['id', 'topic', 'createdAt', sql<Date>`dead_at`.as('deadAt'), sql<number>`attempts - not_tried`.as('attempts'), 'lastError'])
    .where('deadAt', 'is not', null)
    .orderBy('id', 'desc')
    .limit(page.limit)
  if (page.id != null) query = query.where('id', '=', page.id)
  if (page.topic !== null) query = query.where('topic', '=', page.topic)
  if (page.before !== null) query = query.where('id', '<', page.before)
  return await query.execute()
}

/** How many there are of each topic. */
export async function deadTopics (db: Kysely<Database>): Promise<Array<{ topic: string; count: number }>> {
  return await db
    .selectFrom('outbox')
    .select((of) => ['topic', of.fn.countAll<number>().as('count')])
    .where('deadAt', 'is not', null)
    .groupBy('topic')
    .orderBy('topic')
    .execute()
}

const revive = statement<[number | null, string | null], { id: number }>(
  'outbox_revive',
  `
  update outbox set dead_at = null, attempts = 0, not_tried = 0, untrusted = 0, resent_at = now(), run_at = now(), last_error = null
  where dead_at is not null and (id = $1::bigint or topic = $2::text) returning id`
)

/**
 * Makes one message or all of a topic due again at once. Returns how many; receivers recognize repetitions by the
 * message's id.
 */
export async function resendDead (
  { db, audit }: Pick<OutboxDeps, 'db' | 'audit'>,
  act: Act,
  which: { id: number } | { topic: string }
): Promise<number> {
  return await inTransaction(db, async (trx) => {
    const rows = await revive(trx, 'id' in which ? which.id : null, 'topic' in which ? which.topic : null)
    if (rows.length > 0) {
      await audit.record(trx, {
        type: 'outbox.resent',
        ...act,
        details: { ...which, count: rows.length }
      })
    }
    return rows.length
  })
}

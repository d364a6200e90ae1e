import { sql } from 'kysely'
import { statement } from '../../database/statement.ts'
import type { CompanyRegisterDeps } from './deps.ts'

export interface Position {
  /** Where to continue reading (null: from where the journal ends now); null itself: another process has the turn. */
  turn(): Promise<{ since: number | null } | null>
  moveTo(position: number): Promise<void>
}

/** For a journal that lives as long as this process. */
export function ownPosition (): Position {
  let position = 0
  return {
    turn: async () => ({ since: position }),
    moveTo: async (next) => {
      position = next
    }
  }
}

const turnStatement = statement<[string, number], { position: number | null }>(
  'register journal turn',
  `
  update register_journal set turn_at = now() + $2 * interval '1 millisecond'
  where register = $1 and turn_at <= now() returning position`
)

/**
 * One process at a time, by one conditional statement on the database clock. If a turn lasts longer than the interval,
 * two may read the same: that does no harm, and the position never goes back.
 */
export function sharedPosition (db: CompanyRegisterDeps['db'], register: string, intervalMs: number): Position {
  // a little less, because a process must not miss every second turn by its own interval
  const held = Math.floor(intervalMs * 0.9)
  let known = false
  return {
    async turn () {
      if (!known) {
        await db
          .insertInto('registerJournal')
          .values({ register, position: null })
          .onConflict((conflict) => conflict.column('register').doNothing())
          .execute()
      }
      known = true
      const [row] = await turnStatement(db, register, held)
      return row === undefined ? null : { since: row.position }
    },
    async moveTo (position) {
      await db
        .updateTable('registerJournal')
        .set({ position: sql<number>`greatest(coalesce(position, 0), ${position}::bigint)` })
        .where('register', '=', register)
        .execute()
    }
  }
}

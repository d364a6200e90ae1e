/** A new password of an organization that was typed in this session and waits to be confirmed; the latest only. */
import { sql, type Kysely, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { newIdentifier } from '../../domain/identifier.ts'

type Db = Kysely<Database> | Transaction<Database>

/** Seconds, for several codes and tries of the face check. */
const draftSeconds = 1800

export async function keepDraft (
  db: Db,
  { sessionHash, organizationId, passwordHash }: { sessionHash: string; organizationId: string; passwordHash: string }
): Promise<void> {
  const values = {
    id: newIdentifier(16),
    organizationId,
    passwordHash,
    expiresAt: sql<Date>`now() + make_interval(secs => ${draftSeconds})`
  }
  await db
    .insertInto('organizationPasswordDraft')
    .values({ sessionHash, ...values })
    .onConflict((conflict) => conflict.column('sessionHash').doUpdateSet(values))
    .execute()
}

/** Its id; every change gives another one. */
export async function findDraft (db: Db, sessionHash: string, organizationId: string): Promise<string | null> {
  const row = await db
    .selectFrom('organizationPasswordDraft')
    .select('id')
    .where('sessionHash', '=', sessionHash)
    .where('organizationId', '=', organizationId)
    .where('expiresAt', '>', sql<Date>`now()`)
    .executeTakeFirst()
  return row?.id ?? null
}

/** Once: the hash of exactly this draft. */
export async function takeDraft (trx: Db, sessionHash: string, id: string): Promise<string | null> {
  const row = await trx
    .deleteFrom('organizationPasswordDraft')
    .where('sessionHash', '=', sessionHash)
    .where('id', '=', id)
    .where('expiresAt', '>', sql<Date>`now()`)
    .returning('passwordHash')
    .executeTakeFirst()
  return row?.passwordHash ?? null
}

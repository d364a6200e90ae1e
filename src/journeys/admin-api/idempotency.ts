/**
 * Requests that may be repeated (header Idempotency-Key): the act, the record of it and its answer are one transaction,
 * so of twenty at once one acts, and the others wait for its answer and repeat it. Kept for 24 hours: the request as a
 * keyed digest, the answer encrypted and without its secrets, which are shown once.
 */
import { createHash } from 'node:crypto'
import { sql, type Kysely, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { AdminApiDeps } from './deps.ts'
import { Problem } from './problems.ts'
import type { Answer } from './routes.ts'

const keptHours = 24
const pattern = /^[\w.:-]{8,128}$/

export interface Repeatable {
  clientId: string
  key: string
  method: string
  path: string
  body: unknown
}

const withoutSecrets = (body: unknown): unknown =>
  JSON.parse(
    JSON.stringify(body ?? null, (name, value: unknown) =>
      name === 'secret' && typeof value === 'string' ? null : value
    )
  )

/**
 * Acts once for a key of a client.
 * @throws Problem `malformed_idempotency_key`, `idempotency_key_reused` (another request under the same key)
 */
export async function once (
  deps: AdminApiDeps,
  request: Repeatable,
  act: (trx: Transaction<Database>) => Promise<Answer>
): Promise<Answer> {
  const { clientId, key, method, path, body } = request
  if (!pattern.test(key)) throw new Problem('malformed_idempotency_key')
  const keyHash = createHash('sha256')
    .update(JSON.stringify([clientId, key]))
    .digest('base64url')
  const text = JSON.stringify([method, path, body ?? null])
  const { db, crypto } = deps
  return await inTransaction<Answer>(db, async (trx, rollback) => {
    await trx
      .deleteFrom('adminApiRequest')
      .where('keyHash', '=', keyHash)
      .where('expiresAt', '<=', sql<Date>`now()`)
      .execute()
    // waits for another transaction that has written the same key, and sees how it ended
    const claimed = await trx
      .insertInto('adminApiRequest')
      .values({
        keyHash,
        requestMac: crypto.mac('admin-api-request', text),
        status: 0,
        answerEnc: '',
        expiresAt: sql<Date>`now() + make_interval(hours => ${keptHours})`
      })
      .onConflict((conflict) => conflict.column('keyHash').doNothing())
      .returning('keyHash')
      .executeTakeFirst()
    if (claimed === undefined) return await repeated(trx)
    const answer = await act(trx)
    // refused: nothing was done, and nothing is to be remembered
    if (answer.status >= 300) throw rollback(answer)
    const kept = JSON.stringify({ body: withoutSecrets(answer.body), headers: answer.headers ?? {} })
    await trx
      .updateTable('adminApiRequest')
      .set({ status: answer.status, answerEnc: crypto.encrypt('admin_api_request', 'answer_enc', keyHash, kept) })
      .where('keyHash', '=', keyHash)
      .execute()
    return answer
  })

  async function repeated (trx: Transaction<Database>): Promise<Answer> {
    const row = await trx
      .selectFrom('adminApiRequest')
      .select(['requestMac', 'status', 'answerEnc'])
      .where('keyHash', '=', keyHash)
      .executeTakeFirst()
    if (row === undefined || !crypto.verifyMac('admin-api-request', text, row.requestMac)) {
      throw new Problem('idempotency_key_reused')
    }
    const { body: before, headers } = JSON.parse(
      crypto.decrypt('admin_api_request', 'answer_enc', keyHash, row.answerEnc)
    ) as { body: unknown; headers: Record<string, string> }
    return {
      status: row.status,
      ...(before === null ? {} : { body: before }),
      headers: { ...headers, 'idempotency-replayed': 'true' }
    }
  }
}

/** Deletes what is older than a day. @returns rows deleted */
export async function sweepAdminApi (db: Kysely<Database>, limit: number): Promise<number> {
  const { rows } = await sql<{ n: number }>`with gone as (delete from admin_api_request where key_hash in (
    select key_hash from admin_api_request where expires_at <= now() limit ${limit})
      returning 1) select count(*)::int as n from gone`.execute(db)
  return rows[0]?.n ?? 0
}

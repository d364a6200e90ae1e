import { inTransaction } from '../database/transaction.ts'
import type { Source } from '../tokens/artifact-repository.ts'
import { revokeGrantHash } from '../tokens/revocation.ts'
import type { AdapterParts } from './adapter-parts.ts'

/**
 * A replay ends everything of its grant. Of many replays at once one finds something to end and is recorded; a code
 * that a logout has ended meanwhile is no replay.
 */
export async function revokeReplayed (
  { db, trail }: Pick<AdapterParts, 'db' | 'trail'>,
  { model, grantHash }: Pick<Source, 'model' | 'grantHash'>,
  presentedBy: string | null = null
): Promise<void> {
  await inTransaction(db, async (trx) => {
    const ended = await revokeGrantHash(trx, grantHash)
    if (ended.length > 0) await trail?.replayed(trx, { model, ended, presentedBy })
  })
}

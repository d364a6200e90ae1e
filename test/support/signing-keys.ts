import type { Kysely } from 'kysely'
import type { FieldCrypto } from '../../src/database/field-crypto.ts'
import type { Database } from '../../src/database/schema.ts'
import { inTransaction } from '../../src/database/transaction.ts'
import { makeKey, publish, type SigningAlg } from '../../src/tokens/signing-keys.ts'

/** Publishes the key that will sign next, without an event. Returns its kid. */
export async function prePublish (db: Kysely<Database>, crypto: FieldCrypto, alg: SigningAlg): Promise<string> {
  const key = await makeKey(crypto, alg)
  await inTransaction(db, async (trx) => {
    await publish(trx, key)
  })
  return key.kid
}

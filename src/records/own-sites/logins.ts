/** Authorization requests under way: state, nonce and code verifier, each used once. */
import { sql, type Kysely, type Transaction } from 'kysely'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { OwnSiteName } from '../../database/schema.ts'
import { createSecret, hashSecret } from './secrets.ts'

interface Deps {
  db: Kysely<Database> | Transaction<Database>
  crypto: FieldCrypto
}

/** As long as the provider keeps an interaction, and a minute for the way back. */
const loginSeconds = 960

export interface SavedLogin {
  state: string
  nonce: string
  verifier: string
}

export async function saveLogin (
  { db, crypto }: Deps,
  { site, browserHash, returnTo }: { site: OwnSiteName; browserHash: string; returnTo: string }
): Promise<SavedLogin> {
  const [state, nonce, verifier] = [createSecret(), createSecret(), createSecret()]
  const stateHash = hashSecret(state)
  await db
    .insertInto('ownSiteLogin')
    .values({
      stateHash,
      site,
      browserHash,
      nonce,
      verifierEnc: crypto.encrypt('own_site_login', 'verifier_enc', stateHash, verifier),
      returnTo,
      expiresAt: sql<Date>`now() + make_interval(secs => ${loginSeconds})`
    })
    .execute()
  return { state, nonce, verifier }
}

/** Once, and by the browser that started it (RFC 6749 §10.12). Null: unknown, used, too old, or of another browser. */
export async function takeLogin (
  { db, crypto }: Deps,
  { site, state, browserHash }: { site: OwnSiteName; state: string; browserHash: string }
): Promise<{ nonce: string; verifier: string; returnTo: string } | null> {
  const stateHash = hashSecret(state)
  const row = await db
    .deleteFrom('ownSiteLogin')
    .where('stateHash', '=', stateHash)
    .where('site', '=', site)
    .where('browserHash', '=', browserHash)
    .where('expiresAt', '>', sql<Date>`now()`)
    .returning(['nonce', 'verifierEnc', 'returnTo'])
    .executeTakeFirst()
  return row === undefined
    ? null
    : {
        nonce: row.nonce,
        returnTo: row.returnTo,
        verifier: crypto.decrypt('own_site_login', 'verifier_enc', stateHash, row.verifierEnc)
      }
}

/** The source of the master key, and the proof at start that the data were made with it. */
import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import type { Config } from '../ports/config.ts'
import { DataDirUnwritable } from './errors.ts'
import { FieldCryptoError, type FieldCrypto } from './field-crypto.ts'
import type { Database } from './schema.ts'

/** The configured master key does not fit what is in the database; starting would hide or split the data. */
export class MasterKeyMismatch extends Error {
  constructor (reason: string) {
    super(reason)
    this.name = 'MasterKeyMismatch'
  }
}

/**
 * The configured master key or, in development, the one in `master.key` of the data folder (0600),
 * made at the first start.
 *
 * @throws Error in production without a configured key, or when the file holds no key; DataDirUnwritable
 */
export function loadMasterKey (config: Pick<Config, 'environment' | 'dataDir' | 'masterKey' | 'masterKeyId'>): {
  key: Buffer
  keyId: string
} {
  const keyId = config.masterKeyId
  if (config.masterKey !== null) return { key: config.masterKey, keyId }
  if (config.environment === 'production') {
    throw new Error('MASTER_KEY is not set: production never makes its own key.')
  }
  if (config.dataDir === ':memory:') return { key: randomBytes(32), keyId }

  const file = join(config.dataDir, 'master.key')
  const text = readKeyFile(file) ?? createKeyFile(config.dataDir, file)
  const key = Buffer.from(text.trim(), 'base64')
  if (key.length !== 32) {
    throw new Error(
      `${file} does not hold 32 bytes in base64. Restore it from a backup; without it the encrypted data is lost.`
    )
  }
  return { key, keyId }
}

function readKeyFile (file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw error
  }
}

function createKeyFile (dataDir: string, file: string): string {
  const draft = `${file}.${process.pid}`
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flush: true })
  } catch (error) {
    throw new DataDirUnwritable(dataDir, error)
  }
  try {
    // a link appears whole or not at all, and only one of several starting processes makes it
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw new DataDirUnwritable(dataDir, error)
  } finally {
    rmSync(draft, { force: true })
  }
  return readFileSync(file, 'utf8')
}

const canary = 'master-key-canary'

/**
 * Proves with a row of its own that this key and cipher made the data; writes the row at the first start.
 * It holds a blind index too: with another cipher old values still decrypt, but nobody would be found.
 *
 * @throws MasterKeyMismatch
 */
export async function assertMasterKeyFits (db: Kysely<Database>, crypto: FieldCrypto): Promise<void> {
  const index = crypto.blindIndex(canary, canary)
  await db
    .insertInto('serverSecret')
    .values({ name: canary, valueEnc: crypto.encrypt('server_secret', 'value_enc', canary, index) })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const row = await db
    .selectFrom('serverSecret')
    .select('valueEnc')
    .where('name', '=', canary)
    .executeTakeFirstOrThrow()
  let recorded: string
  try {
    recorded = crypto.decrypt('server_secret', 'value_enc', canary, row.valueEnc)
  } catch (error) {
    if (!(error instanceof FieldCryptoError)) throw error
    throw new MasterKeyMismatch(
      error.code === 'unknown_key'
        ? 'MASTER_KEY_ID is not the id of the key this database was encrypted with. Set the former MASTER_KEY and ' +
            'MASTER_KEY_ID.'
        : 'MASTER_KEY is not the key this database was encrypted with. Set the former key, or use another database.'
    )
  }
  if (recorded !== index) {
    throw new MasterKeyMismatch(
      'MASTER_KEY or FIELD_CIPHER changed since this database was filled: its blind indexes no longer match. Set the ' +
        'former values.'
    )
  }
}

/** The source of the master key, and the proof at start that the data were made with it. */
import { spawnSync } from 'node:child_process'
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import type { Config } from '../ports/config.ts'
import { DataDirUnwritable } from './errors.ts'
import { createFieldCrypto, FieldCryptoError, type FieldCrypto, type MacKey } from './field-crypto.ts'
import type { Database } from './schema.ts'

/** The configured master key does not fit what is in the database; starting would hide or split the data. */
export class MasterKeyMismatch extends Error {
  constructor (reason: string) {
    super(reason)
    this.name = 'MasterKeyMismatch'
  }
}

/**
 * The configured master key, what its command prints or, in development, the one in `master.key` of the data folder
 * (0600), made at the first start.
 *
 * @throws Error in production without a configured key, or when the file holds no key; DataDirUnwritable
 */
export function loadMasterKey (
  config: Pick<Config, 'environment' | 'dataDir' | 'masterKey' | 'masterKeyId'> & { masterKeyCommand?: string | null }
): {
    key: Buffer
    keyId: string
  } {
  const keyId = config.masterKeyId
  if (config.masterKey !== null) return { key: config.masterKey, keyId }
  if (config.masterKeyCommand != null) return { key: askCommand(config.masterKeyCommand), keyId }
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

/** A program of the operator: a vault, a hardware module. What it says on standard error is shown. */
function askCommand (command: string): Buffer {
  const asked = spawnSync('/bin/sh', ['-c', command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 30_000,
    maxBuffer: 4096
  })
  if (asked.status !== 0) {
    throw new Error(`MASTER_KEY_COMMAND ended with ${asked.status ?? asked.signal ?? 'an error'} and gave no key.`)
  }
  const key = Buffer.from(asked.stdout.trim(), 'base64')
  if (key.length !== 32) throw new Error('MASTER_KEY_COMMAND must print 32 bytes in base64, and nothing else.')
  return key
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

/** The master key of a process and those that it still knows. */
export function createConfiguredCrypto (
  config: Parameters<typeof loadMasterKey>[0] & Pick<Config, 'masterKeyPrevious' | 'fieldCipher'>
): FieldCrypto {
  const { key, keyId } = loadMasterKey(config)
  return createFieldCrypto({
    masterKey: key,
    keyId,
    cipher: config.fieldCipher,
    previousKeys: config.masterKeyPrevious
  })
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
            'MASTER_KEY_ID, or name the former key in MASTER_KEY_PREVIOUS (docs/runbooks/master-key.md).'
        : 'MASTER_KEY is not the key this database was encrypted with. Set the former key, or use another database.'
    )
  }
  if (!crypto.blindIndexes(canary, canary).includes(recorded)) {
    throw new MasterKeyMismatch(
      'MASTER_KEY or FIELD_CIPHER changed since this database was filled: its blind indexes no longer match. Set the ' +
        'former values.'
    )
  }
}

const pairwise = 'pairwise-key'

/**
 * The key of pairwise subject identifiers (OIDC Core §8.1): a secret of its own, because it must stay when the master
 * key changes. A database of a former version gets the key that it derived from its master key.
 */
export async function loadPairwiseKey (db: Kysely<Database>, crypto: FieldCrypto): Promise<KeyObject> {
  const stored = db.selectFrom('serverSecret').select('valueEnc').where('name', '=', pairwise)
  const before = await stored.executeTakeFirst()
  if (before === undefined) {
    const text = derivedPairwiseKey(crypto, await findCanary(db, crypto))
      .export()
      .toString('base64url')
    await db
      .insertInto('serverSecret')
      .values({ name: pairwise, valueEnc: crypto.encrypt('server_secret', 'value_enc', pairwise, text) })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
  const { valueEnc } = before ?? (await stored.executeTakeFirstOrThrow())
  return createSecretKey(Buffer.from(crypto.decrypt('server_secret', 'value_enc', pairwise, valueEnc), 'base64url'))
}

/** Of the key whose index the canary holds: the one that this database was filled with. */
function derivedPairwiseKey (crypto: FieldCrypto, index: string | null): KeyObject {
  const place = index === null ? 0 : crypto.blindIndexes(canary, canary).indexOf(index)
  return crypto.secretKeys('pairwise')[Math.max(0, place)]!
}

async function findCanary (db: Kysely<Database>, crypto: FieldCrypto): Promise<string | null> {
  const row = await db.selectFrom('serverSecret').select('valueEnc').where('name', '=', canary).executeTakeFirst()
  return row === undefined ? null : crypto.decrypt('server_secret', 'value_enc', canary, row.valueEnc)
}

/** The canary under the current key; last of a change, when nothing needs the former key any more. */
export async function renewCanary (db: Kysely<Database>, crypto: FieldCrypto): Promise<void> {
  const index = crypto.blindIndex(canary, canary)
  await db
    .updateTable('serverSecret')
    .set({ valueEnc: crypto.encrypt('server_secret', 'value_enc', canary, index) })
    .where('name', '=', canary)
    .execute()
}

const formerMacs = 'former-mac-keys'
/** What is verified long after it was signed. */
const lastingMacs = ['audit', 'audit-head', 'audit-checkpoint', 'oidc grant'] as const

type StoredMacKeys = Array<{ purpose: string; hash: MacKey['hash']; key: string }>

async function readFormerMacKeys (db: Kysely<Database>, crypto: FieldCrypto): Promise<StoredMacKeys> {
  const row = await db.selectFrom('serverSecret').select('valueEnc').where('name', '=', formerMacs).executeTakeFirst()
  return row === undefined
    ? []
    : (JSON.parse(crypto.decrypt('server_secret', 'value_enc', formerMacs, row.valueEnc)) as StoredMacKeys)
}

/** Audit events and grants that a former master key signed are verified without it. */
export async function acceptFormerMacs (db: Kysely<Database>, crypto: FieldCrypto): Promise<void> {
  for (const { purpose, hash, key } of await readFormerMacKeys(db, crypto)) {
    crypto.acceptMacKey(purpose, { hash, key: Buffer.from(key, 'base64url') })
  }
}

/** Keeps the keys that verify, so the former master keys themselves can go. */
export async function keepFormerMacs (db: Kysely<Database>, crypto: FieldCrypto): Promise<void> {
  const kept = await readFormerMacKeys(db, crypto)
  const now = lastingMacs.flatMap((purpose) =>
    crypto.formerMacKeys(purpose).map(({ hash, key }) => ({ purpose, hash, key: key.toString('base64url') }))
  )
  const all = [...kept, ...now.filter(({ key }) => !kept.some((one) => one.key === key))]
  if (all.length === kept.length) return
  const valueEnc = crypto.encrypt('server_secret', 'value_enc', formerMacs, JSON.stringify(all))
  await db
    .insertInto('serverSecret')
    .values({ name: formerMacs, valueEnc })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ valueEnc }))
    .execute()
}

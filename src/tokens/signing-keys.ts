/**
 * Signing keys in the table `signing_key`, for all processes:
 *
 *   pre-published → active → retired → removed
 *
 * A key is published before it signs, because relying sites need it in their copy of the JWKS, and stays published
 * afterwards, because its signatures must still verify. A unique index allows one active key for each algorithm. The
 * private part is encrypted, and erased as soon as the key no longer signs.
 */
import { createPrivateKey, createPublicKey, generateKeyPair, type JsonWebKey, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, type JWK } from 'jose'
import type { Kysely, Transaction } from 'kysely'
import { statement } from '../database/statement.ts'
import type { Database, SigningAlg } from '../database/schema.ts'
import type { FieldCrypto } from '../database/field-crypto.ts'
import { inTransaction } from '../database/transaction.ts'
import { DomainError } from '../domain/errors.ts'
import { beginsPlainly } from '../domain/identifier.ts'
import { incrementEpoch } from './cache-epoch.ts'

export type { SigningAlg } from '../database/schema.ts'
export const signingAlgs: readonly SigningAlg[] = ['ES256', 'RS256']
export type SigningKeyState = 'pre-published' | 'active' | 'retired'

export interface SigningKey {
  kid: string
  alg: SigningAlg
  state: SigningKeyState
  publicKey: KeyObject
  /** Only of the active key. */
  privateKey: KeyObject | null
}

/**
 * Seconds. A key signs after it was published this long (JWKS max-age and an hour), and is removed after it was retired
 * this long.
 */
export const keyTimes = { published: 7_200, retired: 86_400 } as const

/**
 * Seconds that relying sites and proxies may keep keys and discovery: an hour less than a key is published before it
 * signs.
 */
export const publicMaxAge = keyTimes.published - 3_600

const generate = promisify(generateKeyPair)

/** The actor and the reason of a step, stored with the key for people who may not read the audit trail. */
export interface KeyChange {
  by: string
  reason: string | null
}
const ownChange: KeyChange = { by: 'system', reason: null }

const step = (state: SigningKeyState | 'removed', by: string, reason: string): string =>
  `history || jsonb_build_array(jsonb_build_object('state', '${state}', 'at', now(), 'by', ${by}::text, 'reason', ${reason}::text))`

// on conflict: one active key and one successor for each algorithm, also when another process makes one at the same
// time
const insertStatement = statement<
  [kid: string, alg: string, state: string, privateEnc: string, publicJwk: string, by: string, reason: string | null],
  { kid: string }
>(
  'signing key insert',
  `
  insert into signing_key (kid, alg, state, private_enc, public_jwk, activated_at, history)
  values ($1, $2, $3::text, $4, $5::jsonb, case when $3::text = 'active' then now() end,
    jsonb_build_array(jsonb_build_object('state', $3::text, 'at', now(), 'by', $6::text, 'reason', $7::text)))
  on conflict do nothing
  returning kid`
)

const loadStatement = statement<
  [],
  { kid: string; alg: SigningAlg; state: SigningKeyState; privateEnc: string; publicJwk: JWK }
>(
  'signing key load',
  `
  select kid, alg, state, private_enc, public_jwk from signing_key where state <> 'removed'
  order by alg, case state when 'active' then 0 when 'pre-published' then 1 else 2 end, created_at desc`
)

const lockStatement = statement<[string], { kid: string }>(
  'signing key lock',
  "select kid from signing_key where alg = $1 and state <> 'removed' order by kid for update"
)

const stateStatement = statement<[string], { alg: SigningAlg; state: SigningKeyState | 'removed' }>(
  'signing key state',
  'select alg, state from signing_key where kid = $1'
)

const nextStatement = statement<[string, number], { kid: string; due: boolean }>(
  'signing key next',
  `
  select kid, created_at <= now() - make_interval(secs => $2::float8) as due from signing_key
  where alg = $1 and state = 'pre-published' order by created_at limit 1`
)

const retireStatement = statement<[string, string, string | null], { kid: string }>(
  'signing key retire',
  `
  update signing_key set state = 'retired', retired_at = now(), private_enc = '',
    history = ${step('retired', '$2', '$3')}
  where alg = $1 and state = 'active' returning kid`
)

const activateStatement = statement<[string, string, string | null], { kid: string }>(
  'signing key activate',
  `
  update signing_key set state = 'active', activated_at = now(), history = ${step('active', '$2', '$3')}
  where kid = $1 and state = 'pre-published' returning kid`
)

const removeStatement = statement<[string, number, string, string | null], { kid: string }>(
  'signing key remove',
  `
  update signing_key set state = 'removed', removed_at = now(), private_enc = '',
    history = ${step('removed', '$3', '$4')}
  where kid = $1 and (state = 'pre-published' or (state = 'retired'
    and retired_at <= now() - make_interval(secs => $2::float8)))
  returning kid`
)

const expelStatement = statement<[string, string, string | null], { alg: SigningAlg }>(
  'signing key expel',
  `
  update signing_key set state = 'removed', removed_at = now(), private_enc = '',
    history = ${step('removed', '$2', '$3')}
  where kid = $1 and state <> 'removed' returning alg`
)

interface EnsureSigningKeysInput {
  algs?: readonly SigningAlg[] | undefined
  made?: ((trx: Transaction<Database>, key: { kid: string; alg: SigningAlg }) => Promise<void>) | undefined
}

/**
 * An active key for each algorithm. Many processes may call this at once: one key of each survives.
 * @param made called for each key that was stored, in the same transaction (its audit event)
 */
export async function ensureSigningKeys (
  db: Kysely<Database>,
  crypto: FieldCrypto,
  { algs = signingAlgs, made = async () => {} }: EnsureSigningKeysInput = {}
): Promise<void> {
  const existing = await loadStatement(db)
  const missing = algs.filter((alg) => !existing.some((key) => key.alg === alg && key.state === 'active'))
  if (missing.length === 0) return
  const keys = await Promise.all(missing.map((alg) => makeKey(crypto, alg)))
  await inTransaction(db, async (trx) => {
    for (const key of keys) {
      if (await insert(trx, { newKey: key, state: 'active', keyChange: { ...ownChange, reason: 'first_start' } })) {
        await made(trx, key)
      }
    }
    await incrementEpoch(trx, 'signing-keys')
  })
}

/**
 * Publishes the key that will sign next. RSA takes a second to make: do that (`makeKey`) before the transaction.
 * @throws DomainError `signing_key_published`: there is a successor already
 */
export async function publish (trx: Transaction<Database>, key: NewKey, change: KeyChange = ownChange): Promise<void> {
  if (!(await insert(trx, { newKey: key, state: 'pre-published', keyChange: change }))) {
    throw new DomainError('signing_key_published', { alg: key.alg })
  }
  await incrementEpoch(trx, 'signing-keys')
}

interface RotateInput {
  alg: SigningAlg
  publishedSeconds?: number | undefined
  change?: KeyChange | undefined
}

/**
 * The pre-published key signs from now on; the one that signed is retired, its private part erased.
 *
 * @param publishedSeconds how long relying sites must have been able to know it
 * @throws DomainError `signing_key_missing` (publish first), `signing_key_too_young`
 */
export async function rotate (
  trx: Transaction<Database>,
  { alg, publishedSeconds = keyTimes.published, change = ownChange }: RotateInput
): Promise<{ active: string; retired: string | null }> {
  await lockStatement(trx, alg)
  const [next] = await nextStatement(trx, alg, publishedSeconds)
  if (next === undefined) throw new DomainError('signing_key_missing', { alg })
  if (!next.due) throw new DomainError('signing_key_too_young', { alg, publishedSeconds })
  const [retired] = await retireStatement(trx, alg, change.by, change.reason)
  await activateStatement(trx, next.kid, change.by, change.reason)
  await incrementEpoch(trx, 'signing-keys')
  return { active: next.kid, retired: retired?.kid ?? null }
}

/**
 * Takes a key out of the JWKS: what it signed is not accepted any more. The active key must be rotated first.
 *
 * @param retiredSeconds how long it must have been retired
 * @throws DomainError `signing_key_in_use`: unknown, active, or retired too shortly
 */
export async function removeKey (
  trx: Transaction<Database>,
  {
    kid,
    retiredSeconds = keyTimes.retired,
    change = ownChange
  }: { kid: string; retiredSeconds?: number | undefined; change?: KeyChange | undefined }
): Promise<void> {
  if ((await removeStatement(trx, kid, retiredSeconds, change.by, change.reason)).length === 0) {
    throw new DomainError('signing_key_in_use', { kid })
  }
  await incrementEpoch(trx, 'signing-keys')
}

export interface Expelled {
  alg: SigningAlg
  was: SigningKeyState
  /** Kid that signs instead; null when another one signed anyway. */ successor: string | null
  /** Whether sites could know the successor before. */ successorKnown: boolean
}

/**
 * Removes a leaked key from the JWKS, in every state. If it was the active one, its successor signs at once, known to
 * relying sites or not.
 *
 * @param spare signs when no successor was published
 * @throws DomainError `signing_key_unknown`: no such key, or removed already
 */
export async function expel (
  trx: Transaction<Database>,
  { kid, spare, change }: { kid: string; spare: NewKey; change: KeyChange }
): Promise<Expelled> {
  const [found] = await stateStatement(trx, kid)
  if (found !== undefined) await lockStatement(trx, found.alg)
  // again: it may have changed while we waited
  const [key] = await stateStatement(trx, kid)
  if (key === undefined || key.state === 'removed') throw new DomainError('signing_key_unknown', { kid })
  if (spare.alg !== key.alg) throw new TypeError('the spare key is for another algorithm')
  await expelStatement(trx, kid, change.by, change.reason)
  await incrementEpoch(trx, 'signing-keys')
  if (key.state !== 'active') return { alg: key.alg, was: key.state, successor: null, successorKnown: true }
  const [next] = await nextStatement(trx, key.alg, keyTimes.published)
  if (next === undefined) await insert(trx, { newKey: spare, state: 'active', keyChange: change })
  else await activateStatement(trx, next.kid, change.by, change.reason)
  return { alg: key.alg, was: key.state, successor: next?.kid ?? spare.kid, successorKnown: next?.due ?? false }
}

/**
 * Every key to publish. The active key of each algorithm stands first: the library signs with the first
 * one that fits.
 *
 * @throws FieldCryptoError when the private part cannot be decrypted with this process's keys
 */
export async function loadKeys (
  db: Kysely<Database> | Transaction<Database>,
  crypto: FieldCrypto
): Promise<SigningKey[]> {
  return (await loadStatement(db)).map(({ kid, alg, state, privateEnc, publicJwk }) => ({
    kid,
    alg,
    state,
    publicKey: createPublicKey({ key: publicJwk as JsonWebKey, format: 'jwk' }),
    privateKey:
      state === 'active' ? createPrivateKey(crypto.decrypt('signing_key', 'private_enc', kid, privateEnc)) : null
  }))
}

export interface NewKey {
  kid: string
  alg: SigningAlg
  privateEnc: string
  publicJwk: JWK
}

/** A key of this algorithm, not stored yet. */
export async function makeKey (crypto: FieldCrypto, alg: SigningAlg): Promise<NewKey> {
  for (;;) {
    const { publicKey, privateKey } =
      alg === 'ES256' ? await generate('ec', { namedCurve: 'P-256' }) : await generate('rsa', { modulusLength: 3072 })
    const jwk = publicKey.export({ format: 'jwk' }) as JWK
    // RFC 7638: a name that cannot be given to two keys
    const kid = await calculateJwkThumbprint(jwk)
    // a name follows from its key, so another name is another key
    if (!beginsPlainly(kid)) continue
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    return {
      kid,
      alg,
      publicJwk: { ...jwk, kid, alg, use: 'sig' },
      privateEnc: crypto.encrypt('signing_key', 'private_enc', kid, pem)
    }
  }
}

/** False when another process was first. */
async function insert (
  trx: Transaction<Database>,
  {
    newKey: { kid, alg, privateEnc, publicJwk },
    state,
    keyChange: { by, reason }
  }: { newKey: NewKey; state: SigningKeyState; keyChange: KeyChange }
): Promise<boolean> {
  return (await insertStatement(trx, kid, alg, state, privateEnc, JSON.stringify(publicJwk), by, reason)).length > 0
}

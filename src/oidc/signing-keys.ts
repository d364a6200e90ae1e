/**
 * Signing keys in the table `signing_key`, for all processes:
 *
 *   pre-published → active → retired → removed
 *
 * A key is published before it signs, so that relying sites have it in their copy of the JWKS, and stays
 * published after it, so that what it signed still verifies. One key of an algorithm is active (a unique
 * index says so). The private part is encrypted, and erased as soon as the key will not sign any more.
 */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, type JWK } from 'jose'
import type { Kysely, Transaction } from 'kysely'
import { statement } from '../database/statement.ts'
import type { Database } from '../database/schema.ts'
import type { FieldCrypto } from '../database/field-crypto.ts'
import { DomainError } from '../domain/errors.ts'
import { bumpEpoch } from './cache-epoch.ts'

export type SigningAlg = 'ES256' | 'RS256'
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

/** Seconds. A key signs after it was published this long (JWKS max-age and an hour), and is removed after it was retired this long. */
export const keyTimes = { published: 7_200, retired: 86_400 } as const

const generate = promisify(generateKeyPair)

const insertStatement = statement<[kid: string, alg: string, state: string, privateEnc: string, publicJwk: string], { kid: string }>('signing key insert', `
  insert into signing_key (kid, alg, state, private_enc, public_jwk, activated_at)
  values ($1, $2, $3::text, $4, $5::jsonb, case when $3::text = 'active' then now() end)
  on conflict (alg) where state = 'active' do nothing
  returning kid`)

const loadStatement = statement<[], { kid: string, alg: SigningAlg, state: SigningKeyState, privateEnc: string, publicJwk: JWK }>('signing key load', `
  select kid, alg, state, private_enc, public_jwk from signing_key where state <> 'removed'
  order by alg, case state when 'active' then 0 when 'pre-published' then 1 else 2 end, created_at desc`)

const lockStatement = statement<[string], { kid: string }>('signing key lock', 'select kid from signing_key where alg = $1 order by kid for update')

const nextStatement = statement<[string, number], { kid: string, due: boolean }>('signing key next', `
  select kid, created_at <= now() - make_interval(secs => $2::float8) as due from signing_key
  where alg = $1 and state = 'pre-published' order by created_at limit 1`)

const retireStatement = statement<[string], { kid: string }>('signing key retire', `
  update signing_key set state = 'retired', retired_at = now(), private_enc = '' where alg = $1 and state = 'active' returning kid`)

const activateStatement = statement<[string], { kid: string }>('signing key activate', `
  update signing_key set state = 'active', activated_at = now() where kid = $1 and state = 'pre-published' returning kid`)

const removeStatement = statement<[string, number], { kid: string }>('signing key remove', `
  update signing_key set state = 'removed', removed_at = now(), private_enc = ''
  where kid = $1 and (state = 'pre-published' or (state = 'retired' and retired_at <= now() - make_interval(secs => $2::float8)))
  returning kid`)

/** An active key for each algorithm. Any number of processes may do this at once: one key of each survives. */
export async function ensureSigningKeys (db: Kysely<Database>, crypto: FieldCrypto, algs: readonly SigningAlg[] = signingAlgs): Promise<void> {
  const existing = await loadStatement(db)
  const missing = algs.filter((alg) => !existing.some((key) => key.alg === alg && key.state === 'active'))
  if (missing.length === 0) return
  const made = await Promise.all(missing.map((alg) => makeKey(crypto, alg)))
  await db.transaction().execute(async (trx) => {
    for (const key of made) await insert(trx, key, 'active')
    await bumpEpoch(trx, 'signing-keys')
  })
}

/** Publishes the key that will sign next. RSA takes a second to make, so this is no part of `rotate`. Returns its kid. */
export async function prePublish (db: Kysely<Database>, crypto: FieldCrypto, alg: SigningAlg): Promise<string> {
  const key = await makeKey(crypto, alg)
  await db.transaction().execute(async (trx) => {
    await insert(trx, key, 'pre-published')
    await bumpEpoch(trx, 'signing-keys')
  })
  return key.kid
}

/**
 * The oldest pre-published key signs from now on; the one that signed is retired, its private part erased.
 *
 * @param publishedSeconds 0 only when the active key is compromised: relying sites may not know the new one yet
 * @throws DomainError `signing_key_missing` (pre-publish first), `signing_key_too_young`
 */
export async function rotate (trx: Transaction<Database>, alg: SigningAlg, publishedSeconds: number = keyTimes.published): Promise<{ active: string, retired: string | null }> {
  await lockStatement(trx, alg)
  const [next] = await nextStatement(trx, alg, publishedSeconds)
  if (next === undefined) throw new DomainError('signing_key_missing', { alg })
  if (!next.due) throw new DomainError('signing_key_too_young', { alg, publishedSeconds })
  const [retired] = await retireStatement(trx, alg)
  await activateStatement(trx, next.kid)
  await bumpEpoch(trx, 'signing-keys')
  return { active: next.kid, retired: retired?.kid ?? null }
}

/**
 * Takes a key out of the JWKS: what it signed is not accepted any more. The active key must be rotated first.
 *
 * @param retiredSeconds 0 only when the key is compromised
 * @throws DomainError `signing_key_in_use`: unknown, active, or retired too shortly
 */
export async function removeKey (trx: Transaction<Database>, kid: string, retiredSeconds: number = keyTimes.retired): Promise<void> {
  if ((await removeStatement(trx, kid, retiredSeconds)).length === 0) throw new DomainError('signing_key_in_use', { kid })
  await bumpEpoch(trx, 'signing-keys')
}

/**
 * Every key to publish. The active key of each algorithm stands first: the library signs with the first
 * one that fits.
 *
 * @throws FieldCryptoError when the private part cannot be decrypted with this process's keys
 */
export async function loadKeys (db: Kysely<Database> | Transaction<Database>, crypto: FieldCrypto): Promise<SigningKey[]> {
  return (await loadStatement(db)).map(({ kid, alg, state, privateEnc, publicJwk }) => ({
    kid,
    alg,
    state,
    publicKey: createPublicKey({ key: publicJwk as never, format: 'jwk' }),
    privateKey: state === 'active' ? createPrivateKey(crypto.decrypt('signing_key', 'private_enc', kid, privateEnc)) : null
  }))
}

interface NewKey { kid: string, alg: SigningAlg, privateEnc: string, publicJwk: JWK }

async function makeKey (crypto: FieldCrypto, alg: SigningAlg): Promise<NewKey> {
  const { publicKey, privateKey } = alg === 'ES256'
    ? await generate('ec', { namedCurve: 'P-256' })
    : await generate('rsa', { modulusLength: 3072 })
  const jwk = publicKey.export({ format: 'jwk' }) as JWK
  // RFC 7638: a name that cannot be given to two keys
  const kid = await calculateJwkThumbprint(jwk)
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  return { kid, alg, publicJwk: { ...jwk, kid, alg, use: 'sig' }, privateEnc: crypto.encrypt('signing_key', 'private_enc', kid, pem) }
}

async function insert (trx: Transaction<Database>, { kid, alg, privateEnc, publicJwk }: NewKey, state: SigningKeyState): Promise<void> {
  await insertStatement(trx, kid, alg, state, privateEnc, JSON.stringify(publicJwk))
}

/**
 * Client secrets: 256 random bits, of which only the SHA-256 is stored. Two may be live at once, which lets a site
 * rotate without a gap. `client_secret_jwt` is off, because it would need the secret itself.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { Transaction } from 'kysely'
import { statement } from '../database/statement.ts'
import type { Database } from '../database/schema.ts'
import { DomainError } from '../domain/errors.ts'
import { newIdentifier } from '../domain/identifier.ts'
import type { Connection } from './artifact-repository.ts'
import { incrementEpoch } from './cache-epoch.ts'

/** A live secret as a process keeps it. */
export interface StoredSecret {
  id: string
  /** SHA-256, base64url. */
  hash: string
  /** Epoch seconds; null = until revoked. */
  expiresAt: number | null
  /** 'YYYY-MM-DD', UTC. */
  lastUsedOn: string | null
}

const maximumLiveSecrets = 2

const live = 'revoked_at is null and (expires_at is null or expires_at > now())'

const lockStatement = statement<[string], { clientId: string }>(
  'client secret lock',
  `
  select client_id from client where client_id = $1 for update`
)
const countStatement = statement<[string], { n: number }>(
  'client secret count',
  `
  select count(*)::int as n from client_secret where client_id = $1 and ${live}`
)
const insertStatement = statement<[id: string, clientId: string, hash: string, hint: string], { id: string }>(
  'client secret insert',
  `
  insert into client_secret (id, client_id, secret_hash, hint) values ($1, $2, $3, $4) returning id`
)
const endStatement = statement<[id: string, clientId: string, seconds: number], { id: string }>(
  'client secret end',
  `
  update client_secret set expires_at = least(expires_at, now() + make_interval(secs => $3::float8)),
    revoked_at = case when $3::float8 <= 0 then now() end
  where id = $1 and client_id = $2 and ${live} returning id`
)
const usedStatement = statement<[string], { id: string }>(
  'client secret used',
  `
  update client_secret set last_used_on = (now() at time zone 'UTC')::date
  where id = $1 and (last_used_on is null or last_used_on < (now() at time zone 'UTC')::date) returning id`
)

const hashSecret = (secret: string): string => hash('sha256', secret, 'base64url')

/** What is stored of a secret. */
export interface PreparedSecret {
  id: string
  hash: string
  /** Its last four characters. */
  hint: string
}

/** A secret that is not valid yet. `secret` is shown once and not stored. */
export function prepareSecret (): { secret: string; prepared: PreparedSecret } {
  const secret = newIdentifier(32)
  return { secret, prepared: { id: newIdentifier(12, 'sec_'), hash: hashSecret(secret), hint: secret.slice(-4) } }
}

export type CreatedSecret =
  /** `secret` is shown once and not stored; `hint` (its last four characters) distinguishes it from the other one. */
  | { outcome: 'created'; id: string; secret: string; hint: string }
  /** Two are alive: end one first. */
  | { outcome: 'too_many' }

/** @throws DomainError `client_not_found` */
export async function createSecret (trx: Transaction<Database>, clientId: string): Promise<CreatedSecret> {
  const { secret, prepared } = prepareSecret()
  if (!(await insertSecret(trx, clientId, prepared))) return { outcome: 'too_many' }
  return { outcome: 'created', id: prepared.id, secret, hint: prepared.hint }
}

/**
 * Makes a prepared secret valid. False: two are alive.
 * @throws DomainError `client_not_found`
 */
export async function insertSecret (
  trx: Transaction<Database>,
  clientId: string,
  { id, hash: secretHash, hint }: PreparedSecret
): Promise<boolean> {
  if ((await lockStatement(trx, clientId)).length === 0) throw new DomainError('client_not_found')
  const [alive] = await countStatement(trx, clientId)
  if ((alive?.n ?? 0) >= maximumLiveSecrets) return false
  await insertStatement(trx, id, clientId, secretHash, hint)
  await incrementEpoch(trx, 'clients')
  return true
}

/** Ends a secret in `seconds` (0 = now). False: it is not alive, or not this client's. */
export async function endSecret (
  trx: Transaction<Database>,
  { clientId, id, seconds = 0 }: { clientId: string; id: string; seconds?: number | undefined }
): Promise<boolean> {
  if ((await endStatement(trx, id, clientId, seconds)).length === 0) return false
  await incrementEpoch(trx, 'clients')
  return true
}

/**
 * Which of the stored secrets was given, or null. Compares with each in constant time: how long it takes
 * says nothing about any of them.
 *
 * @param now epoch seconds
 */
export function verifySecret (stored: readonly StoredSecret[], given: unknown, now: number): StoredSecret | null {
  const offered = Buffer.from(hashSecret(typeof given === 'string' ? given : ''))
  let match: StoredSecret | null = null
  for (const secret of stored) {
    const kept = Buffer.from(secret.hash)
    const fits = kept.length === offered.length && timingSafeEqual(kept, offered)
    if (fits && (secret.expiresAt === null || secret.expiresAt > now)) match = secret
  }
  return typeof given === 'string' && given !== '' ? match : null
}

/** Notes the use of a secret, at most once a day. `now` in epoch seconds. */
export async function noteSecretUse (db: Connection, secret: StoredSecret, now: number): Promise<void> {
  const today = new Date(now * 1000).toISOString().slice(0, 10)
  if (secret.lastUsedOn === today) return
  secret.lastUsedOn = today
  await usedStatement(db, secret.id)
}

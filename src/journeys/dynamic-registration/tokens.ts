/**
 * The two tokens of RFC 7591 §3 and RFC 7592 §3: made here and stored as hashes. One has a limited number of uses, the
 * other belongs to one client.
 */
import { hash } from 'node:crypto'
import { sql, type Kysely, type Transaction } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { DynamicRegistrationDeps } from './deps.ts'

type Trx = Transaction<Database>

/** What may be registered with a token. */
export interface RegistrationLimits {
  kinds: string[]
  scopes: string[]
  /** Of every address. Empty: no address at all. */
  hosts: string[]
}
export interface NewRegistrationToken extends RegistrationLimits {
  uses: number
  seconds: number
}

const hashToken = (token: string): string => hash('sha256', token, 'base64url')
const newToken = (): string => newIdentifier(32)

/** An initial access token; it is shown once. */
export async function createRegistrationToken (
  { db, audit }: Pick<DynamicRegistrationDeps, 'db' | 'audit'>,
  act: Act,
  wanted: NewRegistrationToken
): Promise<{ id: string; token: string; expiresAt: Date }> {
  const [token, id] = [newToken(), newIdentifier(9, 'iat_')]
  const { kinds, scopes, hosts, uses, seconds } = wanted
  return await inTransaction(db, async (trx) => {
    const { expiresAt } = await trx
      .insertInto('registrationToken')
      .values({
        id,
        tokenHash: hashToken(token),
        kinds,
        scopes,
        hosts,
        usesLeft: uses,
        createdBy: act.actor,
        reason: act.reason,
        expiresAt: sql<Date>`now() + make_interval(secs => ${seconds})`
      })
      .returning('expiresAt')
      .executeTakeFirstOrThrow()
    await audit.record(trx, {
      type: 'configuration.applied',
      ...act,
      details: { act: 'registration_token', id, kinds, scopes, hosts, uses, seconds }
    })
    return { id, token, expiresAt }
  })
}

/** A token as staff see it, without the secret. */
export interface RegistrationTokenLine extends RegistrationLimits {
  id: string
  usesLeft: number
  clients: number
  createdBy: string
  reason: string
  createdAt: Date
  expiresAt: Date
  live: boolean
}

/** One page, newest first. @param after id of the last row of the page before */
export async function listRegistrationTokens (
  db: Kysely<Database>,
  { after, limit }: { after: string | null; limit: number }
): Promise<RegistrationTokenLine[]> {
  let page = db
    .selectFrom('registrationToken as r')
    .select([
      'r.id',
      'r.kinds',
      'r.scopes',
      'r.hosts',
      'r.usesLeft',
      'r.createdBy',
      'r.reason',
      'r.createdAt',
      'r.expiresAt',
      sql<boolean>`r.uses_left > 0 and r.expires_at > now()`.as('live'),
      sql<number>`(select count(*)::int from client_registration c where c.registration_token_id = r.id)`.as('clients')
    ])
    .orderBy('r.createdAt', 'desc')
    .orderBy('r.id', 'desc')
    .limit(limit)
  if (after !== null) {
    page = page.where(
      sql<boolean>`(r.created_at, r.id) < (select created_at, id from registration_token where id = ${after})`
    )
  }
  return await page.execute()
}

/** Ends a token: no further client is registered with it. Its clients stay, and so do its limits on them. */
export async function endRegistrationToken (
  { db, audit }: Pick<DynamicRegistrationDeps, 'db' | 'audit'>,
  act: Act,
  id: string
): Promise<'ended' | 'unchanged' | 'not_found'> {
  return await inTransaction(db, async (trx) => {
    const ended = await trx
      .updateTable('registrationToken')
      .set({ expiresAt: sql<Date>`now()` })
      .where('id', '=', id)
      .where('usesLeft', '>', 0)
      .where('expiresAt', '>', sql<Date>`now()`)
      .returning('usesLeft')
      .executeTakeFirst()
    if (ended === undefined) {
      return (await trx.selectFrom('registrationToken').select('id').where('id', '=', id).executeTakeFirst()) ===
        undefined
        ? 'not_found'
        : 'unchanged'
    }
    await audit.record(trx, {
      type: 'configuration.applied',
      ...act,
      details: { act: 'registration_token_ended', id, usesLeft: ended.usesLeft }
    })
    return 'ended'
  })
}

/** Uses a token once; null: unknown, outdated or used up. */
export async function takeRegistrationToken (
  trx: Trx,
  token: string
): Promise<(RegistrationLimits & { id: string }) | null> {
  return (
    (await trx
      .updateTable('registrationToken')
      .set({ usesLeft: sql<number>`uses_left - 1` })
      .where('tokenHash', '=', hashToken(token))
      .where('usesLeft', '>', 0)
      .where('expiresAt', '>', sql<Date>`now()`)
      .returning(['id', 'kinds', 'scopes', 'hosts'])
      .executeTakeFirst()) ?? null
  )
}

/** Gives a client its own token, shown once. */
export async function giveClientToken (trx: Trx, clientId: string, registrationTokenId: string): Promise<string> {
  const token = newToken()
  await trx
    .insertInto('clientRegistration')
    .values({ clientId, registrationTokenId, tokenHash: hashToken(token) })
    .execute()
  return token
}

/** Whether this is the token of that client, and what binds it. */
export async function checkClientToken (
  db: Kysely<Database> | Trx,
  clientId: string,
  token: string
): Promise<RegistrationLimits | null> {
  return (
    (await db
      .selectFrom('clientRegistration as c')
      .innerJoin('registrationToken as r', 'r.id', 'c.registrationTokenId')
      .select(['r.kinds', 'r.scopes', 'r.hosts'])
      .where('c.clientId', '=', clientId)
      .where('c.tokenHash', '=', hashToken(token))
      .executeTakeFirst()) ?? null
  )
}

export async function endClientToken (db: Kysely<Database>, clientId: string): Promise<void> {
  await db.deleteFrom('clientRegistration').where('clientId', '=', clientId).execute()
}

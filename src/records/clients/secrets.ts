/** Secrets of a client: at most two, which lets a site rotate without a gap (RFC 6749 §2.3.1). */
import { sql, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { ClientMetadata } from '../../domain/client/record.ts'
import { createSecret, endSecret } from '../../tokens/client-secrets.ts'
import type { ClientsDeps } from './deps.ts'
import { noteAct } from './history.ts'
import { holdClient, type Db } from './repository.ts'

/** How long the former secret is still good after a rotation. */
export const graceSeconds = 7 * 86_400

export const usesSecret = (metadata: Pick<ClientMetadata, 'token_endpoint_auth_method'>): boolean =>
  [undefined, 'client_secret_basic', 'client_secret_post'].includes(metadata.token_endpoint_auth_method)

export interface SecretLine {
  id: string
  /** Last four characters. */
  hint: string
  createdAt: Date
  /** Null = until it is ended. */
  expiresAt: Date | null
  /** 'YYYY-MM-DD', UTC; null = never. */
  lastUsedOn: string | null
}

/** The live secrets, older first. */
export async function listSecrets (db: Db, clientId: string): Promise<SecretLine[]> {
  return await db
    .selectFrom('clientSecret')
    .select([
      'id',
      'hint',
      'createdAt',
      'expiresAt',
      sql<string | null>`to_char(last_used_on, 'YYYY-MM-DD')`.as('lastUsedOn')
    ])
    .where('clientId', '=', clientId)
    .where('revokedAt', 'is', null)
    .where((where) => where.or([where('expiresAt', 'is', null), where('expiresAt', '>', sql<Date>`now()`)]))
    .orderBy('createdAt')
    .orderBy('id')
    .execute()
}

export type SecretRotated =
  /** `previous`: the secret that is still good until `endsAt`. */
  | { outcome: 'created'; id: string; secret: string; hint: string; previous: { id: string; endsAt: Date } | null }
  | { outcome: 'too_many' | 'not_found' | 'own_service' | 'no_secret' }

/**
 * A new secret, shown once; the former one works for the grace period.
 * @param input.grace seconds; 0 = the former one ends at once
 * @throws DomainError `reason_required`
 */
export async function rotateSecret (
  trx: Transaction<Database>,
  deps: Pick<ClientsDeps, 'audit'>,
  { act, clientId, grace = graceSeconds }: { act: Act; clientId: string; grace?: number }
): Promise<SecretRotated> {
  const client = await holdClient(trx, clientId)
  if (client === null) return { outcome: 'not_found' }
  if (client.policy.ownService === true) return { outcome: 'own_service' }
  if (!usesSecret(client.metadata)) return { outcome: 'no_secret' }
  const before = await listSecrets(trx, clientId)
  const made = await createSecret(trx, clientId)
  if (made.outcome === 'too_many') return { outcome: 'too_many' }
  for (const { id } of before) await endSecret(trx, { clientId, id, seconds: grace })
  await noteAct(trx, deps, {
    by: act,
    act: 'secret_created',
    about: {
      clientId,
      version: client.version,
      diff: [
        {
          field: '/secrets',
          before: before.map(({ hint }) => hint),
          after: [...(grace > 0 ? before.map(({ hint }) => hint) : []), made.hint]
        }
      ]
    }
  })
  const [previous] = (await listSecrets(trx, clientId)).filter(({ id }) => id !== made.id)
  return {
    ...made,
    previous:
      previous === undefined || previous.expiresAt === null ? null : { id: previous.id, endsAt: previous.expiresAt }
  }
}

/** Ends one secret now. */
export async function endClientSecret (
  trx: Transaction<Database>,
  deps: Pick<ClientsDeps, 'audit'>,
  { act, clientId, secretId }: { act: Act; clientId: string; secretId: string }
): Promise<'ended' | 'not_found' | 'own_service'> {
  const client = await holdClient(trx, clientId)
  if (client === null) return 'not_found'
  if (client.policy.ownService === true) return 'own_service'
  if (!(await endSecret(trx, { clientId, id: secretId }))) return 'not_found'
  await noteAct(trx, deps, {
    by: act,
    act: 'secret_ended',
    about: {
      clientId,
      version: client.version,
      diff: [{ field: '/secrets', before: secretId, after: null }]
    }
  })
  return 'ended'
}

export async function endEverySecret (trx: Transaction<Database>, clientId: string): Promise<void> {
  for (const { id } of await listSecrets(trx, clientId)) await endSecret(trx, { clientId, id })
}

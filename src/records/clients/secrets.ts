/** Secrets of a client: at most two, which lets a site rotate without a gap (RFC 6749 §2.3.1). */
import { sql, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { ApprovalKind } from '../../domain/administration/approval-kinds.ts'
import { secretReasons, type DualControlReason } from '../../domain/administration/dual-control.ts'
import type { ClientMetadata } from '../../domain/client/record.ts'
import { endSecret, insertSecret, prepareSecret, type PreparedSecret } from '../../tokens/client-secrets.ts'
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

interface Replaced {
  outcome: 'created'
  id: string
  hint: string
  /** The secret that is still good until `endsAt`. */
  previous: { id: string; endsAt: Date } | null
}
/** Another administrator must approve it first; the secret is worth nothing until then. */
interface SecretRequested {
  outcome: 'approval_needed'
  reasons: DualControlReason[]
  request: ClientSecretRequest
}
interface SecretRefused {
  outcome: 'too_many' | 'not_found' | 'own_service' | 'no_secret'
}
export type SecretReplaced = Replaced | SecretRequested | SecretRefused
/** `secret` is shown once and stored nowhere. */
export type SecretRotated = ((Replaced | SecretRequested) & { secret: string }) | SecretRefused

export const clientSecretKind = 'client.secret' satisfies ApprovalKind

/** A new secret that waits for an approval: only its hash, so that who asked for it has it and nobody else. */
export interface ClientSecretRequest extends PreparedSecret {
  clientId: string
  /** Seconds for which the former secrets are still good. */
  grace: number
}

/**
 * A new secret, shown once; the former one works for the grace period.
 * @param input.grace seconds; 0 = the former one ends at once
 * @throws DomainError `reason_required`
 */
export async function rotateSecret (
  trx: Transaction<Database>,
  deps: Pick<ClientsDeps, 'audit'>,
  { act, clientId, grace = graceSeconds, approved = false }: {
    act: Act
    clientId: string
    grace?: number
    approved?: boolean
  }
): Promise<SecretRotated> {
  const { secret, prepared } = prepareSecret()
  const rotated = await replaceSecret(trx, deps, { act, request: { clientId, grace, ...prepared }, approved })
  return rotated.outcome === 'created' || rotated.outcome === 'approval_needed' ? { ...rotated, secret } : rotated
}

/** Makes the secret valid whose request was approved. */
export const applySecretRequest = async (
  trx: Transaction<Database>,
  deps: Pick<ClientsDeps, 'audit'>,
  { act, request }: { act: Act; request: ClientSecretRequest }
): Promise<SecretReplaced> => await replaceSecret(trx, deps, { act, request, approved: true })

async function replaceSecret (
  trx: Transaction<Database>,
  deps: Pick<ClientsDeps, 'audit'>,
  { act, request, approved }: { act: Act; request: ClientSecretRequest; approved: boolean }
): Promise<SecretReplaced> {
  const { clientId, grace, ...prepared } = request
  const client = await holdClient(trx, clientId)
  if (client === null) return { outcome: 'not_found' }
  if (client.policy.ownService === true) return { outcome: 'own_service' }
  if (!usesSecret(client.metadata)) return { outcome: 'no_secret' }
  const before = await listSecrets(trx, clientId)
  if (before.length >= 2) return { outcome: 'too_many' }
  const reasons = secretReasons(client)
  if (reasons.length > 0 && !approved) return { outcome: 'approval_needed', reasons, request }
  if (!(await insertSecret(trx, clientId, prepared))) return { outcome: 'too_many' }
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
          after: [...(grace > 0 ? before.map(({ hint }) => hint) : []), prepared.hint]
        }
      ]
    }
  })
  const [previous] = (await listSecrets(trx, clientId)).filter(({ id }) => id !== prepared.id)
  return {
    outcome: 'created',
    id: prepared.id,
    hint: prepared.hint,
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

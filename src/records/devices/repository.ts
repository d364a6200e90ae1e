import { createHash } from 'node:crypto'
import { sql, type Kysely, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'

export type Db = Kysely<Database> | Transaction<Database>

/** A device as the app API and the phone pages see it. */
export interface KnownDevice {
  id: string
  kind: 'app' | 'web'
  /** Whose it is; null until the first face check on it. */
  personId: string | null
  label: string
  /** The account of its owner is locked or disabled. */
  ownerBarred: boolean
}

export const ownerBarred = sql<boolean>`exists (select 1 from person p where p.id = device.person_id
  and p.status in ('locked', 'disabled'))`.as('ownerBarred')

/** 30 days from the binding, in seconds: how long a phone's browser is trusted without a new face check. */
export const webDeviceSeconds = 30 * 86_400

export const secretHash = (secret: string): string => createHash('sha256').update(secret).digest('base64url')

/** The app installation with this key, or null for unknown and revoked ones. */
export async function deviceByThumbprint (
  db: Db,
  thumbprint: string
): Promise<(KnownDevice & { publicJwk: Record<string, unknown> }) | null> {
  const row = await db
    .selectFrom('device')
    .select(['id', 'kind', 'personId', 'label', 'publicJwk', ownerBarred])
    .where('keyThumbprint', '=', thumbprint)
    .where('revokedAt', 'is', null)
    .executeTakeFirst()
  return row === undefined ? null : { ...row, publicJwk: (row.publicJwk ?? {}) as Record<string, unknown> }
}

/** The bound phone browser with this cookie, or null for unknown, revoked, unbound and outdated ones. */
export async function deviceBySecret (db: Db, secret: string): Promise<KnownDevice | null> {
  if (!/^[\w-]{43}$/.test(secret)) return null
  const row = await db
    .selectFrom('device')
    .select(['id', 'kind', 'personId', 'label', ownerBarred])
    .where('secretHash', '=', secretHash(secret))
    .where('revokedAt', 'is', null)
    .where('personId', 'is not', null)
    .where('boundAt', '>', sql<Date>`now() - make_interval(secs => ${webDeviceSeconds})`)
    .executeTakeFirst()
  return row ?? null
}

export interface ListedDevice extends Omit<KnownDevice, 'ownerBarred'> {
  boundAt: Date | null
  createdAt: Date
}

/** Devices of a person for the user center, newest first; without revoked and outdated ones. */
export async function listDevices (db: Db, personId: string): Promise<ListedDevice[]> {
  return await db
    .selectFrom('device')
    .select(['id', 'kind', 'personId', 'label', 'boundAt', 'createdAt'])
    .where('personId', '=', personId)
    .where('revokedAt', 'is', null)
    .where((where) =>
      where.or([
        where('kind', '=', 'app'),
        where('boundAt', '>', sql<Date>`now() - make_interval(secs => ${webDeviceSeconds})`)
      ])
    )
    .orderBy('boundAt', 'desc')
    .execute()
}

/** The picture of a client: stored as re-encoded (picture.ts), served under an identifier that changes with it. */
import type { Transaction } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import type { Database } from '../../database/schema.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { ClientRecord } from '../../domain/client/record.ts'
import type { ClientsDeps } from './deps.ts'
import { noteAct } from './history.ts'
import { holdClient, updateClient } from './repository.ts'
import type { PictureFault } from './picture.ts'
import { remakePictureSafely } from './remake-picture.ts'

export const logoPath = (id: string): string => `/client-logo/${id}`
/** The same, for the pages of a login. */
export const smallLogoPath = (id: string): string => `${logoPath(id)}/small`

export type LogoStored =
  | { outcome: 'stored'; client: ClientRecord; id: string }
  | { outcome: 'not_found' | 'own_service' }
  | { outcome: 'conflict'; current: ClientRecord }
  | { outcome: 'not_a_picture'; fault: PictureFault }

/**
 * Stores an uploaded picture (PNG or JPEG) as the client's logo; null removes it.
 * @param input.version that the change is based on; another one = `conflict`. Without it: the current one
 * @throws DomainError `reason_required`
 */
export async function storeLogo (
  trx: Transaction<Database>,
  deps: Pick<ClientsDeps, 'audit'>,
  { act, clientId, file, version }: { act: Act; clientId: string; file: Uint8Array | null; version?: number }
): Promise<LogoStored> {
  const picture = file === null ? null : await remakePictureSafely(file)
  if (picture !== null && !picture.ok) return { outcome: 'not_a_picture', fault: picture.fault }
  const current = await holdClient(trx, clientId)
  if (current === null) return { outcome: 'not_found' }
  if (current.policy.ownService === true) return { outcome: 'own_service' }
  if (version !== undefined && version !== current.version) return { outcome: 'conflict', current }
  await trx.deleteFrom('clientLogo').where('clientId', '=', clientId).execute()
  const id = picture === null ? '' : newIdentifier(12, 'logo_')
  const { logo: before, ...policy } = current.policy
  if (picture !== null) {
    await trx
      .insertInto('clientLogo')
      .values({ id, clientId, png: picture.png, width: picture.width, height: picture.height })
      .execute()
  }
  const client = await updateClient(trx, {
    clientId,
    version: current.version,
    change: {
      policy: picture === null ? policy : { ...policy, logo: id }
    }
  })
  if (client === null) throw new Error('a client that is held was changed')
  await noteAct(trx, deps, {
    by: act,
    act: 'logo',
    about: {
      clientId,
      version: client.version,
      diff: [{ field: '/policy/logo', before: before ?? null, after: picture === null ? null : id }]
    }
  })
  return { outcome: 'stored', client, id }
}

/** A stored logo (PNG) by its identifier, which is new with every upload; null = unknown. */
export async function findLogo ({ db }: Pick<ClientsDeps, 'db'>, id: string): Promise<Buffer | null> {
  if (!/^logo_[\w-]{16}$/.test(id)) return null
  const row = await db.selectFrom('clientLogo').select('png').where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : Buffer.from(row.png)
}

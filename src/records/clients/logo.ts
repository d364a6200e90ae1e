/** The picture of a client: stored as made new (picture.ts), served under an identifier that changes with it. */
import { randomBytes } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Database } from '../../database/schema.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { ClientRecord } from '../../domain/client/record.ts'
import { PageError } from '../../http/page-error.ts'
import type { ClientsDeps } from './deps.ts'
import { noteAct } from './history.ts'
import { holdClient, updateClient } from './repository.ts'
import { remakePicture, smallPicture, type PictureFault } from './picture.ts'

export const logoPath = (id: string): string => `/client-logo/${id}`
/** The same, for the pages of a login. */
export const smallLogoPath = (id: string): string => `${logoPath(id)}/small`

export type LogoStored =
  | { outcome: 'stored'; client: ClientRecord; id: string }
  | { outcome: 'not_found' | 'own_service' }
  | { outcome: 'conflict'; current: ClientRecord }
  | { outcome: 'not_a_picture'; fault: PictureFault }

/**
 * Stores an uploaded picture (PNG or JPEG) as the client's logo; null takes it away.
 * @param input.version that the change is made from; another one = `conflict`. Without: whatever there is
 * @throws DomainError `reason_required`
 */
export async function storeLogo (
  trx: Transaction<Database>,
  deps: Pick<ClientsDeps, 'audit'>,
  { act, clientId, file, version }: { act: Act; clientId: string; file: Uint8Array | null; version?: number }
): Promise<LogoStored> {
  const picture = file === null ? null : remakePicture(file)
  if (picture !== null && !picture.ok) return { outcome: 'not_a_picture', fault: picture.fault }
  const current = await holdClient(trx, clientId)
  if (current === null) return { outcome: 'not_found' }
  if (current.policy.ownService === true) return { outcome: 'own_service' }
  if (version !== undefined && version !== current.version) return { outcome: 'conflict', current }
  await trx.deleteFrom('clientLogo').where('clientId', '=', clientId).execute()
  const id = picture === null ? '' : `logo_${randomBytes(12).toString('base64url')}`
  const { logo: before, ...policy } = current.policy
  if (picture !== null) {
    await trx
      .insertInto('clientLogo')
      .values({ id, clientId, png: picture.png, width: picture.width, height: picture.height })
      .execute()
  }
  const client = await updateClient(trx, clientId, current.version, {
    policy: picture === null ? policy : { ...policy, logo: id }
  })
  if (client === null) throw new Error('a client that is held was changed')
  await noteAct(trx, deps, act, 'logo', {
    clientId,
    version: client.version,
    diff: [{ field: '/policy/logo', before: before ?? null, after: picture === null ? null : id }]
  })
  return { outcome: 'stored', client, id }
}

const smallKept = 200

/** GET /client-logo/:id, …/small. The identifier is new with every upload, so browsers may keep the picture. */
export function registerClientLogo (app: FastifyInstance, { db }: Pick<ClientsDeps, 'db'>): void {
  // made once in each process, oldest forgotten first
  const small = new Map<string, Buffer>()
  const pngOf = async (request: FastifyRequest): Promise<{ id: string; png: Uint8Array }> => {
    const { id } = request.params as { id: string }
    const row = /^logo_[\w-]{16}$/.test(id)
      ? await db.selectFrom('clientLogo').select('png').where('id', '=', id).executeTakeFirst()
      : undefined
    if (row === undefined) throw new PageError(404, 'not_found')
    return { id, png: row.png }
  }
  const send = async (reply: FastifyReply, png: Buffer): Promise<FastifyReply> =>
    await reply
      .header('cache-control', 'public, max-age=31536000, immutable')
      .header('content-security-policy', "default-src 'none'; sandbox")
      .header('content-disposition', 'inline; filename="logo.png"')
      .type('image/png')
      .send(png)

  app.get('/client-logo/:id', async (request, reply) => await send(reply, Buffer.from((await pngOf(request)).png)))
  app.get('/client-logo/:id/small', async (request, reply) => {
    const { id, png } = await pngOf(request)
    const made = small.get(id) ?? smallPicture(png)
    small.set(id, made)
    const [oldest] = small.keys()
    if (small.size > smallKept && oldest !== undefined) small.delete(oldest)
    return await send(reply, made)
  })
}

/** Pictures that pages show: logos of relying sites, and the characters of a challenge. Owns no table. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { PageError } from '../../http/page-error.ts'
import { challengePicture } from '../../records/challenges/index.ts'
import { findLogo, smallPicture } from '../../records/clients/index.ts'
import type { PicturesDeps } from './deps.ts'

const smallKept = 200

/** GET /client-logo/:id, …/small. The identifier is new with every upload, so browsers may keep the picture. */
export function registerClientLogos (app: FastifyInstance, deps: Pick<PicturesDeps, 'db'>): void {
  // made once in each process; the oldest are dropped first
  const small = new Map<string, Buffer>()
  const loadLogo = async (id: string): Promise<Buffer> => {
    const png = await findLogo(deps, id)
    if (png === null) throw new PageError(404, 'not_found')
    return png
  }
  const send = async (reply: FastifyReply, png: Buffer): Promise<FastifyReply> =>
    await reply
      .header('cache-control', 'public, max-age=31536000, immutable')
      .header('content-security-policy', "default-src 'none'; sandbox")
      .header('content-disposition', 'inline; filename="logo.png"')
      .type('image/png')
      .send(png)

  app.get<{ Params: { id: string } }>(
    '/client-logo/:id',
    async ({ params }, reply) => await send(reply, await loadLogo(params.id))
  )
  app.get<{ Params: { id: string } }>('/client-logo/:id/small', async ({ params: { id } }, reply) => {
    // looked up first: a logo that was replaced is gone from every size
    const png = await loadLogo(id)
    const made = small.get(id) ?? smallPicture(png)
    small.set(id, made)
    const [oldest] = small.keys()
    if (small.size > smallKept && oldest !== undefined) small.delete(oldest)
    return await send(reply, made)
  })
}

/** GET /challenge/:id.png, for the browser that it was made for, while it may be answered. */
export function registerChallengePictures (app: FastifyInstance, deps: PicturesDeps): void {
  app.get<{ Params: { file: string } }>('/challenge/:file', async (request, reply) => {
    const { file } = request.params
    const png =
      !file.endsWith('.png') || request.browser === null
        ? null
        : await challengePicture(deps, file.replace(/\.png$/, ''), request.browser.hash)
    if (png === null) throw new PageError(404, 'not_found')
    return await reply
      .headers({
        'content-type': 'image/png',
        'cache-control': 'no-store',
        'cross-origin-resource-policy': 'same-origin'
      })
      .send(png)
  })
}

/**
 * Style sheet, script and fonts: read once at start-up, named by the hash of their content, compressed in advance,
 * served as immutable. The style sheet itself is inlined into pages; its hash is in the CSP.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'

export interface Asset {
  name: string
  type: string
  body: Buffer
  br: Buffer | null
  gzip: Buffer | null
}

export interface Assets {
  css: string
  /** CSP source expression of the inlined sheet. */
  cssHash: string
  /** '/assets/app.<hash>.js'. Throws for a file that does not exist: a mistake of ours. */
  url(name: string): string
  byPath: ReadonlyMap<string, Asset>
}

const types: Record<string, string> = {
  js: 'text/javascript; charset=utf-8',
  woff2: 'font/woff2',
  css: 'text/css; charset=utf-8'
}
const folder = new URL('../../views/assets/', import.meta.url)

const hashBody = (body: Buffer | string): string => createHash('sha256').update(body).digest('base64')

export function loadAssets (): Assets {
  const byPath = new Map<string, Asset>()
  const urls = new Map<string, string>()
  const add = (name: string, body: Buffer): void => {
    const [stem = '', extension = ''] = name.split('.')
    const hashed = `${stem}.${hashBody(body).replace(/\W/g, '').slice(0, 10)}.${extension}`
    const packed = extension === 'woff2' // already brotli inside
    urls.set(name, `/assets/${hashed}`)
    byPath.set(`/assets/${hashed}`, {
      name: hashed,
      type: types[extension] ?? 'application/octet-stream',
      body,
      br: packed ? null : brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
      gzip: packed ? null : gzipSync(body, { level: 9 })
    })
  }
  for (const name of readdirSync(folder)) {
    if (name !== 'app.css' && types[name.split('.')[1] ?? ''] !== undefined) {
      add(name, readFileSync(new URL(name, folder)))
    }
  }
  const css = readFileSync(new URL('app.css', folder), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\n\s*/g, '')
    .replace(/\/assets\/([\w-]+\.woff2)/g, (_, name: string) => urls.get(name) ?? '')
  return {
    css,
    cssHash: `'sha256-${hashBody(css)}'`,
    url (name) {
      const url = urls.get(name)
      if (url === undefined) throw new Error(`no asset "${name}" in views/assets`)
      return url
    },
    byPath
  }
}

export function registerAssets (app: FastifyInstance, assets: Assets): void {
  app.get('/assets/:name', { logLevel: 'warn' }, (request, reply) => {
    const asset = assets.byPath.get(`/assets/${(request.params as { name: string }).name}`)
    if (asset === undefined) return reply.callNotFound()
    const accepted = String(request.headers['accept-encoding'] ?? '')
    const encoding =
      asset.br !== null && /\bbr\b/.test(accepted)
        ? 'br'
        : asset.gzip !== null && /\bgzip\b/.test(accepted)
          ? 'gzip'
          : null
    reply
      .header('cache-control', 'public, max-age=31536000, immutable')
      .header('vary', 'accept-encoding')
      .type(asset.type)
    if (encoding !== null) reply.header('content-encoding', encoding)
    return reply.send(encoding === 'br' ? asset.br : encoding === 'gzip' ? asset.gzip : asset.body)
  })
}

/**
 * What every page and endpoint shares: languages, pages, response headers, the browser cookie, CSRF, the client's
 * address, assets and errors. It owns no journey and no table. Journeys use `reply.page`, `request.t`,
 * `request.requireCsrf` and `PageError`, and nothing below them.
 */
import { randomFillSync } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import type { HttpDeps } from './deps.ts'
import { loadAssets, registerAssets } from './assets.ts'
import { registerErrors, registerNotFound } from './errors.ts'
import { baseHeaders } from './headers.ts'
import { createRenderer, type LiveSite } from './rendering.ts'
import { decorateRequests } from './request.ts'

const partLength = 200

/**
 * An unreadable address (not UTF-8, or with a part that is too long) becomes one that does not exist. Otherwise the
 * framework would answer it before routing, without page, language and trace id.
 */
function readableUrl ({ url = '/' }: IncomingMessage): string {
  const path = url.split('?', 1)[0] ?? ''
  if (!path.includes('%') && path.length <= partLength) return url
  try {
    decodeURIComponent(path)
    if (path.split('/').every((part) => part.length <= partLength)) return url
  } catch {}
  return `${/^\/(?:app|sandbox\/api)(?=\/)/.exec(path)?.[0] ?? ''}/404`
}

const ids = Buffer.alloc(6 * 512)
let nextId = ids.length

/** Random for hundreds of requests at once: a call of the generator costs more than all else about an id. No secret. */
function traceId (): string {
  if (nextId === ids.length) {
    randomFillSync(ids)
    nextId = 0
  }
  nextId += 6
  return ids.toString('hex', nextId - 6, nextId)
}

/**
 * Options for `fastify()` that the parts here rely on: trace ids, small bodies, no trust in forwarded headers, no query
 * in logs.
 */
export const serverOptions = {
  genReqId: traceId,
  bodyLimit: 64 * 1024,
  trustProxy: false,
  // open status streams would delay the shutdown
  forceCloseConnections: true,
  requestIdHeader: false as const,
  // a client that sends one byte a minute holds a connection no longer than this (milliseconds); the framework has no
  // limit by default
  requestTimeout: 30_000,
  rewriteUrl: readableUrl,
  routerOptions: { maxParamLength: partLength }
} satisfies FastifyServerOptions

/** Installs all of it on the root instance, in order. Call before any journey. */
export async function registerHttp (
  app: FastifyInstance,
  deps: Pick<HttpDeps, 'config' | 'crypto'>,
  live?: () => LiveSite
): Promise<void> {
  const assets = loadAssets()
  const base = baseHeaders(deps.config)
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(base)
    done()
  })
  await app.register(cookie)
  await app.register(formbody, { bodyLimit: serverOptions.bodyLimit })
  decorateRequests(app, deps, createRenderer(deps.config, assets, live))
  registerErrors(app)
  registerNotFound(app)
  registerAssets(app, assets)
}

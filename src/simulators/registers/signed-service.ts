/** What both registers have in common: signatures of docs/register-contract.md both ways, and controls for outages. */
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { AddressInfo } from 'node:net'
import { createRequestVerifier, signAnswer, type SandboxKey, type Verified } from '../face-provider/signature.ts'

/**
 * down: connections are cut · hang: no answer · error: HTTP 500 · slow: right, but after two thirds of `hangMs` ·
 * nonsense: signed, but not of the contract · unsigned.
 */
export const registerFaults = ['down', 'hang', 'error', 'slow', 'nonsense', 'unsigned'] as const
export type RegisterFault = (typeof registerFaults)[number]

export interface ServiceOptions {
  /** Callers that are known. */
  keys: SandboxKey[]
  /** Milliseconds since the epoch. */
  now?: () => number
  /** How long a hanging answer is kept, in milliseconds; default 10 000. */
  hangMs?: number
}

export interface SignedService {
  readonly app: FastifyInstance
  /** Port 0 takes a free one. Returns the origin listened on. */
  listen(port?: number, host?: string): Promise<string>
  close(): Promise<void>
  /** Faults of the next requests, one each; null = answered properly. */
  script(faults: Array<RegisterFault | null>): void
  /** Every request misbehaves, or (null) behaves again. */
  outage(fault: RegisterFault | null): void
}

declare module 'fastify' {
  interface FastifyRequest {
    registerSignature: Verified | null
    registerFault: RegisterFault | null
  }
}

/** `unscripted`: paths whose requests use up nothing of the script. Throws in production. */
export function createSignedService (
  { keys, now = Date.now, hangMs = 10_000 }: ServiceOptions,
  unscripted: readonly string[] = []
): SignedService {
  if (process.env['NODE_ENV'] === 'production') throw new Error('The register simulator never runs in production.')
  let script: Array<RegisterFault | null> = []
  let outage: RegisterFault | null = null
  const verifyRequest = createRequestVerifier(keys, now, 'register')
  const verified = (request: FastifyRequest, body: Buffer): Verified =>
    verifyRequest({ method: request.method, path: request.raw.url ?? '', headers: request.headers, body })

  const app = Fastify({ forceCloseConnections: true, bodyLimit: 16 * 1024 })
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  app.decorateRequest('registerSignature', null)
  app.decorateRequest('registerFault', null)
  app.removeAllContentTypeParsers()
  // the digest is over the bytes as they came
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    request.registerSignature = verified(request, body)
    try {
      done(null, JSON.parse(body.toString('utf8')))
    } catch {
      done(Object.assign(new Error('not JSON'), { statusCode: 400 }))
    }
  })
  app.addHook('preValidation', async (request, reply) => {
    request.registerFault = (unscripted.includes(request.raw.url ?? '') ? null : script.shift()) ?? outage
    if (request.registerFault === 'down' || request.registerFault === 'hang') {
      return silence(reply, request.registerFault === 'hang' ? hangMs : 0)
    }
    request.registerSignature ??= verified(request, Buffer.alloc(0))
    if (!request.registerSignature.ok) return await reply.code(401).send({ code: request.registerSignature.code })
    if (request.registerFault === 'error') return await reply.code(500).send({ code: 'INTERNAL' })
    if (request.registerFault === 'slow') await new Promise((resolve) => setTimeout(resolve, (hangMs * 2) / 3))
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const signature = request.registerSignature
    if (signature?.key === undefined || signature.signature === undefined || request.registerFault === 'unsigned') {
      return payload
    }
    reply.headers(
      signAnswer(signature.key, {
        answer: { status: reply.statusCode, body: String(payload ?? ''), requestSignature: signature.signature },
        now: now(),
        service: 'register'
      })
    )
    return payload
  })
  app.setErrorHandler(async (error: { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500
    return await reply.code(status).send({ code: status < 500 ? 'BAD_REQUEST' : 'INTERNAL' })
  })
  app.get('/v1/health', async () => ({ status: 'ok' }))

  return {
    app,
    async listen (port = 0, host = '127.0.0.1') {
      await app.listen({ port, host })
      return `http://${host.includes(':') ? `[${host}]` : host}:${(app.server.address() as AddressInfo).port}`
    },
    close: async () => {
      await app.close()
    },
    script (faults) {
      script = [...faults]
    },
    outage (fault) {
      outage = fault
    }
  }
}

/** Names as registers compare them. */
export const normal = (name: string): string => name.normalize('NFKC').replace(/\s/g, '')

/** The connection is cut, at once or after a while, without an answer. */
function silence (reply: FastifyReply, afterMs: number): FastifyReply {
  reply.hijack()
  const timer = setTimeout(() => {
    reply.raw.destroy()
  }, afterMs)
  reply.raw.once('close', () => {
    clearTimeout(timer)
  })
  return reply
}

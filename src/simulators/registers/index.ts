/**
 * Owns the stand-in for the authoritative registers: a small HTTP service of its own that speaks
 * docs/register-contract.md, with an editable table of persons and levers for outages. It keeps everything
 * in memory and refuses to exist in production.
 */
import Type from 'typebox'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { AddressInfo } from 'node:net'
import type { RegisterAnswer } from '../../ports/registry.ts'
import { createRequestVerifier, signAnswer, type SandboxKey, type Verified } from '../face-provider/signature.ts'

export interface PersonRow {
  name: string
  certNo: string
  /** Default resident_id. */
  certType?: string
  /** `normal`: names are compared. `removed`: as if there were no such record. `unavailable`: the register fails for this person. */
  status: 'normal' | 'removed' | 'unavailable'
}

export interface PersonQuery { certType: string, certNo: string, name: string }
/** Another source of answers, asked instead of the table. */
export type PersonLookup = (query: PersonQuery) => RegisterAnswer | 'unavailable'

/** down: connections are cut · hang: no answer · error: HTTP 500 · slow: right, but after two thirds of `hangMs` · nonsense: signed, but not of the contract · unsigned. */
export const registerFaults = ['down', 'hang', 'error', 'slow', 'nonsense', 'unsigned'] as const
export type RegisterFault = typeof registerFaults[number]

export interface RegisterSandboxOptions {
  /** Callers that are known. */
  keys: SandboxKey[]
  lookup?: PersonLookup
  /** Milliseconds since the epoch. */
  now?: () => number
  /** How long a hanging answer is kept, in milliseconds; default 10 000. */
  hangMs?: number
}

export interface RegisterSandbox {
  readonly app: FastifyInstance
  /** Port 0 takes a free one. Returns the origin listened on. */
  listen (port?: number, host?: string): Promise<string>
  close (): Promise<void>
  /** Put or replace a row under an id of the caller's choice. */
  put (id: string, row: PersonRow): void
  get (id: string): PersonRow | undefined
  remove (id: string): void
  list (): Array<PersonRow & { id: string }>
  /** Faults of the next requests, one each; null = answered properly. */
  script (faults: Array<RegisterFault | null>): void
  /** Every request misbehaves, or (null) behaves again. */
  outage (fault: RegisterFault | null): void
  /** How many verified questions were asked. */
  asked (): number
}

declare module 'fastify' {
  interface FastifyRequest {
    registerSignature: Verified | null
    registerFault: RegisterFault | null
  }
}

const Query = Type.Object({
  certType: Type.String({ minLength: 1, maxLength: 32 }),
  certNo: Type.String({ minLength: 1, maxLength: 64 }),
  name: Type.String({ minLength: 1, maxLength: 200 })
})

/** Makes the service; `listen` starts it. Throws in production. */
export async function createRegisterSandbox (options: RegisterSandboxOptions): Promise<RegisterSandbox> {
  if (process.env['NODE_ENV'] === 'production') throw new Error('The register simulator never runs in production.')
  const { now = Date.now, hangMs = 10_000 } = options
  const rows = new Map<string, PersonRow>()
  let script: Array<RegisterFault | null> = []
  let outage: RegisterFault | null = null
  let asked = 0

  const fromTable: PersonLookup = ({ certType, certNo, name }) => {
    const row = [...rows.values()].find((candidate) => candidate.certNo === certNo && (candidate.certType ?? 'resident_id') === certType)
    if (row === undefined || row.status === 'removed') return 'no_record'
    if (row.status === 'unavailable') return 'unavailable'
    return normal(row.name) === normal(name) ? 'match' : 'mismatch'
  }
  const lookup = options.lookup ?? fromTable
  const verifyRequest = createRequestVerifier(options.keys, now, 'register')
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
    request.registerFault = script.shift() ?? outage
    if (request.registerFault === 'down' || request.registerFault === 'hang') return silence(reply, request.registerFault === 'hang' ? hangMs : 0)
    request.registerSignature ??= verified(request, Buffer.alloc(0))
    if (!request.registerSignature.ok) return await reply.code(401).send({ code: request.registerSignature.code })
    if (request.registerFault === 'error') return await reply.code(500).send({ code: 'INTERNAL' })
    if (request.registerFault === 'slow') await new Promise((resolve) => setTimeout(resolve, hangMs * 2 / 3))
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const signature = request.registerSignature
    if (signature?.key === undefined || signature.signature === undefined || request.registerFault === 'unsigned') return payload
    reply.headers(signAnswer(signature.key, { status: reply.statusCode, body: String(payload ?? ''), requestSignature: signature.signature }, now(), 'register'))
    return payload
  })
  app.setErrorHandler(async (error: { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500
    return await reply.code(status).send({ code: status < 500 ? 'BAD_REQUEST' : 'INTERNAL' })
  })
  app.post('/v1/persons/verify', { schema: { body: Query } }, async (request, reply) => {
    asked += 1
    if (request.registerFault === 'nonsense') return await reply.send({ result: 'yes' })
    const result = lookup(request.body as PersonQuery)
    if (result === 'unavailable') return await reply.code(503).send({ code: 'UPSTREAM' })
    return await reply.send({ result })
  })
  app.get('/v1/health', async () => ({ status: 'ok' }))

  return {
    app,
    async listen (port = 0, host = '127.0.0.1') {
      await app.listen({ port, host })
      return `http://${host.includes(':') ? `[${host}]` : host}:${(app.server.address() as AddressInfo).port}`
    },
    close: async () => { await app.close() },
    put: (id, row) => { rows.set(id, { ...row }) },
    get: (id) => rows.get(id),
    remove: (id) => { rows.delete(id) },
    list: () => [...rows].map(([id, row]) => ({ id, ...row })),
    script (faults) { script = [...faults] },
    outage (fault) { outage = fault },
    asked: () => asked
  }
}

const normal = (name: string): string => name.normalize('NFKC').replace(/\s/g, '')

/** The connection is cut, at once or after a while, without an answer. */
function silence (reply: FastifyReply, afterMs: number): FastifyReply {
  reply.hijack()
  const timer = setTimeout(() => { reply.raw.destroy() }, afterMs)
  reply.raw.once('close', () => { clearTimeout(timer) })
  return reply
}

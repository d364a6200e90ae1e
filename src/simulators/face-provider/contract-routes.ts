/** The contract's endpoints under /v1: every request is verified, every answer is signed, faults on demand. */
import Type from 'typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { createRequestVerifier, signAnswer } from './signature.ts'
import type { SandboxKey, Verified } from './signature.ts'
import { isFault } from './transactions.ts'
import type { Fault, StartBody, Transaction, Transactions } from './transactions.ts'

export interface ContractOptions {
  keys: SandboxKey[]
  transactions: Transactions
  now: () => number
  /** Fault of every endpoint at once, or null. */
  outage: () => Fault | null
  /** Milliseconds that a hanging answer is kept. */
  hangMs: number
  captureUrl: (transaction: Transaction) => string
  onDecided: (transaction: Transaction) => void
}

declare module 'fastify' {
  interface FastifyRequest {
    faceSignature: Verified | null
    faceFault: Fault | null
  }
}

const isSilent = (fault: Fault | null): fault is 'timeout' | 'down' => fault === 'timeout' || fault === 'down'

const id = { pattern: '^[A-Za-z0-9_-]{8,128}$' }
const webAddress = { pattern: '^https?://', maxLength: 2048 }
const StartSchema = Type.Object({
  attemptId: Type.String(id),
  subject: Type.Object({
    certType: Type.String({ minLength: 1, maxLength: 32 }),
    certNo: Type.String({ minLength: 1, maxLength: 64 }),
    name: Type.String({ minLength: 1, maxLength: 200 })
  }),
  channel: Type.Union([Type.Literal('h5'), Type.Literal('app'), Type.Literal('pc')]),
  consentId: Type.String({ minLength: 1, maxLength: 128 }),
  clientMeta: Type.Optional(Type.String({ maxLength: 8192 })),
  returnUrl: Type.Optional(Type.String(webAddress)),
  notifyUrl: Type.Optional(Type.String(webAddress)),
  ip: Type.Optional(Type.String({ maxLength: 64 })),
  locale: Type.Optional(Type.String({ maxLength: 16 }))
})

export async function contractRoutes (app: FastifyInstance, options: ContractOptions): Promise<void> {
  const { transactions, now } = options
  const verifyRequest = createRequestVerifier(options.keys, now)

  app.decorateRequest('faceSignature', null)
  app.decorateRequest('faceFault', null)

  // the digest is over the bytes as they came, so they are kept
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: 64 * 1024 },
    (request, body: Buffer, done) => {
      request.faceSignature = verified(request, body)
      try {
        done(null, body.length === 0 ? undefined : JSON.parse(body.toString('utf8')))
      } catch {
        done(Object.assign(new Error('not JSON'), { statusCode: 400 }))
      }
    }
  )
  const verified = (request: FastifyRequest, body: Buffer): Verified =>
    verifyRequest({ method: request.method, path: request.raw.url ?? '', headers: request.headers, body })

  app.addHook('preValidation', async (request, reply) => {
    request.faceFault = options.outage()
    if (isSilent(request.faceFault)) return await silence(request, reply, request.faceFault)
    request.faceSignature ??= verified(request, Buffer.alloc(0))
    if (!request.faceSignature.ok) return reply.code(401).send({ code: request.faceSignature.code })
  })

  app.setErrorHandler(async (error: { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500
    return reply.code(status).send({ code: status < 500 ? 'BAD_REQUEST' : 'INTERNAL' })
  })

  app.addHook('onSend', async (request, reply, payload) => {
    const signature = request.faceSignature
    const body = request.faceFault === 'garbage' ? '{"status":"passed",' : typeof payload === 'string' ? payload : ''
    if (signature?.key && signature.signature !== undefined) {
      const headers = signAnswer(
        signature.key,
        { answer: { status: reply.statusCode, body, requestSignature: signature.signature }, now: now() }
      )
      if (request.faceFault === 'forged') headers['signature'] = `sig=:${Buffer.alloc(32, 7).toString('base64')}:`
      reply.headers(headers)
    }
    return body
  })

  /** Hangs until the caller leaves or the time is over, then breaks the connection; at once for `down`. */
  const silence = async (
    request: FastifyRequest,
    reply: FastifyReply,
    fault: 'timeout' | 'down'
  ): Promise<FastifyReply> => {
    const { socket } = request.raw
    reply.hijack()
    if (fault === 'timeout' && !socket.destroyed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, options.hangMs).unref()
        socket.once('close', () => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
    socket.destroy()
    return reply
  }

  /** A transaction belongs to the key that opened it. */
  const own = (request: FastifyRequest, id: string): Transaction | undefined => {
    const transaction = transactions.get(id)
    return request.faceSignature?.ok && transaction?.key === request.faceSignature.key ? transaction : undefined
  }

  app.post<{ Body: StartBody }>('/transactions', { schema: { body: StartSchema } }, async (request, reply) => {
    const { faceSignature } = request
    if (!faceSignature?.ok) throw new Error('unverified')
    const started = await transactions.start(request.body, faceSignature.key)
    if (started.kind === 'conflict') return reply.code(409).send({ code: 'ATTEMPT_REUSED' })
    const { transaction } = started
    if (started.kind === 'new' && transaction.outcome !== null) options.onDecided(transaction)
    return reply.code(started.kind === 'new' ? 201 : 200).send({
      transactionId: transaction.id,
      attemptId: transaction.attemptId,
      method: 'redirect',
      url: options.captureUrl(transaction),
      expiresAt: new Date(transaction.expiresAt).toISOString()
    })
  })

  app.get<{ Params: { id: string } }>('/transactions/:id', async (request, reply) => {
    const transaction = own(request, request.params.id)
    if (!transaction) return reply.code(404).send({ code: 'TRANSACTION_UNKNOWN' })
    if (isFault(transaction.outcome)) request.faceFault ??= transaction.outcome
    if (isSilent(request.faceFault)) return await silence(request, reply, request.faceFault)
    return transactions.verdict(transaction)
  })

  app.delete<{ Params: { id: string } }>('/transactions/:id', async (request, reply) => {
    const transaction = own(request, request.params.id)
    if (!transaction) return reply.code(404).send({ code: 'TRANSACTION_UNKNOWN' })
    transactions.erase(transaction.id)
    return reply.code(204).send()
  })

  app.get('/health', async () => ({ status: 'ok' }))
}

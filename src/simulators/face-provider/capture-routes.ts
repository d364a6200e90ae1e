/**
 * The page on which the person "is recognized": chooses the outcome, then returns to the address given at the start.
 */
import { readFileSync } from 'node:fs'
import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { capturePage, endPage, styleHash } from './capture-page.ts'
import { isLocale } from './texts.ts'
import type { Locale } from './texts.ts'
import { isOutcome } from './transactions.ts'
import type { Decision, Outcome, Transaction, Transactions } from './transactions.ts'

const script = readFileSync(new URL('./assets/capture.js', import.meta.url), 'utf8')

const headers = {
  'cache-control': 'no-store',
  // no form-action: the answer to the form is a redirect to the caller's address
  'content-security-policy': `default-src 'none'; script-src 'self'; style-src ${styleHash}; img-src 'self' data:; media-src 'self' blob:; base-uri 'none'; frame-ancestors 'none'`,
  'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff'
}

type Capture = { Params: { token: string }; Querystring: { lang?: unknown }; Body: { outcome?: unknown } | undefined }

export async function captureRoutes (
  app: FastifyInstance,
  options: { transactions: Transactions; decide: (id: string, outcome: Outcome) => Decision }
): Promise<void> {
  const { transactions } = options
  await app.register(formbody, { bodyLimit: 4096 })
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(headers)
  })

  const chooseLocale = (request: FastifyRequest<Capture>, transaction: Transaction | undefined): Locale =>
    [request.query.lang, transaction?.locale].find(isLocale) ?? 'zh-CN'
  const html = (reply: FastifyReply, status: number, text: string): FastifyReply =>
    reply.code(status).type('text/html; charset=utf-8').send(text)
  const leave = (request: FastifyRequest<Capture>, reply: FastifyReply, transaction: Transaction): FastifyReply =>
    transaction.returnUrl === null
      ? html(reply, 200, endPage(chooseLocale(request, transaction), 'done'))
      : reply.redirect(transaction.returnUrl, 303)
  const gone = (request: FastifyRequest<Capture>, reply: FastifyReply): FastifyReply =>
    html(reply, 404, endPage(chooseLocale(request, undefined), 'gone'))

  app.get<Capture>('/capture/:token', async (request, reply) => {
    const transaction = transactions.ofToken(request.params.token)
    if (!transaction || transactions.isExpired(transaction)) return gone(request, reply)
    if (transaction.outcome !== null) return leave(request, reply, transaction)
    return html(
      reply,
      200,
      capturePage({
        locale: chooseLocale(request, transaction),
        action: `/capture/${transaction.captureToken}`,
        missing: false
      })
    )
  })

  app.post<Capture>('/capture/:token', async (request, reply) => {
    const transaction = transactions.ofToken(request.params.token)
    if (!transaction || transactions.isExpired(transaction)) return gone(request, reply)
    // a second click, or back and again: the first choice stays
    if (transaction.outcome !== null) return leave(request, reply, transaction)
    const outcome = request.body?.outcome
    if (!isOutcome(outcome)) {
      return html(
        reply,
        422,
        capturePage({
          locale: chooseLocale(request, transaction),
          action: `/capture/${transaction.captureToken}`,
          missing: true
        })
      )
    }
    options.decide(transaction.id, outcome)
    return leave(request, reply, transaction)
  })

  app.get('/capture.js', async (_request, reply) => reply.type('text/javascript; charset=utf-8').send(script))
}

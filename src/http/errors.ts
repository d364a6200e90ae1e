/**
 * Every fault ends here: a page in the person's language for browsers, problem+json (RFC 9457) for APIs, with a
 * trace id that support can find in the log. Bad input is never a 500, and no answer carries a stack.
 */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isDatabaseUnavailable } from '../database/errors.ts'
import { PageError, type ErrorKey, type PageErrorDetails } from './page-error.ts'
import { SeeOther } from './see-other.ts'

export { PageError } from './page-error.ts'
export type { PageErrorDetails } from './page-error.ts'

const apiPath = /^\/(app|sandbox\/api|admin\/api|oidc\/device-authorization)(\/|\?|$)/

/** Whether a program asked: by path, or because it accepts JSON and not HTML. */
export function wantsJson (request: Pick<FastifyRequest, 'url' | 'headers'>): boolean {
  if (apiPath.test(request.url)) return true
  const accept = request.headers.accept ?? ''
  return /\bapplication\/(?:[\w.-]+\+)?json\b/.test(accept) && !/\btext\/html\b/.test(accept)
}

/** The database cannot be reached or is overloaded, however deep the error is wrapped. */
export function isUnavailable (error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (isDatabaseUnavailable(at)) return true
  }
  return false
}

const keyOfStatus = new Map<number, ErrorKey>([
  [403, 'forbidden'],
  [404, 'not_found'],
  [405, 'method'],
  [413, 'too_large'],
  [414, 'too_large'],
  [429, 'too_many'],
  [431, 'too_large']
])

/** What any thrown thing means to the outside. */
function classify (error: unknown): { status: number; key: ErrorKey; details: PageErrorDetails } {
  if (error instanceof PageError) return error
  if (isUnavailable(error)) return { status: 503, key: 'unavailable', details: { retryAfterSeconds: 5 } }
  // a character that the database cannot hold (NUL) came from the request (SQLSTATE 22021, 22P05)
  if (/^22(021|P05)$/.test(String((error as { code?: unknown } | null | undefined)?.code))) {
    return { status: 400, key: 'bad_request', details: {} }
  }
  const { statusCode } = (error ?? {}) as Partial<FastifyError>
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return {
      status: statusCode,
      key: keyOfStatus.get(statusCode) ?? 'bad_request',
      details: statusCode === 429 ? { retryAfterSeconds: 60 } : {}
    }
  }
  if (statusCode === 503) return { status: 503, key: 'unavailable', details: { retryAfterSeconds: 5 } }
  return { status: 500, key: 'server', details: {} }
}

/** What a page about a fault is made from. */
export interface Fault {
  status: number
  key: ErrorKey
  details: PageErrorDetails
}
/** Shows it to a person; programs never get here. */
export type FaultPage = (
  request: FastifyRequest,
  reply: FastifyReply,
  fault: Fault
) => FastifyReply | Promise<FastifyReply>

const hostedPage: FaultPage = (_request, reply, { status, key, details }) =>
  reply.page(
    'error',
    {
      status,
      key,
      restartHref: details.restartHref ?? null,
      back: details.back ?? null,
      retryAfterSeconds: details.retryAfterSeconds ?? null,
      developer: details.developer ?? null
    },
    { status }
  )

async function answer (
  request: FastifyRequest,
  reply: FastifyReply,
  { fault, page }: { fault: Fault; page: FaultPage }
): Promise<FastifyReply> {
  const { status, key, details } = fault
  reply.header('cache-control', 'no-store')
  if (details.retryAfterSeconds !== undefined) reply.header('retry-after', String(details.retryAfterSeconds))
  if (details.headers !== undefined) reply.headers(details.headers)
  if (wantsJson(request)) {
    return reply
      .code(status)
      .type('application/problem+json')
      .send(
        JSON.stringify({
          type: 'about:blank',
          title: request.t.code([`error.${key}.title`], 'error.server.title'),
          status,
          code: key,
          trace_id: String(request.id)
        })
      )
  }
  return await page(request, reply, fault)
}

/** @param page how a person sees it; an area with a frame of its own registers its own, in its scope */
export function registerErrors (app: FastifyInstance, page: FaultPage = hostedPage): void {
  app.setErrorHandler(async (error, request, reply) => {
    if (error instanceof SeeOther) return reply.redirect(error.location, 303)
    const { status, key, details } = classify(error)
    // the message of a foreign error may quote what was typed: only our own faults are logged with it
    if (status >= 500) request.log.error({ err: error, code: key }, 'request failed')
    else request.log.info({ status, code: key }, 'request refused')
    try {
      return await answer(request, reply, { fault: { status, key, details }, page })
    } catch (failure) {
      request.log.error({ err: failure }, 'error page failed')
      return reply
        .code(status)
        .type('text/plain; charset=utf-8')
        .send(`统一身份认证暂时无法显示这个页面。问题编号 ${String(request.id)}`)
    }
  })
}

/** For addresses that are nothing, below the prefix of this scope. */
export function registerNotFound (app: FastifyInstance, page: FaultPage = hostedPage): void {
  app.setNotFoundHandler(
    async (request, reply) =>
      await answer(request, reply, { fault: { status: 404, key: 'not_found', details: {} }, page })
  )
}

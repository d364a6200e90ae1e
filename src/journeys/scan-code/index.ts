/**
 * The live part of a QR page, the same for a login and for an approval in the user center. The ticket answers only to
 * the browser that made it; SSE pushes, polling is the fallback, a plain form works without script.
 */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { qrSvg } from '../../http/qr-svg.ts'
import { liveStates } from '../../domain/login/scan-ticket.ts'
import type { BrowserSide, TicketPurpose, TicketStatus } from '../../records/scan-tickets/index.ts'
import { statusText } from './scan.ts'

export {
  statusKeys,
  statusText,
  ticketModel,
  type LoginTab,
  type ScanPage,
  type ScanPurpose,
  type ScanTicketView
} from './scan.ts'

export interface QrPlace {
  /** Route pattern of the page, for example '/i/:uid/qr'. */
  pattern: string
  /** The page's own address in this request. */
  base(request: FastifyRequest): string
  /** The purpose, if not a login: chooses the words. */
  purpose?: TicketPurpose
}

/** The `:ticket` of an address under a QR page. */
export const ticketId = (request: FastifyRequest): string => (request.params as { ticket?: string }).ticket ?? ''

/** The code can still be scanned, or the phone is at work. */
export const isLive = (status: TicketStatus): boolean => liveStates.includes(status.state)

/** A prefetched page must not make a ticket. */
export const isPrefetch = (request: FastifyRequest): boolean =>
  String(request.headers['sec-purpose'] ?? '').includes('prefetch')

/** GET `…/:ticket/state` and `…/:ticket/events` below the page; both name `…/:ticket/finish` once the phone is done. */
export function registerTicketStatus (
  app: FastifyInstance,
  tickets: Pick<BrowserSide, 'status' | 'watch'>,
  { pattern, base, purpose }: QrPlace
): void {
  app.get(`${pattern}/:ticket/state`, async (request, reply) => {
    const browser = reply.ensureBrowser()
    const status = await tickets.status(ticketId(request), browser.hash, { scripted: true })
    reply.header('cache-control', 'no-store')
    if (status === null) {
      return await reply.code(404).send({ state: 'expired', left: 0, text: request.t('scan-code.status.expired') })
    }
    return await reply.send(describeEvent(request, status))
  })

  app.get(`${pattern}/:ticket/events`, async (request, reply) => {
    const browser = reply.ensureBrowser()
    const id = ticketId(request)
    if ((await tickets.status(id, browser.hash, { scripted: true })) === null) return await reply.code(404).send()
    const stop = new AbortController()
    request.raw.on('close', () => {
      stop.abort()
    })
    reply.headers({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no'
    })
    return await reply.send(
      Readable.from(streamEvents(request, tickets.watch(id, browser.hash, stop.signal)), { objectMode: false })
    )
  })

  function describeEvent (request: FastifyRequest, status: TicketStatus): Record<string, unknown> {
    return {
      state: status.state,
      left: status.secondsLeft,
      text: statusText(request.t, { ...status, ...(purpose === undefined ? {} : { purpose }) }),
      ...(status.payloadUrl === null ? {} : { svg: qrSvg(status.payloadUrl, 'qr-alt'), payload: status.payloadUrl }),
      ...(status.state === 'confirmed' ? { next: `${base(request)}/${ticketId(request)}/finish` } : {})
    }
  }

  async function * streamEvents (
    request: FastifyRequest,
    statuses: AsyncIterable<TicketStatus>
  ): AsyncGenerator<string> {
    yield 'retry: 3000\n\n'
    for await (const status of withHeartbeat(statuses, 10_000)) {
      yield status === null
        ? 'event: ping\ndata: 1\n\n'
        : `event: state\ndata: ${JSON.stringify(describeEvent(request, status))}\n\n`
    }
  }
}

/** The values of a stream, and null after each silent interval: proxies and clients see that it is alive. */
async function * withHeartbeat<T> (source: AsyncIterable<T>, milliseconds: number): AsyncGenerator<T | null> {
  const iterator = source[Symbol.asyncIterator]()
  let pending = iterator.next()
  try {
    while (true) {
      let timer: NodeJS.Timeout | undefined
      const silence = new Promise<null>((resolve) => {
        timer = setTimeout(() => {
          resolve(null)
        }, milliseconds)
      })
      const result = await Promise.race([pending, silence])
      clearTimeout(timer)
      if (result === null) {
        yield null
        continue
      }
      if (result.done === true) return
      yield result.value
      pending = iterator.next()
    }
  } finally {
    await iterator.return?.()
  }
}

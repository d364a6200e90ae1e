/**
 * One signed request and its answer. Everything except a whole, authentic, timely answer of the provider becomes a
 * TransportFault; an authentic answer is returned with every status.
 */
import { isTooDeep } from '../../domain/json-depth.ts'
import type { Service, SignatureKeys } from './keys.ts'
import { signMessage, signatureValue, verifyMessage } from './message-signature.ts'

/** What went wrong on the line. */
export type Fault =
  'timeout' | 'unreachable' | 'breaker-open' | 'status' | 'redirect' | 'oversize' | 'signature' | 'malformed'

export class TransportFault extends Error {
  readonly fault: Fault
  constructor (fault: Fault, message: string) {
    super(`provider: ${message}`)
    this.name = 'TransportFault'
    this.fault = fault
  }
}

export interface Answer {
  status: number
  /** The parsed body; undefined when it is empty. */
  json: unknown
  /** The provider's own id of this answer, for questions to the provider. */
  requestId: string | undefined
}

export interface TransportOptions {
  /** Origin and path before /v1. */
  baseUrl: URL
  keys: SignatureKeys
  timeoutMs: number
  fetch: typeof fetch
  /** Milliseconds. */
  now: () => number
}

const loopback = ['localhost', '127.0.0.1', '[::1]']

/** An address that requests may be sent to. Throws TypeError. */
export function checkedBaseUrl (text: string, service: Service): URL {
  const url = URL.parse(text)
  if (url === null || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new TypeError(`${service} provider: baseUrl must be an address without query`)
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback.includes(url.hostname))) {
    throw new TypeError(`${service} provider: baseUrl must begin with https:// (http:// is for this machine only)`)
  }
  return url
}

export type Send = (method: 'GET' | 'POST' | 'DELETE', path: string, payload?: object) => Promise<Answer>

const maximumAnswerBytes = 64 * 1024

/** Makes `send`. Throws TransportFault; its text names neither person nor address. */
export function createTransport (options: TransportOptions): Send {
  const prefix = options.baseUrl.pathname.replace(/\/$/, '')
  return async function send (method, path, payload) {
    const body = Buffer.from(payload === undefined ? '' : JSON.stringify(payload))
    const url = new URL(prefix + path, options.baseUrl)
    const signed = signMessage({ kind: 'request', method, path: url.pathname, body }, options.keys, options.now())
    const signal = AbortSignal.timeout(options.timeoutMs)
    let response: Response
    let received: Buffer
    try {
      response = await options.fetch(url, {
        method,
        // the digest is over the bytes as sent: no encodings
        headers: {
          accept: 'application/json',
          'accept-encoding': 'identity',
          ...(payload && { 'content-type': 'application/json' }),
          ...signed
        },
        ...(payload && { body }),
        redirect: 'manual',
        signal
      })
      if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
        await response.body?.cancel()
        throw new TransportFault('redirect', `redirect refused (HTTP ${response.status})`)
      }
      received = await readLimited(response)
    } catch (error) {
      if (error instanceof TransportFault) throw error
      if (signal.aborted) throw new TransportFault('timeout', `no answer within ${options.timeoutMs} ms`)
      throw new TransportFault('unreachable', `connection failed${readErrorCode(error)}`)
    }
    const { status } = response
    const verified = verifyMessage({
      message: { kind: 'answer', status, requestSignature: signatureValue(signed.signature), body: received },
      headers: (name) => response.headers.get(name),
      keys: options.keys,
      now: options.now()
    })
    if (status >= 500 || status === 429) throw new TransportFault('status', `HTTP ${status}`)
    if (!verified.ok) throw new TransportFault('signature', `answer not believed: ${verified.why} (HTTP ${status})`)
    return { status, json: parse(received, response), requestId: readRequestId(response) }
  }
}

/** The body, at most 64 KB, independent of Content-Length. */
async function readLimited (response: Response): Promise<Buffer> {
  if (!response.body) return Buffer.alloc(0)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length
    // leaving the loop cancels the stream
    if (size > maximumAnswerBytes) throw new TransportFault('oversize', `answer above ${maximumAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parse (received: Buffer, response: Response): unknown {
  if (received.length === 0) return undefined
  if (!/^application\/json\s*(;|$)/i.test(response.headers.get('content-type') ?? '')) {
    throw new TransportFault('malformed', 'answer is not JSON')
  }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(received))
  } catch {
    // the parser's own message would quote the body
    throw new TransportFault('malformed', 'answer is not JSON')
  }
  if (isTooDeep(value)) throw new TransportFault('malformed', 'answer is nested too deeply')
  return value
}

function readRequestId (response: Response): string | undefined {
  const id = response.headers.get('request-id')
  return id !== null && /^[\w.:-]{1,128}$/.test(id) ? id : undefined
}

/** ECONNREFUSED and the like; fetch hides them in the cause, or in an AggregateError in the cause. */
function readErrorCode (error: unknown): string {
  const code = (error as { cause?: { code?: unknown } } | null)?.cause?.code
  return typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code) ? ` (${code})` : ''
}

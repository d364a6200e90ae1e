/** A sandbox and an adapter on the same keys, and a provider that answers whatever a test wants. */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { createFaceHttpProvider } from '../../../src/adapters/face-http/index.ts'
import type { FaceHttpOptions, FaceHttpProvider } from '../../../src/adapters/face-http/index.ts'
import type { FaceStart } from '../../../src/ports/face-provider.ts'
import { createFaceSandbox } from '../../../src/simulators/face-provider/index.ts'
import type { FaceSandbox, FaceSandboxOptions } from '../../../src/simulators/face-provider/index.ts'
import { signAnswer } from '../../../src/simulators/face-provider/signature.ts'
import type { SandboxKey } from '../../../src/simulators/face-provider/signature.ts'

export const hmacKey = {
  keyId: 'kora',
  algorithm: 'hmac-sha256',
  secret: 'a secret of thirty-two bytes, or more'
} as const

export const person = { certType: 'resident_id', certNo: '540102199003072515', name: '测试·扎西' } as const

let count = 0
export const start = (extra: Partial<FaceStart> = {}): FaceStart => ({
  attemptId: `attempt-${++count}-0123456789`,
  subject: person,
  channel: 'h5',
  consentId: 'consent-1',
  ...extra
})

/** Connected pair; both end with the test. */
export async function pair (
  t: Test,
  sandbox: Partial<FaceSandboxOptions> = {},
  adapter: Partial<FaceHttpOptions> = {}
): Promise<{ provider: FaceHttpProvider; sandbox: FaceSandbox }> {
  const running = await createFaceSandbox({ keys: [hmacKey], ...sandbox })
  t.teardown(() => running.close())
  const baseUrl = await running.listen()
  return { sandbox: running, provider: createFaceHttpProvider({ baseUrl, ...hmacKey, ...adapter }) }
}

export interface Rogue {
  baseUrl: string
  /** What was asked, in order. */
  requests: Array<{ method: string; url: string; headers: IncomingMessage['headers']; body: string }>
  answer: (request: IncomingMessage, response: ServerResponse) => void
}

/** A server that does what `answer` says; `answer` may be replaced while it runs. */
export async function rogue (t: Test, answer: Rogue['answer']): Promise<Rogue> {
  const state: Rogue = { baseUrl: '', requests: [], answer }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      state.requests.push({
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString()
      })
      state.answer(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  state.baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return state
}

/** Answers with a properly signed body. */
export function signed (
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
  options: { status?: number; now?: number; key?: SandboxKey; headers?: Record<string, string> } = {}
): void {
  const status = options.status ?? 200
  const requestSignature = String(request.headers['signature']).slice(5, -1)
  response.writeHead(status, {
    'content-type': 'application/json',
    ...signAnswer(options.key ?? hmacKey, {
      answer: { status, body, requestSignature },
      now: options.now ?? Date.now()
    }),
    ...options.headers
  })
  response.end(body)
}

/** What a promise rejects with; an error of its own when it does not. */
export const failure = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => new Error('did not reject'),
    (error: unknown) => error
  )

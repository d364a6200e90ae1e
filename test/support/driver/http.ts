/** One HTTP/1.1 request exactly as given: any Host, any path, any header, which fetch would normalise or refuse. */
import { request, type OutgoingHttpHeaders } from 'node:http'

export interface Sent {
  method?: string
  path?: string
  headers?: OutgoingHttpHeaders
  body?: string | Uint8Array
}

/** @param target where to connect; its path is used unless `path` is given */
export async function send (
  target: string | URL,
  { method = 'GET', path, headers = {}, body }: Sent = {}
): Promise<Response> {
  const url = new URL(target)
  return await new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port,
        method,
        path: path ?? `${url.pathname}${url.search}`,
        headers: {
          host: url.host,
          ...headers,
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) })
        },
        timeout: 30_000
      },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => {
          chunks.push(chunk)
        })
        incoming.on('error', reject)
        incoming.on('end', () => {
          const received = new Headers()
          for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
            received.append(incoming.rawHeaders[i] ?? '', incoming.rawHeaders[i + 1] ?? '')
          }
          const status = incoming.statusCode ?? 500
          resolve(
            new Response([204, 205, 304].includes(status) ? null : Buffer.concat(chunks), {
              status,
              headers: received
            })
          )
        })
      }
    )
    outgoing.on('timeout', () => {
      outgoing.destroy(new Error(`no answer from ${url.href}`))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/**
 * Requests of the provider to relying sites (jwks_uri, sector_identifier_uri, logout tokens). The library's dispatcher
 * refuses loopback and private networks. Government sites are in such networks, so requests to the hosts that the
 * operator lists go without it. No redirects; 3 seconds and 64 KB, the whole answer included.
 */
type Fetch = (url: string | URL | Request, options?: RequestInit) => Promise<Response>

const longestMilliseconds = 3000
/** A set of keys takes some KB; whoever sends more wants our memory. */
const largestBytes = 64 * 1024

/** @param allowed host, or host:port for another port than the scheme's, compared exactly */
export function createEgressFetch (allowed: readonly string[], fetch: Fetch = globalThis.fetch): Fetch {
  const hosts = new Set(allowed)
  return async (url, options = {}) => {
    const target = new URL(url instanceof Request ? url.url : url)
    const time = AbortSignal.timeout(longestMilliseconds)
    const bounded: RequestInit & { dispatcher?: unknown } = {
      ...options,
      redirect: 'manual',
      signal: options.signal === undefined || options.signal === null ? time : AbortSignal.any([options.signal, time])
    }
    if (hosts.has(target.host)) delete bounded.dispatcher
    return await readWhole(await fetch(url, bounded))
  }
}

/** The same answer, read whole; counted unpacked, because that fills the memory. @throws Error when it is too long */
async function readWhole (response: Response): Promise<Response> {
  if (response.body === null) return response
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length
    // leaving the loop cancels the stream
    if (size > largestBytes) throw new Error(`the answer is longer than ${largestBytes} bytes`)
    chunks.push(chunk)
  }
  const { status, statusText } = response
  const headers = new Headers(response.headers)
  headers.delete('content-encoding')
  headers.delete('content-length')
  return new Response(chunks.length === 0 ? null : Buffer.concat(chunks), { status, statusText, headers })
}

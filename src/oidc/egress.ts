/**
 * Requests of the provider to relying sites (jwks_uri, logout tokens). The library's dispatcher refuses loopback and
 * private networks. Government sites are in such networks, so requests to the hosts that the operator lists go without
 * it. No redirects, 2.5 seconds.
 */
type Fetch = (url: string | URL | Request, options?: RequestInit) => Promise<Response>

/** @param allowed host or host:port, compared exactly */
export function createEgressFetch (allowed: readonly string[], fetch: Fetch = globalThis.fetch): Fetch {
  const hosts = new Set(allowed)
  return async (url, options = {}) => {
    const target = new URL(url instanceof Request ? url.url : url)
    const bounded: RequestInit = {
      ...options,
      redirect: 'manual',
      signal: options.signal ?? AbortSignal.timeout(2500)
    }
    if (hosts.has(target.host) || hosts.has(target.hostname)) {
      const { dispatcher: _guard, ...unguarded } = bounded as RequestInit & { dispatcher?: unknown }
      return await fetch(url, unguarded)
    }
    return await fetch(url, bounded)
  }
}

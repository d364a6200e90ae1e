/**
 * Requests that the provider makes to relying sites (jwks_uri, logout tokens). The library's guard refuses
 * loopback and private networks on the connected socket; government sites live there, so exactly the hosts that
 * an operator lists may be reached without it. No redirects, 2.5 s.
 */
type Fetch = (url: string | URL | Request, options?: RequestInit) => Promise<Response>

/** `allowed`: host or host:port, exact. */
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

/** The values in the snippets: those of one client at this provider, and what follows from them. Pure. */
import { routes } from '../../../oidc/configuration.ts'

/** The part of a client that code on its side needs. Never a secret: that is `$OIDC_CLIENT_SECRET`. */
export interface SnippetClient {
  clientId: string
  /** The address that the snippet is written for; one of the registered ones. */
  redirectUri: string
  postLogoutRedirectUri: string | null
  /** Space-separated. */
  scope: string
  /** Has a secret (RFC 6749 §2.1). */
  confidential: boolean
  /** May use refresh tokens. */
  refresh: boolean
}

/** A client of the device grant, which has no addresses. */
export type DeviceClient = Pick<SnippetClient, 'clientId' | 'scope' | 'confidential'>

/** Why there is no snippet: the field, and a stable code. */
export interface SnippetFault {
  field: 'client_id' | 'redirect_uri' | 'post_logout_redirect_uri' | 'scope'
  code: 'not_plain' | 'not_an_address' | 'own_path_needed'
}

export type Values = Readonly<Record<string, string | boolean>>

/** No character that ends a string, or starts an expansion, in any of the languages below. */
const isPlain = (text: string): boolean => /^[\w.~:/?#[\]@!&()*+,;=%-]*$/.test(text)
/**
 * No character that a router or a server's configuration takes for a pattern or an end: `/**` would open a whole site.
 */
const isPlainPath = (path: string): boolean => /^[\w.~/@&=,%-]*$/.test(path) && !path.includes('//')

const loopback = /^(localhost|127\.0\.0\.1|\[::1\])$/
const taken = new Set(['/', '/login', '/logout', '/renew', '/mp/login', '/mp/session', '/mp/logout'])

/**
 * The first http(s) address of a client record as the administration keeps it, with other values that snippets need;
 * null when it has none (machines, apps with a scheme of their own).
 */
export function toSnippetClient (clientId: string, metadata: Readonly<Record<string, unknown>>): SnippetClient | null {
  const list = (name: string): string[] =>
    Array.isArray(metadata[name]) ? metadata[name].filter((item) => typeof item === 'string') : []
  const redirectUri = list('redirect_uris').find((uri) => /^https?:/.test(uri))
  if (redirectUri === undefined) return null
  return {
    ...toDeviceClient(clientId, metadata),
    redirectUri,
    postLogoutRedirectUri: list('post_logout_redirect_uris').find((uri) => /^https?:/.test(uri)) ?? null,
    refresh: list('grant_types').includes('refresh_token')
  }
}

/** The same of a client that has no addresses. */
export function toDeviceClient (clientId: string, metadata: Readonly<Record<string, unknown>>): DeviceClient {
  const scope =
    typeof metadata['scope'] === 'string'
      ? metadata['scope']
        .split(' ')
        .filter((one) => one !== 'offline_access')
        .join(' ')
      : ''
  return {
    clientId,
    scope: scope === '' ? 'openid profile' : scope,
    confidential: metadata['token_endpoint_auth_method'] !== 'none'
  }
}

export function findClientFaults ({ clientId, scope }: DeviceClient): SnippetFault[] {
  const faults: SnippetFault[] = []
  if (clientId === '' || !isPlain(clientId)) faults.push({ field: 'client_id', code: 'not_plain' })
  if (!/^[\w:.-]+( [\w:.-]+)*$/.test(scope)) faults.push({ field: 'scope', code: 'not_plain' })
  return faults
}

export const buildDeviceValues = (issuer: string, { clientId, scope, confidential }: DeviceClient): Values => ({
  issuer,
  clientId,
  scope,
  confidential,
  insecure: issuer.startsWith('http:')
})

export function findFaults ({ redirectUri, postLogoutRedirectUri, ...client }: SnippetClient): SnippetFault[] {
  const faults = findClientFaults(client)
  for (const [field, uri] of [
    ['redirect_uri', redirectUri],
    ['post_logout_redirect_uri', postLogoutRedirectUri]
  ] as const) {
    if (uri === null) continue
    const url = URL.parse(uri)
    if (url === null || !/^https?:$/.test(url.protocol) || url.hash !== '' || url.username !== '') {
      faults.push({ field, code: 'not_an_address' })
    } else if (!isPlain(uri) || !isPlainPath(url.pathname)) faults.push({ field, code: 'not_plain' })
    else if (field === 'redirect_uri' && taken.has(url.pathname)) faults.push({ field, code: 'own_path_needed' })
  }
  return faults
}

/** @param client one without faults */
export function buildValues (issuer: string, client: SnippetClient): Values {
  const url = new URL(client.redirectUri)
  const postLogoutUri = client.postLogoutRedirectUri ?? `${url.origin}/logged-out`
  const end = new URL(postLogoutUri)
  const local = loopback.test(url.hostname)
  return {
    issuer,
    issuerHost: new URL(issuer).host,
    issuerEncoded: encodeURIComponent(issuer),
    clientId: client.clientId,
    clientIdEncoded: encodeURIComponent(client.clientId),
    redirectUri: client.redirectUri,
    redirectPath: url.pathname,
    redirectRoute: url.pathname.slice(1),
    postLogoutUri,
    postLogoutPath: end.pathname,
    postLogoutRoute: end.pathname.slice(1),
    postLogoutEncoded: encodeURIComponent(postLogoutUri),
    postLogoutEncodedTwice: encodeURIComponent(encodeURIComponent(postLogoutUri)),
    // a page for people who have signed out, unless the address is one that does something else already
    postLogoutPage: end.origin === url.origin && !taken.has(end.pathname) && end.pathname !== url.pathname,
    scope: client.scope,
    scopeCommas: client.scope.split(' ').join(', '),
    confidential: client.confidential,
    refresh: client.refresh,
    // development only: libraries refuse plain http otherwise
    insecure: issuer.startsWith('http:'),
    origin: url.origin,
    // behind a proxy that ends TLS the program listens elsewhere
    host: local ? url.hostname : '127.0.0.1',
    port: url.port !== '' ? url.port : '8080',
    secureFlag: String(url.protocol === 'https:'),
    endSessionPath: routes.end_session,
    endSessionEncoded: encodeURIComponent(routes.end_session),
    userinfoPath: routes.userinfo
  }
}

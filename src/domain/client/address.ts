/**
 * The address tester: why an address in a request is not one of the registered ones. Names the nearest registered
 * address and every difference to it, because "redirect_uri mismatch" has cost every developer an afternoon.
 */
import { isLoopback, splitUri, uriFault, type UriFault, type UriPieces, type UriRules } from './uri.ts'

export type DifferenceName =
  | 'scheme'
  | 'insecure_http'
  | 'userinfo'
  | 'host_case'
  | 'host'
  | 'port'
  | 'trailing_slash'
  | 'path_case'
  | 'encoding'
  | 'path'
  | 'query'
  | 'fragment'
  | 'wildcard'
  | 'whitespace'

export interface Difference {
  name: DifferenceName
  received: string
  registered: string
}

export interface AddressReport {
  /** The tested address: the pasted text, or the one in the pasted request. */
  address: string
  /** The parameter it came from, when a whole request was pasted. */
  parameter: 'redirect_uri' | 'post_logout_redirect_uri' | null
  /** `client_id` of a pasted request; the address of another client is the most frequent mistake. */
  clientId: string | null
  matches: boolean
  /** Null when nothing is registered. */
  nearest: { address: string; differences: Difference[] } | null
  /** Why it could not be registered; null = it could. */
  fault: UriFault | null
}

export interface AddressLists {
  redirectUris: readonly string[]
  postLogoutRedirectUris: readonly string[]
}

const parameters = ['redirect_uri', 'post_logout_redirect_uri'] as const

interface ExplainAddressInput {
  pasted: string
  registered: AddressLists
  rules: UriRules
  use?: (typeof parameters)[number] | undefined
}

/**
 * Tests a pasted redirect URI, or a whole authorization or logout request (address or query alone). `rules.native`: any
 * port of a loopback address matches (RFC 8252 §7.3).
 */
export function explainAddress (
  { pasted, registered, rules, use = 'redirect_uri' }: ExplainAddressInput
): AddressReport {
  const { address, parameter, clientId } = readPasted(pasted)
  const logout = (parameter ?? use) === 'post_logout_redirect_uri'
  const list = logout ? registered.postLogoutRedirectUris : registered.redirectUris
  const compared = list
    .map((one) => ({ address: one, differences: differences(address, one, rules.native && !logout) }))
    .sort(
      (a, b) =>
        distance(a.differences) - distance(b.differences) || common(address, b.address) - common(address, a.address)
    )
  const nearest = compared[0] ?? null
  return {
    address,
    parameter,
    clientId,
    matches: nearest !== null && nearest.differences.length === 0,
    nearest,
    fault: uriFault(address, logout ? 'post_logout' : 'redirect', rules)
  }
}

function readPasted (pasted: string): Pick<AddressReport, 'address' | 'parameter' | 'clientId'> {
  const text = pasted.trim()
  // a request copied from a log, where the line was cut before the address, has only parameters
  const query = new URLSearchParams(/^[\w.-]+=/.test(text) ? text : text.slice(text.indexOf('?') + 1))
  if (text.includes('=')) {
    for (const parameter of parameters) {
      const address = query.get(parameter)
      if (address !== null) return { address, parameter, clientId: query.get('client_id') }
    }
  }
  return { address: unescaped(pasted), parameter: null, clientId: null }
}

/** `https%3A%2F%2F…` as it stands in a log is the same address. */
function unescaped (text: string): string {
  if (!/^[a-z][a-z0-9.+-]*%3a/i.test(text)) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Every difference between an address in a request and a registered one; none = they match. */
export function differences (received: string, registered: string, nativeLoopback = false): Difference[] {
  if (received === registered) return []
  const found: Difference[] = []
  const note = (name: DifferenceName, a: string | null, b: string | null): void => {
    found.push({ name, received: a ?? '', registered: b ?? '' })
  }
  if (received.trim() !== received) note('whitespace', received, received.trim())
  const [a, b] = [splitUri(received.trim()), splitUri(registered)]
  if (a === null || b === null) {
    if (received.trim() !== registered) note('path', received, registered)
    return found
  }
  if (received.includes('*')) note('wildcard', received, registered)
  if (a.scheme !== b.scheme) {
    note(
      a.scheme.toLowerCase() === 'http' && b.scheme === 'https' && !isLoopback(a.host) ? 'insecure_http' : 'scheme',
      a.scheme,
      b.scheme
    )
  }
  if (a.userinfo !== b.userinfo) note('userinfo', a.userinfo, b.userinfo)
  if (a.host !== b.host) note(a.host.toLowerCase() === b.host.toLowerCase() ? 'host_case' : 'host', a.host, b.host)
  const anyPort = nativeLoopback && a.scheme === 'http' && a.host === b.host && isLoopback(a.host)
  if (a.port !== b.port && !anyPort) note('port', a.port, b.port)
  if (a.path !== b.path) note(pathDifference(a, b), a.path, b.path)
  if (a.query !== b.query) note('query', a.query === null ? '' : `?${a.query}`, b.query === null ? '' : `?${b.query}`)
  if (a.fragment !== b.fragment) {
    note('fragment', a.fragment === null ? '' : `#${a.fragment}`, b.fragment === null ? '' : `#${b.fragment}`)
  }
  // a difference that no rule above explains (an empty port, for example)
  if (found.length === 0 && !anyPort) note('encoding', received, registered)
  return found
}

function pathDifference ({ path: a }: UriPieces, { path: b }: UriPieces): DifferenceName {
  if (`${a}/` === b || a === `${b}/`) return 'trailing_slash'
  if (a.toLowerCase() === b.toLowerCase()) return 'path_case'
  try {
    if (decodeURIComponent(a) === decodeURIComponent(b)) return 'encoding'
  } catch {
    /* not decodable: another path */
  }
  return 'path'
}

const weights: Partial<Record<DifferenceName, number>> = {
  host: 16,
  path: 6,
  scheme: 3,
  userinfo: 3,
  port: 3,
  query: 2
}
const distance = (found: readonly Difference[]): number =>
  found.reduce((sum, { name }) => sum + (weights[name] ?? 1), 0)

function common (a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return length
}

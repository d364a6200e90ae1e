/**
 * Addresses of relying sites: one set of rules for every place where a client names one (RFC 9700 §2.1, §4.1;
 * RFC 8252 §7; RFC 6749 §3.1.2). Exact text is what is compared later, so only the canonical form is accepted.
 */

/** What the address is for. `fetched` ones are called by Kora itself, so hosts and ports are narrower there. */
export type UriUse = 'redirect' | 'post_logout' | 'initiate_login' | 'page' | 'backchannel' | 'jwks' | 'sector'

export const maximumRedirectUris = 20
const maximumLength = 2000

export type UriFaultCode =
  | 'not_text'
  | 'too_long'
  | 'not_ascii'
  | 'wildcard'
  | 'fragment'
  | 'control_character'
  | 'not_a_uri'
  | 'dot_segment'
  | 'userinfo'
  | 'scheme'
  | 'not_https'
  | 'scheme_not_reverse_dns'
  | 'loopback'
  | 'ip_address'
  | 'unqualified_host'
  | 'private_host'
  | 'port'
  | 'default_port'
  | 'host_case'
  | 'not_canonical'
  | 'reserved_parameter'
  | 'own_origin'

export interface UriFault {
  code: UriFaultCode
  /** What is expected: an address if one can be made from the given one, otherwise the rule in short. */
  expected: string
}

export interface UriRules {
  /** Native apps may use loopback addresses and their own scheme. */
  native: boolean
  /** Development: http on loopback is accepted for every kind of client. */
  sandbox: boolean
  /** Kora's own origin: an address there would let a site send its answers, pages and calls to Kora itself. */
  ownOrigin: string
  /** The client is one of Kora's own services: only these are at Kora's own origin, also without TLS in development. */
  ownService?: boolean
  /** Hosts that Kora may call although they are private: `host`, or `host:port` for a port of its own. */
  egressAllowed: readonly string[]
}

const fetched: ReadonlySet<UriUse> = new Set(['backchannel', 'jwks', 'sector'])
const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
/** Parameters of our own answer: an address that has one would contain it twice (RFC 6749 §4.1.2, RFC 9207). */
const answerParameters = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'response']
const privateSuffixes = ['.local', '.localhost', '.internal', '.lan', '.home.arpa', '.invalid', '.test']
/** Ports that a web service listens on; with others a client description could reach any service of the network. */
const fetchedPorts: ReadonlySet<string> = new Set(['', '443', '8443'])

const fault = (code: UriFaultCode, expected: string): UriFault => ({ code, expected })
/** RFC 3986, appendix B. */
const pieces = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s

export const isLoopback = (hostname: string): boolean => loopbackHosts.has(hostname.toLowerCase())

/** The first thing wrong with an address, or null. */
export function uriFault (value: unknown, use: UriUse, rules: UriRules): UriFault | null {
  if (typeof value !== 'string' || value === '') return fault('not_text', 'https://…')
  if (value.length > maximumLength) return fault('too_long', `≤ ${maximumLength}`)
  const url = URL.parse(value)
  // everything outside of printable ASCII, spaces too: what the parser would silently drop or rewrite
  if (/[^\x21-\x7e]/.test(value)) return fault('not_ascii', url?.href ?? 'ASCII')
  if (value.includes('*')) return fault('wildcard', 'https://…')
  if (value.includes('#')) return fault('fragment', value.slice(0, value.indexOf('#')))
  if (/%(?:[01][0-9a-f]|7f)/i.test(value)) return fault('control_character', 'https://…')
  if (url === null || value.includes('\\')) return fault('not_a_uri', 'https://…')
  const [, , authority = '', path = ''] = pieces.exec(value) ?? []
  if (path.split('/').some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment))) return fault('dot_segment', url.href)
  if (authority.includes('@')) return fault('userinfo', `${url.protocol}//${url.host}${url.pathname}${url.search}`)
  const own = use === 'redirect' || use === 'post_logout'
  if (own && url.searchParams.size > 0) {
    const reserved = answerParameters.find((name) => url.searchParams.has(name))
    if (reserved !== undefined) return fault('reserved_parameter', `≠ ${reserved}`)
  }
  return schemeFault(url, use, rules) ?? canonicalFault(value, url)
}

function schemeFault (url: URL, use: UriUse, rules: UriRules): UriFault | null {
  const secure = `https://${url.host}${url.pathname}${url.search}`
  if (isOwnOrigin(url, rules.ownOrigin)) {
    if (rules.ownService !== true) return fault('own_origin', 'https://name.example.gov.cn/…')
    if (!fetched.has(use)) return null
  }
  switch (url.protocol) {
    case 'https:':
      return hostFault(url, use, rules)
    case 'http:':
      if (isLoopback(url.hostname)) {
        if (rules.sandbox) return null
        if (rules.native && use === 'redirect') {
          return url.hostname === 'localhost' ? fault('loopback', `http://127.0.0.1${url.pathname}`) : null
        }
        return fault('loopback', 'https://…')
      }
      // `http` is refused in every network: the answer would not be encrypted
      return fault('not_https', secure)
    default:
      if (!rules.native || (use !== 'redirect' && use !== 'post_logout')) return fault('scheme', 'https://…')
      // a scheme that only its owner would use (RFC 8252 §7.1)
      return /^[a-z][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)+:$/.test(url.protocol)
        ? null
        : fault('scheme_not_reverse_dns', 'cn.gov.example.app:/callback')
  }
}

/** Also with the other scheme, or with a dot at the end: the same machine would answer. */
function isOwnOrigin (url: URL, ownOrigin: string): boolean {
  const own = URL.parse(ownOrigin)
  if (own === null || url.hostname.replace(/\.$/, '') !== own.hostname) return false
  return url.port === own.port || (url.protocol === 'http:' && url.port === '' && own.port === '')
}

function hostFault (url: URL, use: UriUse, rules: UriRules): UriFault | null {
  const calls = fetched.has(use)
  const listed = rules.egressAllowed.includes(url.host)
  if (isLoopback(url.hostname)) return rules.sandbox && !rules.native ? null : fault('loopback', 'https://…')
  // the parser has turned decimal, octal and hexadecimal forms into dotted ones by now
  if (url.hostname.startsWith('[') || /^[\d.]+$/.test(url.hostname)) {
    return fault('ip_address', 'https://name.example.gov.cn/…')
  }
  if (calls && listed) return null
  if (!url.hostname.includes('.') || url.hostname.endsWith('.')) {
    return fault('unqualified_host', 'https://name.example.gov.cn/…')
  }
  if (privateSuffixes.some((suffix) => url.hostname.endsWith(suffix))) {
    return fault('private_host', 'https://name.example.gov.cn/…')
  }
  if (calls && !fetchedPorts.has(url.port)) return fault('port', '443, 8443')
  return null
}

/** The text is compared, so it must be in the form that every other program writes. */
function canonicalFault (value: string, url: URL): UriFault | null {
  if (url.href === value || url.href === `${value}/`) return null
  const [, , authority = ''] = pieces.exec(value) ?? []
  if (
    authority.replace(/:\d*$/, '') !== url.hostname &&
    authority.toLowerCase().replace(/:\d*$/, '') === url.hostname
  ) {
    return fault('host_case', url.href)
  }
  if (url.port === '' && /:\d*$/.test(authority)) return fault('default_port', url.href)
  return fault('not_canonical', url.href)
}

export interface UriPieces {
  scheme: string
  host: string
  port: string
  path: string
  query: string | null
  fragment: string | null
  userinfo: string | null
}

/** An address as it was written, nothing normalized (RFC 3986, appendix B); null when it has no scheme. */
export function splitUri (text: string): UriPieces | null {
  const match = pieces.exec(text)
  if (match?.[1] === undefined) return null
  const authority = match[2] ?? ''
  const at = authority.lastIndexOf('@')
  const [, host = '', port = ''] = /^(.*?)(?::(\d*))?$/s.exec(authority.slice(at + 1)) ?? []
  return {
    scheme: match[1],
    host,
    port,
    path: match[3] ?? '',
    query: match[4] ?? null,
    fragment: match[5] ?? null,
    userinfo: at < 0 ? null : authority.slice(0, at)
  }
}

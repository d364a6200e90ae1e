/**
 * The source of a request. The address of the socket counts; X-Forwarded-For is trusted only from the configured
 * proxies, read from right to left, up to the first address that is not one of them.
 */
import ipaddr from 'ipaddr.js'

type Address = ReturnType<typeof ipaddr.process>
type Range = ReturnType<typeof ipaddr.parseCIDR>

const parse = (text: string): Address | null => {
  // a port or brackets around, as some proxies write them; an IPv4 address inside IPv6 becomes IPv4
  const bare = text
    .trim()
    .replace(/^\[(.+)\](?::\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
    .replace(/%.*$/, '')
  try {
    // IPv4 in its usual form only: octal and shortened spellings mean different addresses to different readers
    return ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare) ? ipaddr.process(bare) : null
  } catch {
    return null
  }
}

/** Which addresses are those of configured proxies. Throws TypeError at start-up for a range that cannot be read. */
function proxyRanges (trustedProxies: readonly string[]): (address: Address) => boolean {
  const ranges: Range[] = trustedProxies.map((text) => {
    try {
      return text.includes('/')
        ? ipaddr.parseCIDR(text)
        : ([ipaddr.process(text), ipaddr.process(text).kind() === 'ipv4' ? 32 : 128] as Range)
    } catch {
      throw new TypeError(`TRUSTED_PROXIES: "${text}" is not a network (example: 10.0.0.0/8).`)
    }
  })
  return (address) =>
    ranges.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits))
}

/** Whether the other end of a socket is a configured proxy, whose headers are trusted. Throws as above. */
export function proxyTrust (trustedProxies: readonly string[]): (socketAddress: string | undefined) => boolean {
  const trusted = proxyRanges(trustedProxies)
  return (socketAddress) => {
    const peer = parse(socketAddress ?? '')
    return peer !== null && trusted(peer)
  }
}

/** Makes the function that finds the client's address. Throws as above. */
export function clientAddressFinder (
  trustedProxies: readonly string[]
): (socketAddress: string | undefined, forwardedFor: string | string[] | undefined) => string {
  const trusted = proxyRanges(trustedProxies)
  return (socketAddress, forwardedFor) => {
    const peer = parse(socketAddress ?? '')
    if (peer === null) return '0.0.0.0'
    if (forwardedFor === undefined || !trusted(peer)) return peer.toString()
    let client = peer
    const hops = (Array.isArray(forwardedFor) ? forwardedFor.join(',') : forwardedFor)
      .slice(-2000)
      .split(',')
      .reverse()
    for (const hop of hops) {
      const address = parse(hop)
      if (address === null) break
      client = address
      if (!trusted(address)) break
    }
    return client.toString()
  }
}

/** The network that limits count by: /24 of IPv4, /56 of IPv6. */
export function addressPrefix (ip: string): string {
  const address = parse(ip)
  if (address === null) return '0.0.0.0/24'
  if (address.kind() === 'ipv4') return `${(address as { octets: number[] }).octets.slice(0, 3).join('.')}.0/24`
  const parts = (address as { parts: number[] }).parts
  return `${ipaddr.fromByteArray([...parts.flatMap((part) => [part >> 8, part & 255]).slice(0, 7), 0, 0, 0, 0, 0, 0, 0, 0, 0]).toString()}/56`
}

export type PlaceKind = 'loopback' | 'local' | 'prefix'

/**
 * A coarse place for people: 'loopback', 'local', or the first part of the address. Never the whole address.
 * Pages and messages translate the first two (`place.loopback`, `place.local`).
 */
function placeKind (ip: string): { kind: PlaceKind; prefix: string } {
  const address = parse(ip)
  const range = address?.range() ?? 'unspecified'
  if (range === 'loopback') return { kind: 'loopback', prefix: '' }
  if (['private', 'uniqueLocal', 'linkLocal', 'unspecified', 'carrierGradeNat'].includes(range)) {
    return { kind: 'local', prefix: '' }
  }
  const shown = address?.kind() === 'ipv4' ? `${ip.split('.').slice(0, 2).join('.')}.*.*` : addressPrefix(ip)
  return { kind: 'prefix', prefix: shown }
}

/** 本机, 局域网 or an address prefix: stored with a ticket, so it is data in Chinese, not a message. */
export function describeNetwork (ip: string): string {
  const { kind, prefix } = placeKind(ip)
  return kind === 'loopback' ? '本机' : kind === 'local' ? '局域网' : prefix
}

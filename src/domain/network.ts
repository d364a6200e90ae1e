/**
 * The larger networks around the one that a request comes from. Whoever is given an IPv6 /48 has 256 networks of /56,
 * and a hosting company's /32 has 65,536 of those: a limit by the smallest network alone is no limit for them.
 */

export interface WiderNetworks {
  /** What one customer may have: /48 of IPv6; IPv4: the same network. */
  customer: string
  /** What one company may have: /32 of IPv6, /16 of IPv4. */
  company: string
}

/** @param prefix as limits use it: "10.1.2.0/24", "2001:db8:1:200::/56". Null: it is no network. */
export function widerNetworks (prefix: string): WiderNetworks | null {
  const address = /^([\da-f:.]+)\/\d+$/i.exec(prefix)?.[1] ?? ''
  const octets = address.split('.')
  if (octets.length === 4) return { customer: prefix, company: `${octets.slice(0, 2).join('.')}.0.0/16` }
  if (!address.includes(':')) return null
  const [head = '', tail] = address.split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const [front, back] = [groups(head), groups(tail ?? '')]
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length)
  const all = [...front, ...Array<string>(zeros).fill('0'), ...back]
  const first = (count: number): string => all.slice(0, count).map((group) => group.replace(/^0+(?=.)/, '')).join(':')
  return { customer: `${first(3)}::/48`, company: `${first(2)}::/32` }
}

/** What Kora must reach: addresses of relying sites, under the same rules as the server, and the vendors. */
import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import type { Kysely } from 'kysely'
import type { Config } from '../../ports/config.ts'
import type { Database } from '../../database/index.ts'
import { describeCause, fail, ok, warn, type Finding } from './finding.ts'

const milliseconds = 2500
const atOnce = 5
const most = 200

// where the server's guard goes only when the host is listed (IANA special-purpose registries)
const inside = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['240.0.0.0', 4]
] as const) {
  inside.addSubnet(network, bits, 'ipv4')
}
for (const [network, bits] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10]
] as const) {
  inside.addSubnet(network, bits, 'ipv6')
}

/** Whether the address is of a private or special network. */
export const isInside = (address: string): boolean => inside.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** Logout addresses and key sets of live sites: one finding for each that cannot be reached, one for all that can. */
export async function checkSites (
  db: Kysely<Database>,
  allowed: readonly string[],
  onProgress: (done: number) => void = () => {}
): Promise<Finding[]> {
  const rows = await db
    .selectFrom('client')
    .select(['clientId', 'metadata'])
    .where('status', '=', 'live')
    .orderBy('clientId')
    .limit(most)
    .execute()
  const addresses = rows.flatMap(({ clientId, metadata }) =>
    ['backchannel_logout_uri', 'jwks_uri'].flatMap((field) =>
      typeof metadata[field] === 'string' ? [{ clientId, field, url: metadata[field] }] : []
    )
  )
  const findings: Finding[] = []
  for (let at = 0; at < addresses.length; at += atOnce) {
    const found = await Promise.all(
      addresses
        .slice(at, at + atOnce)
        .map(async ({ clientId, field, url }) => await reach(`${clientId} ${field}`, url, allowed))
    )
    findings.push(...found.filter((one) => one !== null))
    onProgress(Math.min(at + atOnce, addresses.length))
  }
  const reached = addresses.length - findings.length
  return [
    ...(addresses.length === 0
      ? [ok('sites', 'no live site has an address to call')]
      : reached > 0
        ? [ok('sites', `${reached} of ${addresses.length} addresses of live sites answer`)]
        : []),
    ...findings
  ]
}

async function reach (what: string, text: string, allowed: readonly string[]): Promise<Finding | null> {
  const url = URL.parse(text)
  if (url === null) return fail('sites', `${what}: ${text} is no address`, 'Correct it in the client.')
  try {
    const { address } = await lookup(url.hostname.replace(/^\[|\]$/g, ''))
    if (isInside(address) && !allowed.includes(url.host)) {
      return fail(
        'sites',
        `${what}: ${url.host} is in a private network and not allowed`,
        `Add ${url.host} to EGRESS_ALLOWED, if it is the site's.`
      )
    }
    const { status } = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(milliseconds) })
    // a logout address refuses GET: that it answers is what matters
    return status >= 500 ? warn('sites', `${what}: ${url.host} answers ${status}`, 'Tell the site.') : null
  } catch (error) {
    return warn(
      'sites',
      `${what}: ${url.host} cannot be reached (${describeCause(error)})`,
      'Tell the site, or open the firewall; logout tokens are tried again for a while and then become dead letters.'
    )
  }
}

export async function checkVendors (config: Config): Promise<Finding[]> {
  const vendors = {
    face: config.face,
    'population-register': config.populationRegister,
    'company-register': config.companyRegister,
    sms: config.sms
  }
  return await Promise.all(
    Object.entries(vendors).map(async ([name, vendor]) => {
      if (vendor === null) {
        return config.sandbox
          ? ok(name, 'simulated by the sandbox')
          : fail(name, 'not configured', 'See docs/configuration.md.')
      }
      const { host } = new URL(vendor.url)
      try {
        const { status } = await fetch(vendor.url, { redirect: 'manual', signal: AbortSignal.timeout(milliseconds) })
        return status >= 500
          ? warn(name, `${host} answers ${status}`, 'Ask the provider.')
          : ok(name, `${host} answers`)
      } catch (error) {
        return fail(
          name,
          `${host} cannot be reached (${describeCause(error)})`,
          'Is the address right, and is the firewall open from here?'
        )
      }
    })
  )
}

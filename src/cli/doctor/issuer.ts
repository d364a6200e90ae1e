/** The service as relying sites see it: through its public address, its proxy and its certificate. */
import { connect, type PeerCertificate } from 'node:tls'
import { routes } from '../../oidc/configuration.ts'
import { clockFinding } from './database.ts'
import { describeCause, fail, ok, warn, type Finding } from './finding.ts'

const discoveryPath = '/.well-known/openid-configuration'
const stranger = 'forwarded.invalid'
const seconds = 5

interface Discovery {
  issuer?: unknown
  [name: string]: unknown
}

export async function checkIssuer (issuer: string, now: () => number = Date.now): Promise<Finding[]> {
  const before = now()
  let response: Response
  try {
    // headers that any client can send; they must have no effect
    response = await fetch(issuer + discoveryPath, {
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        'x-forwarded-host': stranger,
        'x-forwarded-proto': 'gopher',
        'x-forwarded-for': '203.0.113.1',
        forwarded: `host=${stranger};proto=gopher`
      },
      signal: AbortSignal.timeout(seconds * 1000)
    })
  } catch (error) {
    return [
      fail(
        'issuer',
        `${issuer} does not answer (${describeCause(error)})`,
        'Is Kora running, and does ISSUER lead to it from this machine, through the proxy, as relying sites come?'
      )
    ]
  }
  const after = now()
  if (response.status !== 200) {
    const location = response.headers.get('location')
    return [
      fail(
        'issuer',
        `${issuer}${discoveryPath} answers ${response.status}${location === null ? '' : ` to ${location}`}`,
        'The proxy must pass every path to Kora as it is, without redirects.'
      )
    ]
  }
  const document = (await response.json().catch(() => null)) as Discovery | null
  if (document === null) {
    return [fail('issuer', `${issuer}${discoveryPath} is no JSON`, 'Another program answers at this address.')]
  }
  return [
    ...judgeDiscovery(issuer, document),
    ...judgeHeaders(issuer, response.headers),
    ...dateFinding(response.headers.get('date'), before, after)
  ]
}

/** Issuer and endpoints, compared letter by letter (OpenID Connect Discovery §4.3). */
export function judgeDiscovery (issuer: string, document: Discovery): Finding[] {
  if (document.issuer !== issuer) {
    return [
      fail(
        'issuer',
        `it calls itself ${String(document.issuer)}, and ISSUER is ${issuer}`,
        'Set ISSUER of the running service to the address that relying sites use.'
      )
    ]
  }
  const strange = Object.entries(document).filter(
    ([name, value]) => /(_endpoint|^jwks_uri)$/.test(name) && !String(value).startsWith(`${issuer}/`)
  )
  if (strange.length > 0) {
    return [
      fail(
        'issuer',
        `endpoints elsewhere: ${strange.map(([name]) => name).join(', ')}`,
        `Addresses must begin with ${issuer}; something between rewrites them.`
      )
    ]
  }
  if (document['token_endpoint'] !== issuer + routes.token) {
    return [
      warn(
        'issuer',
        `the token endpoint is ${String(document['token_endpoint'])}`,
        'This is another version of Kora, or another program.'
      )
    ]
  }
  return [ok('issuer', `${issuer} answers with itself; forwarded headers of strangers change nothing`)]
}

function judgeHeaders (issuer: string, headers: Headers): Finding[] {
  const findings: Finding[] = []
  if (issuer.startsWith('https:') && headers.get('strict-transport-security') === null) {
    findings.push(warn('hsts', 'no Strict-Transport-Security', 'The proxy takes the header away; let it pass.'))
  }
  if (!/max-age=\d/.test(headers.get('cache-control') ?? '')) {
    findings.push(
      warn(
        'caching',
        `discovery has Cache-Control "${headers.get('cache-control') ?? ''}"`,
        'The proxy changes it. Relying sites would fetch keys at every login, or keep removed ones.'
      )
    )
  }
  return findings
}

/** Date has whole seconds: a second is no difference. */
export function dateFinding (date: string | null, before: number, after: number): Finding[] {
  const there = Date.parse(date ?? '')
  if (Number.isNaN(there)) return []
  return [clockFinding('clock-issuer', Math.max(there - after, before - (there + 999), 0), 'service')]
}

/** Days until the certificate of the public address ends, and whether it is trusted. */
export async function checkCertificate (issuer: string, now: () => number = Date.now): Promise<Finding[]> {
  const { protocol, hostname, port } = new URL(issuer)
  if (protocol !== 'https:') return []
  return await new Promise((resolve) => {
    const socket = connect(
      {
        host: hostname,
        port: port === '' ? 443 : Number(port),
        servername: hostname,
        rejectUnauthorized: false,
        timeout: seconds * 1000
      },
      () => {
        const { authorized, authorizationError } = socket
        const certificate = socket.getPeerCertificate()
        socket.destroy()
        resolve([judgeCertificate(certificate, authorized ? null : String(authorizationError), now())])
      }
    )
    const failed = (reason: string): void => {
      socket.destroy()
      resolve([fail('certificate', `no TLS with ${hostname} (${reason})`, 'Look at the proxy that ends TLS.')])
    }
    socket.once('error', (error) => {
      failed(describeCause(error))
    })
    socket.once('timeout', () => {
      failed('timeout')
    })
  })
}

export function judgeCertificate (
  certificate: Pick<PeerCertificate, 'valid_to'>,
  problem: string | null,
  now: number
): Finding {
  const days = Math.floor((Date.parse(certificate.valid_to) - now) / 86_400_000)
  if (days < 0) {
    return fail('certificate', `it ended ${-days} days ago`, 'Renew it now: no browser and no relying site connects.')
  }
  if (problem !== null) {
    return fail(
      'certificate',
      `it is not believed (${problem})`,
      'Send the whole chain, for this host name, from an authority that browsers know.'
    )
  }
  return days < 14
    ? warn('certificate', `it ends in ${days} days`, 'Renew it.')
    : ok('certificate', `valid for ${days} more days`)
}

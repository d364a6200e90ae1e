/** The machine and the settings, before anything is opened. */
import type { Config } from '../../ports/config.ts'
import { ok, warn, type Finding } from './finding.ts'

const loopback = new Set(['localhost', '127.0.0.1', '[::1]'])
const isLoopback = (issuer: string): boolean => loopback.has(new URL(issuer).hostname)

export function checkMachine (
  config: Config,
  process: { version: string; threads: string | undefined; cpus: number }
): Finding[] {
  const { version, threads, cpus } = process
  const findings = [ok('node', `Node.js ${version}`)]
  // unset: src/start.cjs sets it before the server starts; a command is started otherwise
  const wanted = Math.max(4, cpus + 2)
  findings.push(
    threads === undefined || Number(threads) >= config.hashConcurrency + 1
      ? ok(
        'threads',
        threads === undefined
          ? `UV_THREADPOOL_SIZE is not set: the server takes ${wanted}`
          : `UV_THREADPOOL_SIZE=${threads}`
      )
      : warn(
        'threads',
          `UV_THREADPOOL_SIZE=${threads} for ${config.hashConcurrency} password hashes at once`,
          `Signatures wait behind password hashes. Leave it out, or set ${wanted}.`
      )
  )
  return findings
}

/** What follows from the settings alone: cookies, proxies, phone and providers. */
export function checkSettings (config: Config): Finding[] {
  const secure = config.issuer.startsWith('https:')
  const local = isLoopback(config.issuer)
  const findings: Finding[] = [
    secure
      ? ok('cookies', 'https: cookies are Secure, bound to this host (__Host-)')
      : local
        ? warn(
          'cookies',
          'http on this machine: cookies have no Secure and no __Host- prefix',
          'For development only. Anywhere else ISSUER must begin with https://'
        )
        : {
            check: 'cookies',
            status: 'fail',
            message: `${config.issuer} is http: cookies and tokens travel readable`,
            advice: 'End TLS in a proxy and set ISSUER=https://…'
          }
  ]
  findings.push(
    secure && !local && config.trustedProxies.length === 0
      ? warn(
        'proxy',
        'TRUSTED_PROXIES is empty although something ends TLS before Kora',
        'Everybody has the address of the proxy: limits hit all at once, and the audit trail names the wrong ' +
            'address. Set TRUSTED_PROXIES to the networks of the proxies.'
      )
      : ok(
        'proxy',
        config.trustedProxies.length === 0
          ? 'no proxy is believed'
          : `forwarding headers are believed from ${config.trustedProxies.join(', ')}`
      )
  )
  if (config.sandbox) {
    findings.push(
      warn(
        'sandbox',
        'the sandbox is on: vendors are simulated',
        'For development and demonstrations only; NODE_ENV=production switches it off.'
      )
    )
  }
  return findings
}

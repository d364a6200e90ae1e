/**
 * The simulated face verification provider: an HTTP service that implements docs/face-provider-contract.md, has a
 * capture page on which the outcome of a check is chosen, and controls to script outcomes and outages. It shares only
 * the contract and the keys with the service that calls it, keeps everything in memory, and refuses to run in
 * production.
 */
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { AddressInfo } from 'node:net'
import { captureRoutes } from './capture-routes.ts'
import { contractRoutes } from './contract-routes.ts'
import { controlRoutes } from './control-routes.ts'
import { createNotifier } from './notifier.ts'
import type { SandboxKey } from './signature.ts'
import { Transactions } from './transactions.ts'
import type { Decision, Fault, Lookup, Outcome } from './transactions.ts'

export type { SandboxKey } from './signature.ts'
export type { Decision, Fault, Lookup, LookupAnswer, Outcome } from './transactions.ts'
export { outcomes } from './transactions.ts'

export interface FaceSandboxOptions {
  /** Callers that are known. */
  keys: SandboxKey[]
  /** The population base; everybody matches without one. */
  population?: Lookup
  /** Milliseconds since the epoch. */
  now?: () => number
  /** Origin under which browsers reach the capture page, when it is not the address listened on. */
  publicUrl?: string
  /** How long a hanging answer is kept, in milliseconds; default 10 000. */
  hangMs?: number
}

export interface FaceSandbox {
  /** Origin of the capture pages. Throws before `listen`, unless `publicUrl` was given. */
  readonly url: string
  readonly app: FastifyInstance
  /** Port 0 takes a free one. Returns the origin listened on. */
  listen(port?: number, host?: string): Promise<string>
  close(): Promise<void>
  /**
   * An array is the queue for the next transactions of anybody; an object sets persons (by certNo) until cleared.
   * Decided at the start: no capture page needed.
   */
  script(outcomes: Outcome[] | Record<string, Outcome>): void
  /** What is scripted and not used up yet. */
  scripted(): { queue: Outcome[]; persons: Record<string, Outcome> }
  clearScript(): void
  /** Ends an open transaction, as the capture page would. */
  decide(providerTxnId: string, outcome: Outcome): Decision
  /** Makes every endpoint of the contract misbehave, or (null) behave again. */
  outage(fault: Fault | null): void
  /** Resolves when all notifications under way have ended. */
  settled(): Promise<void>
}

/** Makes the service; `listen` starts it. Throws in production. */
export async function createFaceSandbox (options: FaceSandboxOptions): Promise<FaceSandbox> {
  // the last safeguard, if every configuration check before it was bypassed
  if (process.env['NODE_ENV'] === 'production') {
    throw new Error('The face provider simulator never runs in production.')
  }
  const now = options.now ?? Date.now
  const transactions = new Transactions(options.population ?? (() => 'match'), now)
  const notifier = createNotifier(now)
  let outage: Fault | null = null
  let listenedHost = '127.0.0.1'

  const app = Fastify({ logger: false, bodyLimit: 64 * 1024, forceCloseConnections: true })
  const url = (): string => {
    if (options.publicUrl !== undefined) return new URL(options.publicUrl).origin
    const address = app.server.address() as AddressInfo | null
    if (address === null) throw new Error('The face provider simulator is not listening yet.')
    // 0.0.0.0 and :: are no addresses to go to
    const host = ['0.0.0.0', '::'].includes(listenedHost) ? '127.0.0.1' : listenedHost
    return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`
  }
  const decide = (id: string, outcome: Outcome): Decision => {
    const decision = transactions.decide(id, outcome)
    const transaction = transactions.get(id)
    if (decision === 'decided' && transaction) notifier.notify(transaction)
    return decision
  }

  await app.register(contractRoutes, {
    prefix: '/v1',
    keys: options.keys,
    transactions,
    now,
    outage: () => outage,
    hangMs: options.hangMs ?? 10_000,
    captureUrl: (transaction) => `${url()}/capture/${transaction.captureToken}`,
    onDecided: (transaction) => notifier.notify(transaction)
  })
  await app.register(captureRoutes, { transactions, decide })
  await app.register(controlRoutes, {
    prefix: '/sandbox',
    transactions,
    decide,
    outage: (fault) => {
      outage = fault
    }
  })

  return {
    get url () {
      return url()
    },
    app,
    async listen (port = 0, host = '127.0.0.1') {
      listenedHost = host
      await app.listen({ port, host })
      return url()
    },
    async close () {
      await app.close()
      await notifier.settled()
    },
    script: (next) => transactions.script(next),
    scripted: () => transactions.scripted(),
    clearScript: () => transactions.clearScript(),
    decide,
    outage (fault) {
      outage = fault
    },
    settled: () => notifier.settled()
  }
}

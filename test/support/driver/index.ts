/**
 * The driver: starts Kora for real and acts as the people and programs around it, over HTTP only. Black-box
 * tests are written against this; it knows addresses and forms, nothing of Kora's inside.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, type KoraApp } from '../../../src/app.ts'
import { loadConfig } from '../../../src/config.ts'
import { createLogger } from '../../../src/runtime/logging.ts'
import { startServices, type RunningServices, type StartOptions } from '../../../src/services.ts'
import { startDemo } from '../../../src/simulators/demo.ts'
import { patient } from '../database.ts'
import { awayFromMidnight } from '../midnight.ts'
import { freePort } from '../ports.ts'
import { ensureSnapshot } from '../snapshot.ts'
import { Browser, type BrowserOptions } from './browser.ts'
import { SandboxClient } from './sandbox.ts'

export { Browser, phoneAgent, type Answer } from './browser.ts'
export { words } from './html.ts'
export { screen, type Screen } from './screen.ts'
export { freePort } from '../ports.ts'
export { send } from './http.ts'
export { SandboxClient } from './sandbox.ts'
export * from './journeys.ts'
export * from './processes.ts'
export * from './clients.ts'
export * from './relying-party.ts'

export interface Kora {
  issuer: string
  /** Where it really listens; another one than the issuer's when ISSUER was given. */
  port: number
  /** Origin of the demo relying site. */
  site: string
  sandbox: SandboxClient
  newBrowser(options?: BrowserOptions): Browser
  /** Only for what cannot be seen from outside: audit rows, moving times in the database. */
  inside: { services: RunningServices; kora: KoraApp }
  logs(): string[]
  stop(): Promise<void>
}

interface Test {
  teardown(work: () => unknown): unknown
}

/**
 * One process, in this one: embedded database from the snapshot unless `databaseUrl` says otherwise. Stopped with the
 * test.
 */
export async function startKora (
  t: Test,
  options: { env?: Record<string, string>; databaseUrl?: string; clock?: StartOptions['clock'] } = {}
): Promise<Kora> {
  await awayFromMidnight()
  const [port, sitePort] = [await freePort(), await freePort()]
  const folder = mkdtempSync(join(tmpdir(), 'kora-test-'))
  const lines: string[] = []
  const config = {
    ...loadConfig({
      NODE_ENV: 'test',
      PORT: String(port),
      RP_PORT: String(sitePort),
      DATA_DIR: folder,
      MASTER_KEY: randomBytes(32).toString('base64'),
      ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
      ...options.env
    }),
    ...(options.databaseUrl === undefined ? { dataDir: ':memory:' } : {})
  }
  const log = createLogger(
    { level: config.logLevel },
    {
      write: (line: string) => {
        lines.push(line)
      }
    }
  )
  const services = await startServices(config, log, {
    ...(options.databaseUrl === undefined
      ? { snapshot: new Blob([await readFile(await ensureSnapshot())]) }
      : { timeouts: patient }),
    ...(options.clock === undefined ? {} : { clock: options.clock })
  })
  const kora = await createApp(services)
  await kora.app.listen({ port, host: 'localhost' })
  const demo = await startDemo(services)
  let stopped = false
  const stop = async (): Promise<void> => {
    if (stopped) return
    stopped = true
    await demo?.close()
    await kora.app.close()
    await services.close()
    rmSync(folder, { recursive: true, force: true })
  }
  t.teardown(stop)
  const { issuer } = config
  const sandbox = new SandboxClient(issuer)
  return {
    issuer,
    port,
    site: `http://localhost:${sitePort}`,
    sandbox,
    newBrowser: (browserOptions) => {
      const browser = new Browser(browserOptions)
      browser.phone = sandbox
      return browser
    },
    inside: { services, kora },
    logs: () => lines,
    stop
  }
}

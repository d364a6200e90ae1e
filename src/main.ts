/** config → services → app → listen → drain. Every fault at start ends in one clear line. */
import { availableParallelism } from 'node:os'
import { pino } from 'pino'
import { createApp } from './app.ts'
import { printBanner, progressLines } from './runtime/banner.ts'
import { ConfigError, loadConfig } from './config.ts'
import { createLogger } from './runtime/logging.ts'
import { firstLink } from './journeys/console/index.ts'
import { drainOnSignals } from './runtime/drain.ts'
import { recordServiceEvent } from './runtime/service-events.ts'
import { startServices } from './services.ts'
import { demoAccounts, seedDemo, startDemo } from './simulators/demo.ts'
import { refuseDemoData } from './simulators/demo-traces.ts'

async function main (): Promise<void> {
  const config = loadConfig(process.env, availableParallelism())
  // one write for many lines: a write for each would cost more than most requests; nothing waits longer than a second
  const output = pino.destination({ dest: 1, minLength: 4096, sync: false, periodicFlush: 1000 })
  const log = createLogger({ level: config.logLevel }, output)
  for (const warning of config.warnings) log.warn({ event: 'settings.deprecated' }, warning)
  const progress = progressLines(config)
  const services = await startServices(config, log, { onProgress: progress.step })
  const kora = await createApp(services)
  try {
    if (config.environment === 'production') await refuseDemoData(services.db)
    // before anything is answered: a ready process knows its clients
    if (config.demoData) await seedDemo(services)
    await kora.app.listen({ port: config.port, host: config.host })
    await recordServiceEvent(services, 'service.started')
    const demo = config.demoData ? await startDemo(services) : null
    progress.done()
    drainOnSignals({
      log,
      noticeSeconds: config.drainNoticeSeconds,
      announce: () => {
        kora.lifecycle.drain()
      },
      async close () {
        await recordServiceEvent(services, 'service.stopped')
        await demo?.close()
        await kora.app.close()
        await services.close()
      },
      flushLog: () => {
        output.flushSync()
      }
    })
    printBanner({
      config,
      embeddedDatabase: services.database.kind === 'pglite',
      sandbox: services.sandbox !== null,
      demoUrl: demo?.url ?? null,
      accounts: config.demoData ? demoAccounts() : null,
      adminLink: config.demoData ? await firstLink(services) : null
    })
  } catch (error) {
    await kora.app.close()
    await services.close()
    throw error
  }
}

/** One line that says what to do. */
function explain (error: unknown): string {
  if (error instanceof ConfigError) return error.faults.join('\n')
  const { code, port, address } = error as { code?: string; port?: number; address?: string }
  if (code === 'EADDRINUSE') {
    return `Port ${port} is taken by another program. Stop it, or choose another: PORT=… RP_PORT=… npm start`
  }
  if (code === 'EACCES') {
    return `Port ${port} may not be used by this account. Choose one above 1023: PORT=3000 npm start`
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `HOST: this machine has no address ${address ?? ''}. Correct HOST or leave it out.`
  }
  return error instanceof Error ? (error.message.split('\n')[0] ?? error.name) : String(error)
}

main().catch((error: unknown) => {
  console.error(`Kora did not start: ${explain(error)}`)
  if (process.env['LOG_LEVEL'] === 'debug') console.error(error)
  process.exit(1)
})

/**
 * Leaving: not ready at once, connections close after their answer; new ones are still served until the load balancer
 * has noticed, then refused. At most 15 s in all, nothing acknowledged is lost.
 */
import { setTimeout as pause } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import type { Logger } from 'pino'
import type { KoraApp } from '../app.ts'
import type { RuntimeDeps } from './deps.ts'
import type { Demo } from '../simulators/demo.ts'

const drainMilliseconds = 15_000

export function drainOnSignals (
  log: Logger,
  kora: KoraApp,
  deps: RuntimeDeps,
  demo: Demo | null,
  flushLog: () => void
): void {
  closeWithGrace(
    {
      delay: drainMilliseconds,
      logger: {
        error: (error: unknown) => {
          log.error({ err: error }, 'could not stop in order')
        }
      }
    },
    async ({ signal, err }) => {
      if (err !== undefined) log.fatal({ err }, 'stopping after an unexpected error')
      else log.info({ signal }, 'draining')
      kora.lifecycle.drain()
      if (err === undefined) await pause(deps.config.drainNoticeSeconds * 1000)
      await demo?.close()
      await kora.app.close()
      await deps.close()
      log.info('stopped')
      flushLog()
    }
  )
}

/**
 * Drain: not ready at once, and connections close after their answer. New ones are still served until the load balancer
 * has noticed, and then refused. At most 15 s in all; nothing acknowledged is lost.
 */
import { setTimeout as pause } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import type { Logger } from 'pino'

const drainMilliseconds = 15_000

export interface Draining {
  log: Logger
  /** Seconds between "not ready" and the refusal of new connections. */
  noticeSeconds: number
  /** From now on the process says that it is not ready. */
  announce(): void
  /** Closes everything, in order, after the notice. */
  close(): Promise<void>
  flushLog(): void
}

export function drainOnSignals ({ log, noticeSeconds, announce, close, flushLog }: Draining): void {
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
      announce()
      if (err === undefined) await pause(noticeSeconds * 1000)
      await close()
      log.info('stopped')
      flushLog()
    }
  )
}

/**
 * Writes, at intervals, what a process has counted in memory: one write at a time, and a last one when it stops. The
 * counts and what becomes of those that could not be written are the caller's.
 */
export interface PeriodicFlush {
  /** Writes now, after a write that is under way. */
  flush(): Promise<void>
  stop(): Promise<void>
}

/** @param write takes the counts and writes them; it logs its own failures */
export function createPeriodicFlush (write: () => Promise<void>, intervalMs: number): PeriodicFlush {
  let working: Promise<void> = Promise.resolve()
  const flush = (): Promise<void> => (working = working.then(write))
  const timer = setInterval(() => {
    flush().catch(() => {})
  }, intervalMs)
  timer.unref()
  return {
    flush,
    async stop () {
      clearInterval(timer)
      await flush()
    }
  }
}

import type { RuntimeDeps } from './deps.ts'

/** A process began or ends (GB/T 22239-2019 8.1.4.3). Without it a gap in the audit trail could be either. */
export async function recordServiceEvent (
  { audit, db, log }: Pick<RuntimeDeps, 'audit' | 'db' | 'log'>,
  type: 'service.started' | 'service.stopped'
): Promise<void> {
  try {
    await audit.recordSingle(db, { type, details: { process: process.pid } })
  } catch (error) {
    // the database may be away: Kora starts and stops without it
    log.warn({ err: error, event: type }, 'could not be recorded')
  }
}

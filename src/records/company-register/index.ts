/**
 * Follows the journal of the company register: what changed there is applied here (records/organizations). Owns the
 * table register_journal: how far the journal has been read, and which process reads next.
 *
 * Every entry may come twice or late. Each is the whole record with a version, and only a newer version changes
 * anything. The position is stored after the entries were applied, so nothing is lost when a process stops in between.
 */
import { DomainError } from '../../domain/errors.ts'
import { maskUscc } from '../../domain/identity/masking.ts'
import { RegisterUnavailable, type CompanyChange } from '../../ports/registry.ts'
import type { CompanyRegisterDeps } from './deps.ts'
import { applyRegisterChange } from '../organizations/index.ts'
import { ownPosition, sharedPosition, type Position } from './position.ts'

export { ownPosition, sharedPosition, type Position } from './position.ts'

export interface RegisterFollower {
  start(): void
  stop(): Promise<void>
  /**
   * Reads to the end of the journal, if it is this process's turn. Returns how many entries were read. @throws
   * RegisterUnavailable
   */
  runOnce(): Promise<number>
}

export interface FollowerOptions {
  position?: Position
  intervalMs?: number
}

/**
 * A journal that is in the memory of this very process (the sandbox) is read by this process alone; any other by one
 * process at a time.
 */
export function createRegisterFollower (deps: CompanyRegisterDeps, options: FollowerOptions = {}): RegisterFollower {
  const { config, companies, log, db } = deps
  const intervalMs = options.intervalMs ?? config.companyRegisterSeconds * 1000
  const position =
    options.position ??
    (config.companyRegister === null ? ownPosition() : sharedPosition(db, companies.name, intervalMs))
  let timer: NodeJS.Timeout | undefined
  let running: Promise<unknown> = Promise.resolve()
  let stopped = false
  let faulty = false

  async function runOnce (): Promise<number> {
    const turn = await position.turn()
    if (turn === null) return 0
    let since = turn.since
    let read = 0
    for (;;) {
      const { changes, unreadable, next, more } = await companies.changes(since)
      if (unreadable > 0) {
        log.warn(
          { component: 'register-news', entries: unreadable },
          'entries of the company register do not follow the contract and were left out'
        )
      }
      for (const change of changes) await apply(change)
      if (next !== since) await position.moveTo(next)
      read += changes.length
      // once more after changes: the register learns from the request what has arrived
      if ((!more && changes.length === 0) || stopped) return read
      since = next
    }
  }

  async function apply (change: CompanyChange): Promise<void> {
    const { uscc, version, name, status, legalRepresentative, faults = [] } = change
    try {
      const applied = await applyRegisterChange(deps, {
        uscc,
        version,
        ...(name === undefined ? {} : { name }),
        ...(status === undefined ? {} : { status }),
        ...(legalRepresentative === null ? {} : { legalRepresentative }),
        faults
      })
      if (applied.outcome === 'applied' && applied.faults.length > 0) {
        log.error(
          { component: 'register-news', uscc: maskUscc(uscc), version, faults: applied.faults },
          'news of the company register cannot be read whole'
        )
      }
    } catch (error) {
      // an entry that can never be applied must not block later ones; an operator has to look at it
      if (!(error instanceof DomainError)) throw error
      log.error(
        { component: 'register-news', uscc: maskUscc(uscc), version, code: error.code },
        'news of the company register cannot be applied'
      )
    }
  }

  async function look (): Promise<void> {
    try {
      await runOnce()
      if (faulty) log.info({ component: 'register-news' }, 'the company register is followed again')
      faulty = false
    } catch (error) {
      // once for each outage, not once a second
      if (!faulty) {
        log.warn(
          {
            component: 'register-news',
            ...(error instanceof RegisterUnavailable ? { reason: error.message } : { err: error })
          },
          'the company register cannot be followed'
        )
      }
      faulty = true
    }
  }

  function plan (milliseconds: number): void {
    if (stopped) return
    timer = setTimeout(() => {
      running = look().then(() => {
        plan(intervalMs)
      })
    }, milliseconds)
    timer.unref()
  }

  return {
    start: () => {
      plan(intervalMs)
    },
    async stop () {
      stopped = true
      clearTimeout(timer)
      await running
    },
    runOnce
  }
}

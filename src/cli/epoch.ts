/** kora epoch bump: after a restore, or a failover that lost something (docs/runbooks/restored-database.md). */
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { bumpEpoch, readLostEvents, type Bumped, type LostEvents } from '../records/epoch/index.ts'
import type { OperatorServices } from '../services.ts'
import { requireAct, requireAgreedBy } from './actions.ts'
import { readArguments, WrongUse } from './arguments.ts'
import { actOptions, actUsage, agreedOptions } from './operator.ts'
import { printLine } from './print.ts'

const usage = `kora epoch bump --delegations suspend|keep ${actUsage} --agreed-by <the other person> [--json]
       kora epoch bump --since <time of the restored state> --events <exported audit file> ${actUsage} --agreed-by <the other person> [--json]

  Ends every session, token, code, ticket and login that was issued before now. Delegations: those that the exported
  events changed after that time are suspended; without events all of them, or none.
  kora epoch bump --since 2026-12-01T03:00:00+08:00 --events lost.jsonl --reason "restored, ticket 4711" --agreed-by lhamo`

export const command = {
  summary: 'cut off the past after a restore: ends everything issued before',
  usage,
  async run (
    args: string[],
    deps: Pick<OperatorServices, 'db' | 'crypto' | 'audit' | 'clock' | 'log'>,
    print: (line: string) => void = printLine
  ): Promise<number> {
    try {
      const { values, positionals } = readArguments(args, {
        options: {
          json: { type: 'boolean' },
          delegations: { type: 'string' },
          since: { type: 'string' },
          events: { type: 'string' },
          ...actOptions,
          ...agreedOptions
        },
        actions: { bump: 0 }
      })
      if (positionals.join(' ') !== 'bump') throw new WrongUse('What? bump.')
      const act = requireAct(values)
      const agreedBy = requireAgreedBy(values, act)
      if (agreedBy === '') throw new WrongUse('--agreed-by is missing: two people decide this.')
      const lost = await readLost(values, deps)
      if ((lost === null) === (values.delegations === undefined)) {
        throw new WrongUse('Either --events with --since, or --delegations suspend|keep.')
      }
      if (values.delegations !== undefined && !['suspend', 'keep'].includes(values.delegations)) {
        throw new WrongUse('--delegations: suspend or keep.')
      }
      const delegations = lost?.delegations ?? (values.delegations === 'suspend' ? 'all' : [])
      const bumped = await bumpEpoch(deps, act, { agreedBy, delegations })
      if (values.json === true) print(JSON.stringify({ ...bumped, lost }))
      else for (const line of describe(bumped, lost)) print(line)
      return 0
    } catch (error) {
      if (!(error instanceof WrongUse)) throw error
      console.error(`${error.message}\nUsage: ${usage}`)
      return 2
    }
  }
}

async function readLost (
  { events, since }: { events?: string | undefined; since?: string | undefined },
  { crypto }: Pick<OperatorServices, 'crypto'>
): Promise<LostEvents | null> {
  if (events === undefined) return null
  const time = new Date(since ?? '')
  if (!/^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/.test(since ?? '') || Number.isNaN(time.getTime())) {
    throw new WrongUse('--since: a time with its zone. Example: 2026-12-01T03:00:00+08:00')
  }
  const file = await open(events).catch((error: unknown) => {
    throw new WrongUse(`--events: ${(error as Error).message}`)
  })
  try {
    const input = file.createReadStream({ autoClose: false })
    return await readLostEvents(createInterface({ input, crlfDelay: Infinity }), crypto, time)
  } catch (error) {
    throw new WrongUse(`--events: ${(error as Error).message}`)
  } finally {
    await file.close()
  }
}

function describe ({ clientSessions, ended, suspended }: Bumped, lost: LostEvents | null): string[] {
  const rows = Object.entries(ended).map(([table, count]) => `${table} ${count}`)
  return [
    `Ended: ${clientSessions} sessions of sites, every token and code${rows.length === 0 ? '' : `; ${rows.join(', ')}`}.`,
    `Suspended: ${suspended.length} delegations${suspended.length === 0 ? '' : ` (${suspended.join(', ')})`}.`,
    'JWT access tokens live to their end at APIs that do not ask Kora. If that is too long: kora keys emergency.',
    ...Object.entries(lost?.look ?? {}).map(([type, whom]) => `Do again: ${type}: ${whom.join(', ')}`)
  ]
}

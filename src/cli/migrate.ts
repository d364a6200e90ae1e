import { migrate } from '../database/index.ts'
import type { RunningServices } from '../services.ts'

export const command = {
  summary: 'bring the tables up to date (safe beside running processes)',
  usage: 'kora migrate [--json]',
  async run (args: string[], services: RunningServices): Promise<number> {
    const applied = [...services.migrated, ...await migrate(services.db)]
    if (args.includes('--json')) console.log(JSON.stringify({ applied }))
    else console.log(applied.length === 0 ? 'Nothing to do: the tables are up to date.' : `Applied: ${applied.join(', ')}`)
    return 0
  }
}

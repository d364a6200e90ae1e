import { checkOldRows, grantTo, migrate } from '../database/index.ts'
import type { RunningServices } from '../services.ts'
import { readArguments } from './arguments.ts'

const refusals = {
  no_such_role: 'there is no such role. Make it first: create role … login password …',
  is_superuser: 'it is a superuser: rights do not bind it. Give the application a role of its own.',
  is_owner: 'it owns the tables, and an owner can switch every guard off. Give the application a role of its own.'
}

export const command = {
  summary: "bring the tables up to date (safe beside running processes); --grant-to: rights of the application's role",
  usage: `kora migrate [--grant-to <role>] [--json]

  kora migrate --grant-to kora_app      run as the owner of the tables; the application connects as kora_app`,
  async run (args: string[], deps: Pick<RunningServices, 'db' | 'migrated'>): Promise<number> {
    let values
    try {
      values = readArguments(args, {
        options: { json: { type: 'boolean' }, 'grant-to': { type: 'string' } },
        identifiers: ['grant-to']
      }).values
    } catch (error) {
      console.error(`${(error as Error).message}\nUsage: ${this.usage}`)
      return 2
    }
    const role = values['grant-to']
    const applied = [...deps.migrated, ...(await migrate(deps.db))]
    const broken = await checkOldRows(deps.db)
    const granted = role === undefined ? null : await grantTo(deps.db, role)
    if (values.json === true) {
      console.log(JSON.stringify({ applied, broken, ...(role === undefined ? {} : { role, ...granted }) }))
    } else {
      console.log(
        applied.length === 0 ? 'Nothing to do: the tables are up to date.' : `Applied: ${applied.join(', ')}`
      )
      if (granted?.ok === true) {
        console.log(
          `${role} has the application's rights: audit events can be added and sealed, never changed or removed.`
        )
      }
    }
    for (const { table, name, definition } of broken) {
      console.error(
        `Some rows of ${table} from before break ${name}, which holds for every new row: ${definition}\n` +
          'They were left as they are. Mend them and run kora migrate again.'
      )
    }
    if (granted?.ok === false) console.error(`No rights were given to ${role}: ${refusals[granted.code]}`)
    return granted?.ok === false ? 1 : 0
  }
}

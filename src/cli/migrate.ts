import { loadMigrationConfig } from '../config.ts'
import {
  checkOldRows,
  grantTo,
  isPermissionDenied,
  migrate,
  openDatabase,
  type OpenDatabase
} from '../database/index.ts'
import { readArguments } from './arguments.ts'

const refusals = {
  no_such_role: 'there is no such role. Make it first: create role … login password …',
  is_superuser: 'it is a superuser: rights do not bind it. Give the application a role of its own.',
  is_owner: 'it owns the tables, and an owner can switch every guard off. Give the application a role of its own.'
}

const notOwner = 'This role may not change the tables. Migrate as their owner: set MIGRATION_DATABASE_URL.'

/** Opens the database and nothing else: the first migration comes before there is a master key, or a provider. */
export const command = {
  summary: "bring the tables up to date (safe beside running processes); --grant-to: rights of the application's role",
  usage: `kora migrate [--grant-to <role>] [--json]

  Connects with MIGRATION_DATABASE_URL, the owner of the tables; without it with DATABASE_URL.

  kora migrate --grant-to kora_app      the server connects as kora_app`,

  async runWithoutServices (args: string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
    // wrong use opens nothing
    if (optionsIn(args) === null) return 2
    const database = await openDatabase({ ...loadMigrationConfig(env), poolSize: 2 })
    try {
      return await this.run(args, database)
    } finally {
      await database.close()
    }
  },

  async run (args: string[], { db }: Pick<OpenDatabase, 'db'>): Promise<number> {
    const options = optionsIn(args)
    if (options === null) return 2
    try {
      return await bringUpToDate(db, options)
    } catch (error) {
      if (!isPermissionDenied(error)) throw error
      console.error(notOwner)
      return 1
    }
  }
}

interface Options {
  json: boolean
  role: string | undefined
}

/** Null: wrong use, told with the usage. */
function optionsIn (args: string[]): Options | null {
  try {
    const { values } = readArguments(args, {
      options: { json: { type: 'boolean' }, 'grant-to': { type: 'string' } },
      identifiers: ['grant-to']
    })
    return { json: values.json === true, role: values['grant-to'] }
  } catch (error) {
    console.error(`${(error as Error).message}\nUsage: ${command.usage}`)
    return null
  }
}

async function bringUpToDate (db: OpenDatabase['db'], { json, role }: Options): Promise<number> {
  const applied = await migrate(db)
  const broken = await checkOldRows(db)
  const granted = role === undefined ? null : await grantTo(db, role)
  if (json) {
    console.log(JSON.stringify({ applied, broken, ...(role === undefined ? {} : { role, ...granted }) }))
  } else {
    console.log(applied.length === 0 ? 'Nothing to do: the tables are up to date.' : `Applied: ${applied.join(', ')}`)
    if (granted?.ok === true) {
      console.log(`${role} has the application's rights: audit events can be added and sealed, never changed or removed.`)
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

/**
 * The command line: kora <command>. Each command is one file exporting `run`; `--json` gives one JSON document.
 * Exit codes: 0 done, 1 refused or found faulty, 2 wrong use, 4 done but for what waits for an approval.
 */
import { availableParallelism } from 'node:os'
import { ConfigError, loadConfig } from '../config.ts'
import { createLogger } from '../runtime/logging.ts'
import { openOperatorServices, type OperatorServices } from '../services.ts'

interface Command {
  summary: string
  usage: string
  run: (args: string[], deps: OperatorServices) => Promise<number>
  /** What works without the services (no database, faulty configuration); null: they are needed. */
  runWithoutServices?: (args: string[]) => Promise<number | null>
}

const commands: Record<string, () => Promise<Command>> = {
  admin: async () => (await import('./admin.ts')).command,
  apply: async () => (await import('./apply.ts')).command,
  client: async () => (await import('./client.ts')).command,
  delegation: async () => (await import('./delegation.ts')).command,
  epoch: async () => (await import('./epoch.ts')).command,
  doctor: async () => (await import('./doctor.ts')).command,
  migrate: async () => (await import('./migrate.ts')).command,
  code: async () => (await import('./code.ts')).command,
  'counter-code': async () => (await import('./counter-code.ts')).command,
  audit: async () => (await import('./audit.ts')).command,
  keys: async () => (await import('./keys.ts')).command,
  'resource-server': async () => (await import('./resource-server.ts')).command,
  'registration-token': async () => (await import('./registration-token.ts')).command
}

async function main (argv: string[]): Promise<number> {
  const [name = 'help', ...args] = argv
  if (name === 'serve') {
    await import('../main.ts')
    return -1
  }
  const load = commands[name]
  if (load === undefined) {
    console.error('Usage: kora <command>\n\n  serve          start the server')
    for (const [key, make] of Object.entries(commands)) console.error(`  ${key.padEnd(14)} ${(await make()).summary}`)
    return name === 'help' || name === '--help' ? 0 : 2
  }
  const command = await load()
  if (args.includes('--help')) {
    console.log(`Usage: ${command.usage}`)
    return 0
  }
  const exitCode = (await command.runWithoutServices?.(args)) ?? null
  if (exitCode !== null) return exitCode
  // the settings of the server, because the same rules apply; only the log is quiet
  const config = loadConfig({ ...process.env, LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'error' }, availableParallelism())
  const deps = await openOperatorServices(config, createLogger({ level: config.logLevel }))
  try {
    return await command.run(args, deps)
  } finally {
    await deps.close()
  }
}

main(process.argv.slice(2)).then(
  (code) => {
    if (code >= 0) process.exit(code)
  },
  (error: unknown) => {
    console.error(
      error instanceof ConfigError ? error.faults.join('\n') : error instanceof Error ? error.message : String(error)
    )
    process.exit(1)
  }
)

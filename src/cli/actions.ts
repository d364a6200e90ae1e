/** A command of several actions (`kora client list`, `kora client show <id>`): which one runs, and what it gets. */
import { readFile } from 'node:fs/promises'
import type { ParseArgsConfig } from 'node:util'
import type { Act } from '../domain/administration/administration.ts'
import { isTooDeep } from '../domain/json-depth.ts'
import { readArguments, WrongUse, type Grammar, type ReadArguments } from './arguments.ts'
import { readAct, readAgreedBy } from './operator.ts'

type Options = NonNullable<ParseArgsConfig['options']>

export interface Call<Deps, O extends Options> {
  deps: Deps
  values: ReadArguments<O>['values']
  /** What follows the action. */
  ids: string[]
  print: (line: string) => void
  /** Prints the value under `--json`, else the text. */
  answer: (value: unknown, text: string) => number
}

export interface ActionsCommand<Deps, O extends Options> {
  usage: string
  grammar: Grammar<O>
  /** Each returns the exit code; `list` runs where no action is named. */
  actions: Readonly<Record<string, (call: Call<Deps, O>) => Promise<number>>>
}

/** Runs the action that the arguments name. Wrong use is told with the usage: exit code 2. */
export async function runAction<Deps, const O extends Options> (
  { usage, grammar, actions }: ActionsCommand<Deps, O>,
  args: readonly string[],
  { deps, print }: Pick<Call<Deps, O>, 'deps' | 'print'>
): Promise<number> {
  try {
    const {
      values,
      positionals: [action = 'list', ...ids]
    } = readArguments(args, grammar)
    const work = actions[action]
    if (work === undefined) throw new WrongUse(`Unknown: ${action}`)
    return await work({
      deps,
      values,
      ids,
      print,
      answer: (value, text) => {
        print((values as { json?: boolean }).json === true ? JSON.stringify(value) : text)
        return 0
      }
    })
  } catch (error) {
    if (!(error instanceof WrongUse)) throw error
    console.error(`${error.message}\nUsage: ${usage}`)
    return 2
  }
}

/** @throws WrongUse when no reason was given */
export function requireAct (values: Parameters<typeof readAct>[0]): Act {
  const act = readAct(values)
  if (act === null) throw new WrongUse('--reason is missing: it goes into the audit trail.')
  return act
}

/** The second person; '' = nobody was named. @throws WrongUse when the operators named themselves */
export function requireAgreedBy (values: Parameters<typeof readAgreedBy>[0], act: Act): string {
  const agreedBy = readAgreedBy(values, act)
  if (agreedBy === null) throw new WrongUse('--agreed-by must name somebody else.')
  return agreedBy
}

/** @throws WrongUse when nothing follows the action */
export function refuseMore (ids: readonly string[]): void {
  if (ids.length > 0) throw new WrongUse(`Too many arguments: ${ids.join(' ')}`)
}

/** @throws WrongUse when the file cannot be read as JSON */
export async function readJsonFile (path: string): Promise<unknown> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new WrongUse(`${path}: ${(error as Error).message}`)
  }
  if (isTooDeep(value)) throw new WrongUse(`${path}: nested too deeply`)
  return value
}

/**
 * Reads the arguments of every command. Identifiers made before domain/identifier may begin with `-`, so everything in
 * the place of an identifier is one, unless it is an option of that command; elsewhere reading is strict.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util'

type Options = NonNullable<ParseArgsConfig['options']>

export interface Grammar<O extends Options> {
  options: O
  /** How many identifiers follow each action; absent: the command has no actions, only options. */
  actions?: Readonly<Record<string, number>>
  /** Options whose value is an identifier. */
  identifiers?: ReadonlyArray<keyof O & string>
}

export interface ReadArguments<O extends Options> {
  values: ReturnType<typeof parseArgs<{ args: string[]; options: O }>>['values']
  /** The action and what follows it. */
  positionals: string[]
}

/** Wrong use: exit code 2, with the usage. */
export class WrongUse extends Error {}

const isDashed = (argument: string): boolean => argument.startsWith('-') && argument !== '-'

/** @throws WrongUse that says what is wrong: an unknown option, a missing value, an argument too many */
export function readArguments<const O extends Options> (
  args: readonly string[],
  { options, actions, identifiers = [] }: Grammar<O>
): ReadArguments<O> {
  const [optional, positionals]: [string[], string[]] = [[], []]

  /** The name of the option that this is; undefined: none of this command. */
  const readOptionName = (argument: string): string | undefined => {
    const name = /^--([^=]+)/.exec(argument)?.[1]
    if (name !== undefined) return Object.hasOwn(options, name) ? name : undefined
    return Object.keys(options).find(
      (long) => options[long]?.short !== undefined && argument === `-${options[long].short}`
    )
  }
  const isIdentifierExpected = (): boolean => {
    const [action, ...ids] = positionals
    return (
      action !== undefined &&
      actions !== undefined &&
      Object.hasOwn(actions, action) &&
      ids.length < (actions[action] ?? 0)
    )
  }

  for (let at = 0; at < args.length; at++) {
    const argument = args[at] ?? ''
    if (argument === '--') {
      positionals.push(...args.slice(at + 1))
      break
    }
    const name = readOptionName(argument)
    if (name === undefined) {
      if (isDashed(argument) && !isIdentifierExpected()) optional.push(argument)
      else positionals.push(argument)
      continue
    }
    const next = args[at + 1]
    if (options[name]?.type !== 'string' || argument.includes('=') || next === undefined) optional.push(argument)
    else if (!isDashed(next)) optional.push(argument, args[++at] ?? '')
    else if (identifiers.includes(name) && next !== '--' && readOptionName(next) === undefined) {
      optional.push(`--${name}=${args[++at] ?? ''}`)
    } else throw new WrongUse(`--${name} needs a value; one that begins with - is given as --${name}=<value>`)
  }
  const [stray] = positionals
  try {
    const { values } = parseArgs({ args: optional, options })
    if (actions === undefined && stray !== undefined) throw new WrongUse(`Unexpected argument: ${stray}`)
    return { values, positionals }
  } catch (error) {
    throw error instanceof WrongUse ? error : new WrongUse((error as Error).message)
  }
}

import { userInfo } from 'node:os'
import { adminRoles, type AdminRole } from '../domain/administration/administration.ts'
import { operatorLink } from '../journeys/console/index.ts'
import type { RunningServices } from '../services.ts'
import { readArguments } from './arguments.ts'
import { printLine } from './print.ts'

const usage = `kora admin bootstrap [--role ${adminRoles.join('|')}] [--force --reason <why>] [--json]

Prints a link, once: whoever opens it within 30 minutes makes the account and its credentials. Refused while there is an
active administrator of that role, but for --force (all credentials are lost). Example: kora admin bootstrap`

export const command = {
  summary: 'make the first administrator: a link good once',
  usage,
  async run (
    args: string[],
    deps: Pick<RunningServices, 'db' | 'audit' | 'config'>,
    print: (line: string) => void = printLine
  ): Promise<number> {
    const parsed = parse(args)
    if (parsed === null) {
      print(`Usage: ${usage}`)
      return 2
    }
    const { role, force, reason, json } = parsed
    const link = await operatorLink(deps, { role, act: { actor: `operator:${operatorName()}`, reason }, force })
    if (link === null) {
      print(
        json
          ? JSON.stringify({ error: 'exists', role })
          : `There is an active administrator of role ${role}. They invite others in the console; --force --reason <why> when all their credentials are lost.`
      )
      return 1
    }
    print(
      json
        ? JSON.stringify({ link, role, expires_in: 1800 })
        : `${link}\nGood once, for 30 minutes; it is not shown again.`
    )
    return 0
  }
}

function parse (args: string[]): { role: AdminRole; force: boolean; reason: string; json: boolean } | null {
  try {
    const { values, positionals } = readArguments(args, {
      options: {
        role: { type: 'string', default: 'system' },
        force: { type: 'boolean', default: false },
        reason: { type: 'string', default: '' },
        json: { type: 'boolean', default: false }
      },
      actions: { bootstrap: 0 }
    })
    const role = adminRoles.find((one) => one === values.role)
    if (positionals.join(' ') !== 'bootstrap' || role === undefined || (values.force && values.reason === '')) {
      return null
    }
    return { role, force: values.force, reason: values.force ? values.reason : 'bootstrap', json: values.json }
  } catch {
    return null
  }
}

function operatorName (): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}

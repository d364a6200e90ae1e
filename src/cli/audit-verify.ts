/**
 * kora audit-verify [--from N] [--to N] [--checkpoint sequence:hash:mac]
 *
 * Walks the audit chain and says where it breaks. Exit code 0 whole, 1 broken, 2 wrong arguments.
 * A checkpoint copied from the server log (event audit.checkpoint) also shows a history that was
 * rewritten together with the checkpoints stored beside it.
 */
import { parseArgs } from 'node:util'
import type { Services } from '../services.ts'
import { verifyChain, type Checkpoint } from '../features/audit/index.ts'

const usage = 'usage: audit-verify [--from N] [--to N] [--checkpoint sequence:hash:mac]'

/** @returns the process's exit code */
export async function run (args: string[], services: Pick<Services, 'db' | 'crypto'>, print: (line: string) => void = console.log): Promise<number> {
  const range = parse(args)
  if (range === null) {
    print(usage)
    return 2
  }
  const result = await verifyChain(services.db, services.crypto, range)
  if (result.ok) {
    print(`audit chain is whole: ${result.checked} events, sequence ${result.from} to ${result.to}; ${result.unsealed} not sealed yet` +
      (result.unsealed > 0 ? `, the oldest for ${result.oldestUnsealedSeconds} s` : ''))
    return 0
  }
  const { kind, sequence, id, otherSequence } = result.fault
  print(`audit chain is broken: ${kind} at sequence ${sequence === 0 ? '(not sealed)' : sequence}` +
    (id === null ? '' : `, event id ${id}`) +
    (otherSequence === undefined ? '' : `, with sequence ${otherSequence}`) +
    `; ${result.checked} events before it are whole`)
  return 1
}

function parse (args: string[]): { from?: number, to?: number, checkpoint?: Checkpoint } | null {
  try {
    const { values } = parseArgs({ args, options: { from: { type: 'string' }, to: { type: 'string' }, checkpoint: { type: 'string' } } })
    const range: { from?: number, to?: number, checkpoint?: Checkpoint } = {}
    for (const name of ['from', 'to'] as const) {
      const value = values[name]
      if (value === undefined) continue
      if (!/^[1-9]\d{0,14}$/.test(value)) return null
      range[name] = Number(value)
    }
    if (values.checkpoint !== undefined) {
      const match = /^(\d{1,15}):([\w-]{43}):([\w-]{43})$/.exec(values.checkpoint)
      if (match === null) return null
      range.checkpoint = { sequence: Number(match[1]), hash: match[2]!, mac: match[3]! }
    }
    return range
  } catch {
    return null
  }
}

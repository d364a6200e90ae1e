/**
 * Processor time of process trees, from /proc: what a request really costs, whoever else uses the machine.
 * Elsewhere than on Linux there is none, and only throughput is reported.
 */
import { readdirSync, readFileSync } from 'node:fs'

interface Stat {
  name: string
  parent: number
  ticks: number
}

/** sysconf(_SC_CLK_TCK), 100 on every Linux that Node.js supports. */
const ticksPerSecond = 100

function readStat (pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // the name stands in parentheses and may hold anything
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const number = (at: number): number => Number(fields[at])
    // utime, stime, and those of children that have ended (proc(5), fields 14 to 17)
    return {
      name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
      parent: number(1),
      ticks: number(11) + number(12) + number(13) + number(14)
    }
  } catch {
    return null
  }
}

/** Seconds used by these processes and all their children until now; null where it cannot be known. */
export function treeSeconds (roots: number[]): number | null {
  let pids: number[]
  try {
    pids = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return null
  }
  const stats = new Map(
    pids.flatMap((pid) => {
      const stat = readStat(pid)
      return stat === null ? [] : [[pid, stat] as const]
    })
  )
  if (!roots.every((pid) => stats.has(pid))) return null
  const belongs = (pid: number): boolean => {
    for (let at = pid, step = 0; at > 1 && step < 20; at = stats.get(at)?.parent ?? 0, step++) {
      if (roots.includes(at)) return true
    }
    return false
  }
  return [...stats].filter(([pid]) => belongs(pid)).reduce((sum, [, { ticks }]) => sum + ticks, 0) / ticksPerSecond
}

/** The PostgreSQL server whose backend this is; null when it runs elsewhere. */
export function postgresServerOf (backend: number): number | null {
  const stat = readStat(backend)
  if (stat?.name !== 'postgres') return null
  return readStat(stat.parent)?.name === 'postgres' ? stat.parent : null
}

/** Command line of the benchmark. */
import { parseArgs } from 'node:util'
import { flows, type Flow } from './flows.ts'

export interface Options {
  flows: Flow[]
  /** Seconds of one round, of the warm-up of each side, how many rounds, connections at once. */
  seconds: number
  warm: number
  rounds: number
  connections: number
  json: boolean
}

export const usage = `node bench/run.ts [--flows ${flows.map(({ name }) => name).join(',')}] [--seconds 2] [--warm 7] [--rounds 5] [--connections 16] [--json]
DATABASE_URL: a PostgreSQL server on which Kora gets a database of its own; without it a temporary one is started.`

/** @throws Error that says what is wrong */
export function parseOptions (args: string[]): Options | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      flows: { type: 'string' },
      seconds: { type: 'string', default: '2' },
      warm: { type: 'string', default: '7' },
      rounds: { type: 'string', default: '5' },
      connections: { type: 'string', default: '16' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false }
    }
  })
  if (values.help) return 'help'
  const number = (name: 'seconds' | 'warm' | 'rounds' | 'connections', min: number, max: number): number => {
    const value = Number(values[name])
    if (!(value >= min && value <= max)) throw new Error(`--${name} must be from ${min} to ${max}`)
    return value
  }
  const names = values.flows?.split(',') ?? flows.map(({ name }) => name)
  return {
    flows: names.map((name) => {
      const flow = flows.find((flow) => flow.name === name)
      if (flow === undefined) {
        throw new Error(`--flows: there is no "${name}"; there are ${flows.map(({ name }) => name).join(', ')}`)
      }
      return flow
    }),
    seconds: number('seconds', 0.1, 60),
    warm: number('warm', 0, 60),
    rounds: Math.round(number('rounds', 1, 99)),
    connections: Math.round(number('connections', 1, 200)),
    json: values.json
  }
}

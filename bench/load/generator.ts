/**
 * The load generator: a process of its own, so that its work is not counted as the server's. Told over IPC what to
 * prepare and how long to run; it answers with what it saw.
 */
import { Connection } from './connection.ts'
import { scenarios, type FlowName, type Step } from './scenarios.ts'
import type { Target } from './target.ts'

export type Order =
  | { order: 'prepare'; key: string; flow: FlowName; target: Target; connections: number }
  | { order: 'run'; key: string; milliseconds: number }
  | { order: 'forget'; key: string }

export interface Round {
  flows: number
  requests: number
  errors: number
  /** Text of the first error. */
  error: string | null
  seconds: number
  /** Milliseconds of whole flows. */
  p50: number
  p99: number
  /** Seconds of processor time that this process used. */
  cpuSeconds: number
}

const prepared = new Map<string, { connections: Connection[]; steps: Step[] }>()

async function prepare (
  flow: FlowName,
  target: Target,
  count: number
): Promise<{ connections: Connection[]; steps: Step[] }> {
  const connections = Array.from({ length: count }, () => new Connection(target.host, target.port))
  const steps: Step[] = []
  // one after the other: preparing must not look like an attack
  for (const [at, connection] of connections.entries()) steps.push(await scenarios[flow](target, connection, at))
  return { connections, steps }
}

async function run (steps: Step[], milliseconds: number): Promise<Round> {
  const latencies: number[] = []
  let requests = 0
  let errors = 0
  let error: string | null = null
  const used = process.cpuUsage()
  const begun = performance.now()
  await Promise.all(
    steps.map(async (step) => {
      for (let from = performance.now(); from - begun < milliseconds;) {
        try {
          // in two steps: `requests += await …` would forget what the others added meanwhile
          const sent = await step()
          requests += sent
          const now = performance.now()
          latencies.push(now - from)
          from = now
        } catch (thrown) {
          errors++
          error ??= String(thrown)
          // a server that refuses everything would otherwise be asked as fast as it can refuse
          await new Promise((resolve) => setTimeout(resolve, 20))
          from = performance.now()
        }
      }
    })
  )
  const seconds = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(used)
  latencies.sort((a, b) => a - b)
  const at = (part: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? NaN
  return {
    flows: latencies.length,
    requests,
    errors,
    error,
    seconds,
    p50: at(0.5),
    p99: at(0.99),
    cpuSeconds: (user + system) / 1e6
  }
}

async function obey (order: Order): Promise<unknown> {
  if (order.order === 'prepare') {
    prepared.set(order.key, await prepare(order.flow, order.target, order.connections))
    return null
  }
  const ready = prepared.get(order.key)
  if (ready === undefined) throw new Error(`not prepared: ${order.key}`)
  if (order.order === 'run') return await run(ready.steps, order.milliseconds)
  for (const connection of ready.connections) connection.close()
  prepared.delete(order.key)
  return null
}

process.on('message', (order: Order) => {
  obey(order).then(
    (result) => {
      process.send?.({ result })
    },
    (error: unknown) => {
      process.send?.({ failed: error instanceof Error ? error.message : String(error) })
    }
  )
})
process.on('disconnect', () => {
  process.exit()
})

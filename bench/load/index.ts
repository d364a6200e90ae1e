/**
 * Load: HTTP over raw sockets, the flows, and the process that drives them. It knows servers only as a Target
 * and measures nothing but what a client can see.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Order, Round } from './generator.ts'
import type { FlowName } from './scenarios.ts'
import type { Target } from './target.ts'

export interface Generator {
  /** Connections with all they need (sessions, tokens), kept under `key`. */
  prepare(key: string, flow: FlowName, target: Target, connections: number): Promise<void>
  run(key: string, milliseconds: number): Promise<Round>
  forget(key: string): Promise<void>
  stop(): void
}

export function startGenerator (): Generator {
  const child = fork(fileURLToPath(new URL('generator.ts', import.meta.url)), { execArgv: [] })
  let answered: { resolve: (result: unknown) => void; reject: (error: Error) => void } | null = null
  child.on('message', (answer: { result?: unknown; failed?: string }) => {
    if (answer.failed === undefined) answered?.resolve(answer.result)
    else answered?.reject(new Error(answer.failed))
  })
  child.on('exit', () => {
    answered?.reject(new Error('the load generator ended'))
  })
  const tell = async (order: Order): Promise<unknown> =>
    await new Promise((resolve, reject) => {
      answered = { resolve, reject }
      child.send(order)
    })
  return {
    prepare: async (key, flow, target, connections) => {
      await tell({ order: 'prepare', key, flow, target, connections })
    },
    run: async (key, milliseconds) => (await tell({ order: 'run', key, milliseconds })) as Round,
    forget: async (key) => {
      await tell({ order: 'forget', key })
    },
    stop: () => {
      child.disconnect()
    }
  }
}

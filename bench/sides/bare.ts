/** What Kora is compared with: the bare engine for tokens, argon2 alone for password logins. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { treeSeconds } from '../cpu.ts'
import type { Target } from '../load/target.ts'
import { freePort, root, startServer, stop } from './process.ts'
import { target } from './target.ts'

export interface BareSide {
  target: Target
  cpu(): number | null
  stop(): Promise<void>
}

export async function startBare (): Promise<BareSide> {
  const port = await freePort()
  const site = 'http://localhost:9999'
  const running = await startServer(
    'bench/sides/bare-server.ts',
    { PORT: String(port), SITE: site },
    `http://127.0.0.1:${port}/healthz`
  )
  return {
    // the library's own addresses
    target: target(port, site, {
      authorization: '/auth',
      token: '/token',
      userinfo: '/me',
      introspection: '/token/introspection'
    }),
    cpu: () => treeSeconds([running.pid]),
    stop: running.stop
  }
}

export interface HashRound {
  hashes: number
  seconds: number
  cpuSeconds: number
}

export interface HashSide {
  run(milliseconds: number): Promise<HashRound>
  stop(): Promise<void>
}

export async function startHashing (): Promise<HashSide> {
  const child = fork(join(root, 'bench/sides/argon2-server.ts'), { execArgv: [] })
  await once(child, 'message')
  return {
    run: async (milliseconds) => {
      child.send(milliseconds)
      const [round] = (await once(child, 'message')) as [HashRound]
      return round
    },
    stop: async () => {
      await stop(child)
    }
  }
}

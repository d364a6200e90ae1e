/** Kora as a child process: demo data, sandbox, a database of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { routes } from '../../src/oidc/configuration.ts'
import { treeSeconds } from '../cpu.ts'
import type { Target } from '../load/target.ts'
import { openBenchDatabase } from './database.ts'
import { freePort, startServer } from './process.ts'
import { target } from './target.ts'

export interface KoraSide {
  target: Target
  database: string
  /** Seconds of processor time until now; `database` is part of Kora's own when it is embedded or out of sight. */
  cpu(): { own: number | null; database: number | null }
  /** Statements sent on behalf of requests until now; null when Kora does not count them. */
  queries(): Promise<number | null>
  stop(): Promise<void>
}

export async function startKora (databaseUrl: string | undefined): Promise<KoraSide> {
  const database = await openBenchDatabase(databaseUrl)
  const dataDir = mkdtempSync(join(tmpdir(), 'kora-bench-'))
  const close = async (): Promise<void> => {
    await database.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
  try {
    const port = await freePort()
    const sitePort = await freePort()
    const site = `http://localhost:${sitePort}`
    // the demo site is the last thing that starts: by then the demo data is there
    const running = await startServer(
      'src/start.cjs',
      {
        PORT: String(port),
        HOST: '127.0.0.1',
        RP_PORT: String(sitePort),
        DATA_DIR: dataDir,
        // logins seem to come from many networks, as they do in life
        TRUSTED_PROXIES: '127.0.0.1/32',
        ...(database.url === null ? {} : { DATABASE_URL: database.url })
      },
      `http://127.0.0.1:${sitePort}/`
    )
    return {
      target: target(port, site, routes),
      database: database.name,
      cpu: () => ({
        own: treeSeconds([running.pid]),
        database: database.serverPid === null ? null : treeSeconds([database.serverPid])
      }),
      queries: async () => counted(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
      stop: async () => {
        await running.stop()
        await close()
      }
    }
  } catch (error) {
    await close()
    throw error
  }
}

function counted (metrics: string): number | null {
  const sums = [...metrics.matchAll(/^db_queries_per_request_sum(?:\{[^}]*\})? (\S+)$/gm)].map(([, value]) =>
    Number(value)
  )
  // a histogram without observations shows its name only
  return metrics.includes('db_queries_per_request') ? sums.reduce((sum, value) => sum + value, 0) : null
}

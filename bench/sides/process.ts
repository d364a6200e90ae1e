/** Child processes of the benchmark: started with this Node.js, ended with the benchmark. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Running {
  pid: number
  stop(): Promise<void>
}

/**
 * Starts `file` (from the project's folder) and waits until `address` answers 200. Throws with its last words when it
 * ends before.
 */
export async function startServer (file: string, env: Record<string, string>, address: string): Promise<Running> {
  const child = spawn(process.execPath, [file], {
    cwd: root,
    env: { ...plainEnvironment(), ...env },
    stdio: ['ignore', 'ignore', 'pipe']
  })
  let words = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-2000)
  })
  const until = performance.now() + 120_000
  while (child.exitCode === null && child.signalCode === null && performance.now() < until) {
    const answer = await fetch(address).catch(() => null)
    await answer?.body?.cancel()
    if (answer?.status === 200) {
      return {
        pid: child.pid as number,
        stop: async () => {
          await stop(child)
        }
      }
    }
    await sleep(50)
  }
  await stop(child)
  throw new Error(`${file} did not start: ${words}`)
}

export async function stop (child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const killed = setTimeout(() => {
    child.kill('SIGKILL')
  }, 20_000)
  await ended
  clearTimeout(killed)
}

/** Nothing of the caller's settings, nothing that a test runner puts into its children. */
function plainEnvironment (): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LANG'].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]]
  )
  return Object.fromEntries(kept) as Record<string, string>
}

export function freePort (): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
      .once('error', reject)
      .listen(0, '127.0.0.1', () => {
        const { port } = server.address() as { port: number }
        server.close(() => {
          resolve(port)
        })
      })
  })
}

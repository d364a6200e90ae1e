/**
 * What a newcomer meets: the README's two commands and the one line that each fault at start must be.
 * Not part of `npm test`, because it installs everything anew; .ci/run runs it.
 *
 * This file starts programs as a terminal would: in a process group of their own, with a plain environment.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer, type Server } from 'node:net'
import { delimiter } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** PATH as it was before npm or .ci/run put this project's programs in front: the system's Node.js. */
export const systemPath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !/node_modules|node-gyp-bin/.test(folder))
  .join(delimiter)

export interface Program {
  readonly child: ChildProcess
  /** Everything printed so far. */
  stdout(): string
  stderr(): string
  /** Ctrl-C: the terminal sends SIGINT to every process of the group. */
  interrupt(): void
  /** Exit code, or the signal's name; `null` when it still ran after `milliseconds` (it is killed then). */
  ended(milliseconds: number): Promise<number | string | null>
}

/** Starts `command`; the environment is `settings` and what every program needs, nothing of this test's. */
export function start (
  command: string,
  args: string[],
  options: { cwd: string; settings?: Record<string, string> }
): Program {
  const kept = ['HOME', 'USER', 'LANG', 'LC_ALL', 'TMPDIR', 'CI', 'NODE_EXTRA_CA_CERTS', 'NO_COLOR'].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]]
  )
  const environment = { ...Object.fromEntries(kept), PATH: systemPath, ...options.settings }
  // through `env`, because the test runner puts its own instruments into the environment of whatever is started
  const child = spawn(
    'env',
    ['-i', ...Object.entries(environment).map(([name, value]) => `${name}=${value}`), command, ...args],
    {
      cwd: options.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true
    }
  )
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
    })
  }
  const exit = new Promise<number | string>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message)
    })
    // `close`, not `exit`: the last lines are read by then
    child.once('close', (code, signal) => {
      resolve(code ?? signal ?? 'unknown')
    })
  })
  const group = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      /* it has ended */
    }
  }
  return {
    child,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    interrupt: () => {
      group('SIGINT')
    },
    async ended (milliseconds) {
      const limit = new AbortController()
      const late = sleep(milliseconds, null, { signal: limit.signal }).catch(() => null)
      const result = await Promise.race([exit, late])
      limit.abort()
      if (result === null) group('SIGKILL')
      return result
    }
  }
}

/** Asks until `address` answers 200 or `program` has ended; the milliseconds it took, or null. */
export async function up (address: string, program: Program, limitMilliseconds: number): Promise<number | null> {
  const begun = performance.now()
  while (performance.now() - begun < limitMilliseconds && program.child.exitCode === null) {
    const answer = await fetch(address).catch(() => null)
    await answer?.body?.cancel()
    if (answer?.status === 200) return performance.now() - begun
    await sleep(100)
  }
  return null
}

/** A port that is taken until the server is closed. */
export async function takePort (): Promise<{ port: number; server: Server }> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, resolve)
  })
  return { port: (server.address() as { port: number }).port, server }
}

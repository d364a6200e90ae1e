/**
 * Real processes: `npm start` as operators run it, several on one database under one name. No proxy stands before
 * them; whoever sends a request says to which of them, which is all that a proxy decides.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { compileCache } from '../compile-cache.ts'
import { awayFromMidnight } from '../midnight.ts'
import { freePort } from '../ports.ts'
import { until } from '../until.ts'
import { Browser, type BrowserOptions } from './browser.ts'
import { send } from './http.ts'
import { SandboxClient } from './sandbox.ts'

export interface Processes {
  issuer: string
  urls: string[]
  /** A browser whose requests go where `instance` says at that moment. */
  newBrowser(instance: () => number, options?: BrowserOptions): Browser
  /** A fetch for programs, the same way; only for addresses of the issuer. */
  fetchVia(instance: () => number): typeof fetch
  sandbox(instance: number): SandboxClient
  pid(instance: number): number
  /** As a crash: nothing is finished. Resolves when it is gone. */
  kill9(instance: number): Promise<void>
  /** As a supervisor stops it. Exit code. */
  term(instance: number): Promise<number | null>
  /** Starts it again on its port and data; resolves when ready. */
  restart(instance: number): Promise<void>
  ready(instance: number): Promise<boolean>
  logs(instance: number): string
  stop(): Promise<void>
}

interface Test {
  teardown(work: () => unknown): unknown
}

export async function startProcesses (
  t: Test,
  options: { instances: number; databaseUrl?: string; env?: Record<string, string> }
): Promise<Processes> {
  await awayFromMidnight()
  const issuer = `http://localhost:${await freePort()}`
  const masterKey = randomBytes(32).toString('base64')
  const ports = await Promise.all(
    Array.from({ length: options.instances }, async () => ({ port: await freePort(), sitePort: await freePort() }))
  )
  const children: ChildProcess[] = []
  const output: string[] = ports.map(() => '')
  const urls = ports.map(({ port }) => `http://localhost:${port}`)

  /** As a supervisor: on a busy machine the database may be too slow for a process that starts. */
  async function start (at: number): Promise<void> {
    const fault = await tryStart(at)
    if (fault !== null && (!fault.includes('The database is not available') || (await tryStart(at)) !== null)) {
      throw new Error(fault)
    }
  }

  async function tryStart (at: number): Promise<string | null> {
    const child = spawn(process.execPath, [fileURLToPath(new URL('../../../src/start.cjs', import.meta.url))], {
      // nothing of the test runner's own environment: it would instrument the child
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: compileCache,
        NODE_ENV: 'test',
        ISSUER: issuer,
        PORT: String(ports[at]?.port),
        RP_PORT: String(ports[at]?.sitePort),
        MASTER_KEY: masterKey,
        LOGIN_STARTS_PER_ADDRESS: '1000000',
        ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
        ...options.env
      },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    children[at] = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output[at] += chunk.toString()
      })
    }
    const started = await until(async () => child.exitCode !== null || (await ready(at)))
    if (child.exitCode !== null) {
      return `process ${at} did not start (exit ${child.exitCode}):\n${output[at]?.slice(-2000)}`
    }
    return started ? null : `process ${at} does not become ready:\n${output[at]?.slice(-2000)}`
  }

  async function ready (at: number): Promise<boolean> {
    return await send(`${urls[at]}/readyz`).then(
      (response) => response.status === 200,
      () => false
    )
  }

  async function gone (at: number, signal: NodeJS.Signals): Promise<number | null> {
    const child = children[at]
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const exit = once(child, 'exit')
    child.kill(signal)
    const [code] = (await exit) as [number | null]
    return code
  }

  async function stop (): Promise<void> {
    await Promise.all(children.map(async (_child, at) => await gone(at, 'SIGKILL')))
  }

  t.teardown(stop)
  // the first one migrates and seeds, as the first start of a deployment does
  for (const at of ports.keys()) await start(at)

  const target = (url: URL, at: number): URL =>
    url.origin === issuer ? new URL(`${urls[at]}${url.pathname}${url.search}`) : url
  return {
    issuer,
    urls,
    newBrowser: (instance, more = {}) => {
      const browser = new Browser({ ...more, route: (url) => target(url, instance()) })
      browser.phone = new SandboxClient(issuer, urls[instance()])
      return browser
    },
    fetchVia: (instance) =>
      (async (input: string | URL, init: RequestInit = {}) => {
        const url = new URL(input)
        const headers = Object.fromEntries(new Headers(init.headers))
        const body = init.body === undefined || init.body === null ? undefined : String(init.body)
        return await send(target(url, instance()), {
          method: init.method ?? 'GET',
          headers: { ...headers, host: url.host },
          ...(body === undefined ? {} : { body })
        })
      }) as typeof fetch,
    sandbox: (instance) => new SandboxClient(issuer, urls[instance]),
    pid: (instance) => children[instance]?.pid ?? 0,
    kill9: async (instance) => {
      await gone(instance, 'SIGKILL')
    },
    term: async (instance) => await gone(instance, 'SIGTERM'),
    restart: start,
    ready,
    logs: (instance) => output[instance] ?? '',
    stop
  }
}

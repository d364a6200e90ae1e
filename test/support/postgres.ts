/**
 * A throw-away PostgreSQL for tests: `node test/support/postgres.ts start` prints its address (for
 * TEST_DATABASE_URL), `stop` ends and deletes it. Needs PostgreSQL's programs, not a running server,
 * and no rights: started by root it runs as `postgres` or `nobody`, since PostgreSQL refuses root.
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePort } from './ports.ts'

export interface Cluster {
  url: string
  /** `immediate` is a crash: connections are cut, recovery runs at the next start. */
  restart(mode: 'fast' | 'immediate'): void
  stop(): void
}

interface State {
  folder: string
  bin: string
  user: User | null
  url: string
}
interface User {
  name: string
  group: string
}

/** Folder with initdb and pg_ctl: the newest installed version, else from PATH; null when there is none. */
export function postgresPrograms (): string | null {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...versions.map((version) => join(root, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter)
  ]
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'pg_ctl'))) ?? null
}

export interface ClusterOptions {
  superuser?: string
  /** Waits for the disk, as a server does that somebody depends on. */
  durable?: boolean
}

/** Creates and starts a cluster on a free port of the loopback address, with a password of its own. */
export async function startCluster (options: ClusterOptions = {}): Promise<Cluster> {
  return control(await create(options))
}

async function create ({ superuser = 'kora', durable = false }: ClusterOptions = {}): Promise<State> {
  const bin = postgresPrograms()
  if (bin === null) throw new Error("PostgreSQL's programs (initdb, pg_ctl) are not installed")
  const folder = mkdtempSync(join(tmpdir(), 'kora-postgres-'))
  const user = unprivilegedUser()
  const password = randomBytes(12).toString('hex')
  const port = await freePort()
  const state = { folder, bin, user, url: `postgres://${superuser}:${password}@127.0.0.1:${port}/postgres` }
  try {
    const passwordFile = join(folder, 'password')
    writeFileSync(passwordFile, password)
    if (user !== null) execFileSync('chown', ['-R', `${user.name}:${user.group}`, folder])
    run(state, 'initdb', [
      '-D',
      join(folder, 'data'),
      '-U',
      superuser,
      '-A',
      'scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--no-sync',
      '-E',
      'UTF8',
      '--locale=C'
    ])
    // nothing here outlives the machine, so nothing waits for the disk
    const settings = {
      listen_addresses: "'127.0.0.1'",
      port,
      unix_socket_directories: `'${folder}'`,
      max_connections: 200,
      ...(durable ? {} : { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' }),
      shared_buffers: "'64MB'"
    }
    writeFileSync(
      join(folder, 'data', 'postgresql.auto.conf'),
      Object.entries(settings)
        .map(([name, value]) => `${name} = ${value}\n`)
        .join('')
    )
    run(state, 'pg_ctl', ['-D', join(folder, 'data'), '-l', join(folder, 'log'), '-w', 'start'])
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  return state
}

function control (state: State): Cluster {
  const data = join(state.folder, 'data')
  return {
    url: state.url,
    restart: (mode) => {
      run(state, 'pg_ctl', ['-D', data, '-l', join(state.folder, 'log'), '-m', mode, '-w', 'restart'])
    },
    stop () {
      if (isRunning(state)) run(state, 'pg_ctl', ['-D', data, '-m', 'immediate', '-w', 'stop'])
      rmSync(state.folder, { recursive: true, force: true })
    }
  }
}

function run (state: State, program: string, args: string[]): void {
  const command = [join(state.bin, program), ...args]
  const [file, ...rest] =
    state.user === null
      ? command
      : ['setpriv', `--reuid=${state.user.name}`, `--regid=${state.user.group}`, '--clear-groups', ...command]
  // the server inherits no pipe of ours, or waiting for its end would never end
  execFileSync(file as string, rest, { cwd: state.folder, stdio: ['ignore', 'ignore', 'inherit'] })
}

function unprivilegedUser (): User | null {
  if (userInfo().uid !== 0) return null
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const found = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody')
  if (found === undefined) {
    throw new Error('PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody')
  }
  return { name: found[0] as string, group: found[3] as string }
}

function isRunning (state: State): boolean {
  try {
    run(state, 'pg_ctl', ['-D', join(state.folder, 'data'), 'status'])
    return true
  } catch {
    return false
  }
}

async function main (action: string | undefined): Promise<void> {
  const stateFile = join(tmpdir(), `kora-postgres-${userInfo().uid}`, 'state.json')
  const state = existsSync(stateFile) ? (JSON.parse(readFileSync(stateFile, 'utf8')) as State) : null
  if (action === 'start') {
    const started = state !== null && isRunning(state) ? state : await create()
    mkdirSync(join(stateFile, '..'), { recursive: true, mode: 0o700 })
    writeFileSync(stateFile, JSON.stringify(started), { mode: 0o600 })
    console.log(started.url)
  } else if (action === 'stop') {
    if (state !== null) control(state).stop()
    rmSync(stateFile, { force: true })
  } else {
    console.error('usage: node test/support/postgres.ts start|stop')
    process.exitCode = 2
  }
}

if (import.meta.main) await main(process.argv[2])

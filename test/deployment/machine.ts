/**
 * A machine for a first deployment: a checkout, the programs that a stranger has, nginx as its package leaves it, and
 * processes with an environment of their own. Only host names, ports and paths are others than in docs/production.md.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test as TapTest } from 'tap'
import { start, type Program } from '../first-start/program.ts'
import { freePort, send } from '../support/driver/index.ts'
import { withNeed } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { postgresPrograms, startCluster } from '../support/postgres.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const documents = ['docs/production.md', '.env.example', 'docker-compose.yml', 'Dockerfile', 'package.json']
const shipped = [...documents, 'src', 'migrations', 'views', 'deploy/nginx.conf', 'deploy/roles.sql']
const path = [
  join(root, 'node_modules/.bin'),
  ...(process.env['PATH'] ?? '').split(delimiter),
  // not on everybody's path
  '/usr/sbin',
  '/sbin'
].join(delimiter)

/** A deployment needs programs beside Node.js. */
export async function withPrograms (t: TapTest, name: string, work: (t: TapTest) => Promise<void>): Promise<void> {
  const missing = missingPrograms()
  const lack = `not installed: ${missing.join(', ')}`
  await withNeed(t, { name, found: missing.length === 0 ? missing : null, lack }, work)
}

/** Programs that are not installed. */
function missingPrograms (): string[] {
  const missing = ['bash', 'nginx', 'openssl', 'psql'].filter((name) => {
    try {
      execFileSync('sh', ['-c', `command -v ${name}`], { env: { PATH: path }, stdio: 'ignore' })
      return false
    } catch {
      return true
    }
  })
  return postgresPrograms() === null ? [...missing, 'postgresql'] : missing
}

interface Test {
  teardown(work: () => unknown): unknown
}

export interface Ended {
  code: number | string | null
  stdout: string
  stderr: string
}

export interface Machine {
  /** The checkout. */
  folder: string
  /** Where browsers come. */
  issuer: string
  ports: { http: number; https: number; processes: [number, number] }
  /** Address of the empty PostgreSQL, as somebody who may create roles. */
  administrator: URL
  /** What the page writes, as it is on this machine. */
  here(text: string): string
  /** Lines of a shell, to their end. */
  shell(text: string, env?: Record<string, string>): Promise<Ended>
  /** Resolves when nginx serves what it was told to reload, and not its first page any more. */
  reloaded(): Promise<void>
  /** A program that stays. */
  start(command: string, env?: Record<string, string>): Program
}

export async function createMachine (t: Test): Promise<Machine> {
  const cluster = await startCluster({ superuser: 'postgres', durable: true })
  t.teardown(() => {
    cluster.stop()
  })
  const place = mkdtempSync(join(tmpdir(), 'kora-deployment-'))
  // PostgreSQL runs as another user, and so does nginx
  chmodSync(place, 0o755)
  const folder = join(place, 'kora')
  mkdirSync(folder)
  for (const name of shipped) cpSync(join(root, name), join(folder, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))

  const ports: Machine['ports'] = {
    http: await freePort(),
    https: await freePort(),
    processes: [await freePort(), await freePort()]
  }
  const administrator = new URL(cluster.url)
  const replaced: Array<[string, string]> = [
    ['postgres://postgres@127.0.0.1:5432/postgres', administrator.href],
    ['database=database:5432', `database=${administrator.host}`],
    ['https://sso.example.gov.cn', `https://localhost:${ports.https}`],
    ['sso.example.gov.cn', 'localhost'],
    ['127.0.0.1:3000', `127.0.0.1:${ports.processes[0]}`],
    ['127.0.0.1:3001', `127.0.0.1:${ports.processes[1]}`],
    ['PORT=3000', `PORT=${ports.processes[0]}`],
    ['PORT=3001', `PORT=${ports.processes[1]}`],
    ['/etc/nginx', join(place, 'etc/nginx')],
    ['/var/log/nginx', join(place, 'nginx')],
    ['listen 80;', `listen ${ports.http};`],
    ['listen 443 ', `listen ${ports.https} `],
    ['https://$host$', `https://$host:${ports.https}$`]
  ]
  const here = (text: string): string => replaced.reduce((so, [from, to]) => so.replaceAll(from, to), text)
  const proxy = join(folder, 'deploy/nginx.conf')
  writeFileSync(proxy, here(readFileSync(proxy, 'utf8')))

  const running = new Set<Program>()
  const run = (command: string, env: Record<string, string>): Program => {
    const settings = {
      PATH: `${join(place, 'bin')}${delimiter}${path}`,
      HOME: place,
      LANG: 'C.UTF-8',
      NODE_COMPILE_CACHE: join(place, 'compiled'),
      ...env
    }
    const program = start('bash', ['-euo', 'pipefail', '-c', command], { cwd: folder, settings })
    running.add(program)
    return program
  }
  t.teardown(async () => {
    for (const program of running) await program.ended(0)
    rmSync(place, { recursive: true, force: true })
  })
  const machine: Machine = {
    folder,
    issuer: `https://localhost:${ports.https}`,
    ports,
    administrator,
    here,
    async shell (text, env = {}) {
      const program = run(text, env)
      const code = await program.ended(120_000)
      running.delete(program)
      return { code, stdout: program.stdout(), stderr: program.stderr() }
    },
    async reloaded () {
      const isFirst = async (): Promise<boolean> => {
        const answer = await send(`http://localhost:${ports.http}/`)
        return (await answer.text()) === firstPage
      }
      if (!(await until(async () => !(await isFirst())))) throw new Error('nginx still has its own page')
    },
    start: (command, env = {}) => run(`exec env ${command}`, env)
  }
  await installNginx(machine, place)
  return machine
}

const firstPage = 'Welcome to nginx!'

/** nginx as Debian's package leaves it: running, with a page of its own for everybody who asks on port 80. */
async function installNginx (machine: Machine, place: string): Promise<void> {
  const [etc, state] = [join(place, 'etc/nginx'), join(place, 'nginx')]
  for (const folder of [join(etc, 'conf.d'), join(etc, 'sites-enabled'), state, join(place, 'bin')]) {
    mkdirSync(folder, { recursive: true })
  }
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    join(etc, 'nginx.conf'),
    [
      ...(process.getuid?.() === 0 ? ['user root;'] : []),
      `pid ${state}/pid;`,
      `error_log ${state}/error.log;`,
      'events {}',
      'http {',
      `  access_log ${state}/access.log;`,
      ...temporary.map((name) => `  ${name}_temp_path ${state}/${name};`),
      `  include ${etc}/conf.d/*.conf;`,
      `  include ${etc}/sites-enabled/*;`,
      '}',
      ''
    ].join('\n')
  )
  const page = `location / { return 200 "${firstPage}"; }`
  writeFileSync(
    join(etc, 'sites-enabled/default'),
    `server { listen ${machine.ports.http} default_server; ${page} }\n`
  )
  const program = execFileSync('sh', ['-c', 'command -v nginx'], { env: { PATH: path }, encoding: 'utf8' }).trim()
  const wrapper = `#!/bin/sh\nexec ${program} -p ${state} -e ${state}/error.log -c ${etc}/nginx.conf "$@"\n`
  writeFileSync(join(place, 'bin/nginx'), wrapper, { mode: 0o755 })
  machine.start("nginx -g 'daemon off;'")
  if (!(await until(() => existsSync(join(state, 'pid'))))) throw new Error('nginx did not start')
}

/**
 * The services of docker-compose.yml as processes. Each gets the environment, the files and the command that its
 * container would have, and nothing else: a secret that a service does not list is not there.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { parseEnv } from 'node:util'
import { parse } from 'yaml'
import type { Program } from '../first-start/program.ts'
import type { Ended, Machine } from './machine.ts'

interface Service {
  build?: string
  command?: string[]
  env_file?: string
  environment?: Record<string, string>
  secrets?: string[]
  volumes?: string[]
}

interface Document {
  services: Record<string, Service>
  secrets: Record<string, { file: string }>
}

interface Container {
  env: Record<string, string>
  command: string
  mounts: Array<{ from: string; to: string }>
}

export class Containers {
  readonly #machine: Machine
  readonly #document: Document
  readonly #image: { env: Record<string, string>; command: string[] }

  constructor (machine: Machine) {
    this.#machine = machine
    const text = (name: string): string => readFileSync(join(machine.folder, name), 'utf8')
    this.#document = parse(text('docker-compose.yml'), { merge: true }) as Document
    this.#image = imageOf(text('Dockerfile'))
  }

  /** A service that stays: `index` is the process that it is. */
  start (name: string, index: 0 | 1): Program {
    const { env, command } = this.#container(name)
    return this.#machine.start(command, { ...env, PORT: String(this.#machine.ports.processes[index]) })
  }

  /** docker compose exec */
  async exec (name: string, command: string): Promise<Ended> {
    return await this.#machine.shell(command, this.#container(name).env)
  }

  /** A job, to its end. */
  async run (name: string): Promise<Ended> {
    const { env, command } = this.#container(name)
    return await this.#machine.shell(command, env)
  }

  /** What PostgreSQL's image does at the first start: the files of its folder, as the superuser. */
  async initialize (name: string): Promise<Ended> {
    const { env, mounts } = this.#container(name)
    if (readFileSync(env['POSTGRES_PASSWORD_FILE'] ?? '', 'utf8').trim() === '') throw new Error('no password')
    const scripts = mounts.filter(({ to }) => dirname(to) === '/docker-entrypoint-initdb.d').map(({ from }) => from)
    const commands = scripts.map((file) => `psql '${this.#machine.administrator.href}' -v ON_ERROR_STOP=1 -f ${file}`)
    return await this.#machine.shell(commands.join('\n'), env)
  }

  /** What nginx's image does: the mounted files, and no page of its own. */
  async serve (name: string): Promise<Ended> {
    const { here, ports, shell } = this.#machine
    for (const { from, to } of this.#container(name).mounts) {
      mkdirSync(dirname(here(to)), { recursive: true })
      cpSync(from, here(to), { recursive: true })
    }
    const configuration = here('/etc/nginx/conf.d/default.conf')
    const text = readFileSync(configuration, 'utf8')
    const [first, second] = ports.processes
    const upstream = { 'kora-1:3000': `127.0.0.1:${first}`, 'kora-2:3000': `127.0.0.1:${second}` }
    writeFileSync(configuration, Object.entries(upstream).reduce((so, [from, to]) => so.replace(from, to), text))
    rmSync(here('/etc/nginx/sites-enabled/default'))
    return await shell('nginx -t\nnginx -s reload')
  }

  #container (name: string): Container {
    const { folder } = this.#machine
    const service = this.#document.services[name]
    if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`)
    const secrets = join(dirname(folder), 'containers', name, 'run/secrets')
    rmSync(secrets, { recursive: true, force: true })
    mkdirSync(secrets, { recursive: true })
    for (const secret of service.secrets ?? []) {
      const file = join(folder, this.#document.secrets[secret]?.file ?? '')
      // the user of the container is neither its owner nor of its group
      if ((statSync(file).mode & 0o004) === 0) throw new Error(`${basename(file)} cannot be read in the container`)
      cpSync(file, join(secrets, secret))
    }
    // the proxy is on this machine instead of the network of the containers
    const inside = (text: string): string =>
      text.replaceAll('/run/secrets', secrets).replace('172.30.0.0/24', '127.0.0.1')
    const file = service.env_file === undefined ? {} : parseEnv(readFileSync(join(folder, service.env_file), 'utf8'))
    const image = service.build === undefined ? { env: {}, command: [] } : this.#image
    const env = { ...image.env, ...(file as Record<string, string>), ...service.environment }
    return {
      env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, inside(value)])),
      command: (service.command ?? image.command).join(' '),
      mounts: (service.volumes ?? [])
        .map((volume) => volume.split(':'))
        // a named volume is not a file of the checkout
        .filter(([from = '']) => from.startsWith('./'))
        .map(([from = '', to = '']) => ({ from: join(folder, from), to }))
    }
  }
}

/** What the last stage of the Dockerfile sets. */
function imageOf (dockerfile: string): { env: Record<string, string>; command: string[] } {
  const stage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
  const set = /^ENV ((?:.*\\\n)*.*)$/m.exec(stage)?.[1] ?? ''
  const pairs = set.split(/\s*\\?\s+/).map((pair) => pair.split('='))
  return {
    env: Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value])),
    command: JSON.parse(/^CMD (\[.*\])$/m.exec(stage)?.[1] ?? '[]') as string[]
  }
}

/**
 * Runs a snippet as a developer would: the text itself, written to a folder of its own, its client registered, its
 * library unmodified. Libraries that are not from npm are Debian's; without them a test is skipped with a sentence,
 * never with CI=true.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { makeSnippets, toSnippetClient, type Snippet } from '../../../../src/journeys/developers/snippets/index.ts'
import {
  addClient,
  chooseIdentity,
  freePort,
  send,
  startKora,
  submitPassword,
  type Answer,
  type Browser,
  type Kora
} from '../../../support/driver/index.ts'
import { withNeed } from '../../../support/needs.ts'
import { until } from '../../../support/until.ts'

/** What must be installed, file → Debian package. */
export interface Needs {
  files: Record<string, string>
}

export async function withSnippet (
  t: Test,
  name: string,
  needs: Needs,
  work: (t: Test) => Promise<void>
): Promise<void> {
  const missing = Object.entries(needs.files)
    .filter(([file]) => !existsSync(file))
    .map(([, debian]) => debian)
  const lack = `not installed: ${missing.join(', ')} (apt-get install --no-install-recommends ${missing.join(' ')})`
  await withNeed(t, { name, found: missing.length === 0 ? needs : null, lack, timeout: 240_000 }, work)
}

export interface Site {
  kora: Kora
  snippet: Snippet
  folder: string
  origin: string
  secret: string
  port: number
  redirectUri: string
  /** Starts a program of the snippet; resolves when something listens at its port. Stopped with the test. */
  run(command: string, args: string[], env?: Record<string, string>): Promise<Program>
}

export interface Program {
  output: () => string
  child: ChildProcess
}

/** What the snippets install from npm, where it lies here. */
const packages = {
  express: 'express',
  'openid-client': 'openid-client',
  '@auth/express': '@auth/express',
  '@auth/core': '@auth/express/node_modules/@auth/core'
}

/** A confidential client at `redirectPath` and the snippet of `id` for it, written to a folder. */
export async function site (
  t: Test,
  id: string,
  options: { redirectPath?: string; host?: string; metadata?: Record<string, unknown>; secret?: string | null } = {}
): Promise<Site> {
  const kora = await startKora(t)
  const port = await freePort()
  const origin = `http://${options.host ?? 'localhost'}:${port}`
  const redirectUri = `${origin}${options.redirectPath ?? '/callback'}`
  const clientId = `site-${id}`
  const secret = randomBytes(24).toString('base64url')
  const metadata = {
    client_name: id,
    application_type: 'web',
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: options.secret === null ? 'none' : 'client_secret_basic',
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [`${origin}/logged-out`],
    scope: 'openid profile organization',
    ...options.metadata
  }
  await addClient(kora, {
    clientId,
    ...(options.secret === null ? {} : { secret }),
    metadata,
    policy: { subjectKinds: ['person', 'organization'], roles: ['self', 'legal_representative', 'agent'] }
  })
  const client = toSnippetClient(clientId, metadata)
  if (client === null) throw new Error('no client for snippets')
  const made = makeSnippets(kora.issuer, client, 'en')
  const snippet = made.ok ? made.snippets.find((one) => one.id === id) : undefined
  if (snippet === undefined) throw new Error(`no snippet ${id}`)
  t.equal(snippet.redirectUri, redirectUri, 'the snippet uses the registered address')

  const folder = mkdtempSync(join(tmpdir(), `kora-${id}-`))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  for (const { name, text } of snippet.files) {
    const path = join(folder, name.replace(/^\/.*\//, ''))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  for (const [name, from] of Object.entries(packages)) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true })
    symlinkSync(
      fileURLToPath(new URL(`../../../../node_modules/${from}`, import.meta.url)),
      join(folder, 'node_modules', name)
    )
  }

  return {
    kora,
    snippet,
    folder,
    origin,
    secret,
    port,
    redirectUri,
    async run (command, args, env = {}) {
      let output = ''
      const child = spawn(command, args, {
        cwd: folder,
        env: { PATH: process.env['PATH'], HOME: folder, OIDC_CLIENT_SECRET: secret, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true
      })
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString()
        })
      }
      t.teardown(async () => {
        await end(child)
      })
      await listening(origin, child, () => output)
      return { output: () => output, child }
    }
  }
}

/** The program and what it started: the group is our own. */
async function end (child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exit = once(child, 'exit')
  process.kill(-child.pid, 'SIGKILL')
  await exit
}

async function listening (origin: string, child: ChildProcess, output: () => string): Promise<void> {
  const heard = await until(
    async () =>
      child.exitCode !== null ||
      (await send(`${origin}/robots.txt`).then(
        () => true,
        () => false
      ))
  )
  if (child.exitCode !== null) throw new Error(`the program ended (${child.exitCode}):\n${output().slice(-3000)}`)
  if (!heard) throw new Error(`nothing listens at ${origin}:\n${output().slice(-3000)}`)
}

/** A verified person; the first page after the login that is not a redirect. */
export async function logIn (browser: Browser, kora: Kora, address: string): Promise<Answer> {
  const person = await kora.sandbox.account('zhuoma')
  const login = await browser.go(address)
  if (new URL(login.url).origin !== kora.issuer) {
    throw new Error(`not at Kora: ${login.status} ${login.url}\n${login.text.slice(0, 500)}`)
  }
  return await submitPassword(browser, login, { account: person.phone, password: person.password })
}

/** Another person, who goes on as the legal representative of an organization: asked once at each site. */
export async function logInForOrganization (browser: Browser, kora: Kora, address: string): Promise<Answer> {
  const person = await kora.sandbox.account('gesang')
  const choice = await browser.submit(
    await browser.go(address),
    { account: person.phone, password: person.password, agree: '1' },
    { form: (form) => 'password' in form.fields }
  )
  return await chooseIdentity(browser, choice, organization.uscc)
}

export const organization = { uscc: 'N2540121MF1234XY4L', name: '林周县示例村股份经济合作社' }

/** Whether Kora still knows the browser: a silent request at a site of its own. */
export async function stillSignedIn (browser: Browser, kora: Kora): Promise<boolean> {
  const answer = await browser.go(`${kora.issuer}/me`)
  return new URL(answer.url).pathname === '/me'
}

export const nameOfPerson = '次仁卓玛'

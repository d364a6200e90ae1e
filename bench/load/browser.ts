/** A browser without script: cookies, redirects, and the login form filled in. Sends everything over one connection. */
import { createHash } from 'node:crypto'
import type { Answer, Connection } from './connection.ts'
import type { Target } from './target.ts'

export const verifier = 'bench-verifier-'.padEnd(43, 'x')
const challenge = createHash('sha256').update(verifier).digest('base64url')

export const form = (fields: Record<string, string>): string => new URLSearchParams(fields).toString()
export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`

export function get (target: Target, path: string, headers: Record<string, string> = {}): string {
  return `GET ${path} HTTP/1.1\r\n${head(target, headers)}\r\n`
}

export function post (target: Target, path: string, body: string, headers: Record<string, string> = {}): string {
  return `POST ${path} HTTP/1.1\r\n${head(target, headers)}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

const head = (target: Target, headers: Record<string, string>): string =>
  `Host: ${new URL(target.issuer).host}\r\n` +
  Object.entries(headers)
    .map(([name, value]) => (value === '' ? '' : `${name}: ${value}\r\n`))
    .join('')

export function authorizationPath (target: Target, client: { id: string; redirectUri: string; scope: string }): string {
  return (
    `${target.paths.authorization}?` +
    form({
      client_id: client.id,
      redirect_uri: client.redirectUri,
      response_type: 'code',
      scope: client.scope,
      state: 'bench',
      nonce: 'bench',
      code_challenge: challenge,
      code_challenge_method: 'S256'
    })
  )
}

/** Value of a response header; null when there is none. */
export function headerOf (answer: Answer, name: string): string | null {
  const at = answer.head.toLowerCase().indexOf(`\r\n${name}: `)
  if (at < 0) return null
  const from = at + name.length + 4
  return answer.head.slice(from, answer.head.indexOf('\r\n', from))
}

/** The code in a redirect to the relying site. Throws when the answer is anything else. */
export function codeOf (answer: Answer): string {
  const code = /[?&]code=([^&]+)/.exec(headerOf(answer, 'location') ?? '')?.[1]
  if (code === undefined) {
    throw new Error(`no code: ${answer.status} ${headerOf(answer, 'location') ?? answer.body.slice(0, 300)}`)
  }
  return code
}

export class Browser {
  readonly #target: Target
  readonly #connection: Connection
  readonly #cookies = new Map<string, { value: string; path: string }>()
  readonly #address: string
  requests = 0

  /** @param address where this browser seems to be, for a server that believes this machine's forwarding header */
  constructor (target: Target, connection: Connection, address: string) {
    this.#target = target
    this.#connection = connection
    this.#address = address
  }

  cookiesFor (path: string): string {
    return [...this.#cookies]
      .filter(([, cookie]) => path.startsWith(cookie.path))
      .map(([name, cookie]) => `${name}=${cookie.value}`)
      .join('; ')
  }

  /**
   * From the authorization endpoint through whatever the server shows, until it redirects to the client with a code.
   */
  async login (
    client: { id: string; redirectUri: string; scope: string },
    account: { account: string; password: string }
  ): Promise<string> {
    let path = authorizationPath(this.#target, client)
    let body: string | null = null
    for (let step = 0; step < 12; step++) {
      const answer = await this.#go(path, body)
      body = null
      const location = headerOf(answer, 'location')
      if (location?.startsWith(client.redirectUri) === true) return codeOf(answer)
      if (location !== null) {
        const url = new URL(location, this.#target.issuer + path)
        path = url.pathname + url.search
        continue
      }
      const csrf = /name="csrf" value="([^"]+)"/.exec(answer.body)?.[1]
      if (answer.status !== 200 || csrf === undefined) {
        throw new Error(`login stopped at ${path.split('?')[0]}: ${answer.status}`)
      }
      // who acts for organizations too is asked once in whose name
      body = form({ csrf, kind: 'personal', agree: '1', choice: 'self', ...account })
    }
    throw new Error(`login: too many redirects, the last to ${path.split('?')[0]}`)
  }

  async #go (path: string, body: string | null): Promise<Answer> {
    this.requests++
    const headers = { Cookie: this.cookiesFor(path), 'X-Forwarded-For': this.#address }
    const answer = await this.#connection.send(
      body === null
        ? get(this.#target, path, headers)
        : post(this.#target, path, body, { ...headers, Origin: this.#target.issuer })
    )
    for (const [, name = '', value = '', attributes = ''] of answer.head.matchAll(
      /\r\nset-cookie: ([^=]+)=([^;\r]*)([^\r]*)/gi
    )) {
      if (value === '' || /expires=Thu, 01 Jan 1970|max-age=0/i.test(attributes)) this.#cookies.delete(name)
      else this.#cookies.set(name, { value, path: /path=([^;\r]+)/i.exec(attributes)?.[1] ?? '/' })
    }
    return answer
  }
}

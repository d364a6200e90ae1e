import { send } from './http.ts'

/** The sandbox's JSON API, as other teams' tests would use it. */
export interface SandboxAccount {
  handle: string
  person_id: string
  name: string
  cert_no: string
  phone: string
  password: string
  state: string
}
export interface SandboxClientInfo {
  client_id: string
  client_secret: string | null
  metadata: Record<string, unknown>
}
export interface Transcript {
  outcome: string
  steps: Array<{ step: string; status: number; request?: unknown; response: Record<string, unknown> }>
}

export class SandboxClient {
  readonly #issuer: string
  readonly #origin: string

  /** @param origin where the process listens, when its name is another one */
  constructor (issuer: string, origin: string = issuer) {
    this.#issuer = issuer
    this.#origin = origin
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<{ status: number; body: T }> {
    const response = await send(`${this.#origin}/sandbox/api${path}`, {
      method,
      headers: {
        host: new URL(this.#issuer).host,
        ...(body === undefined ? {} : { 'content-type': 'application/json' })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return { status: response.status, body: (await response.json()) as T }
  }

  async accounts (): Promise<SandboxAccount[]> {
    return (await this.call<{ persons: SandboxAccount[] }>('GET', '/accounts')).body.persons
  }

  async account (handle: string): Promise<SandboxAccount> {
    const found = (await this.accounts()).find((account) => account.handle === handle)
    if (found === undefined) throw new Error(`no account ${handle}`)
    return found
  }

  async clients (): Promise<SandboxClientInfo[]> {
    return (await this.call<{ clients: SandboxClientInfo[] }>('GET', '/clients')).body.clients
  }

  /** The phone's whole side of one ticket. */
  async journey (input: Record<string, unknown>): Promise<Transcript> {
    const { status, body } = await this.call<Transcript>('POST', '/phone/journeys', input)
    if (status >= 400) throw new Error(`journey: ${status} ${JSON.stringify(body)}`)
    return body
  }
}

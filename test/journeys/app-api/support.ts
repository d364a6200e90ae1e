/** An app installation that speaks HTTP, and the server that it speaks to. */
import { createHash, randomBytes, type webcrypto } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'
import type { Test } from 'tap'
import { registerAppApi } from '../../../src/journeys/app-api/index.ts'
import { registerHttp, serverOptions } from '../../../src/http/index.ts'
import type { World } from '../../records/scan-tickets/support.ts'

export const issuer = 'http://localhost:3000'

/** A process of its own on the world's database. */
export async function serve (t: Test, { services, tickets }: World): Promise<string> {
  const app = Fastify(serverOptions)
  await registerHttp(app, services)
  await registerAppApi(app, services, tickets)
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}

export interface Answer {
  status: number
  body: any
  headers: Headers
}

export interface Asked {
  method?: string
  body?: unknown
  /** Sent instead of the JSON of `body`. */
  raw?: string | Buffer
  contentType?: string | null
  scanToken?: string
  headers?: Record<string, string>
  /** Changes to the claims and the header of the proof; null leaves it out. */
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  proof?: string | null
}

export class Phone {
  readonly base: string
  readonly privateKey: webcrypto.CryptoKey
  readonly publicJwk: JWK
  readonly now: () => number

  static async make (base: string, world: Pick<World, 'services'>): Promise<Phone> {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    return new Phone(base, privateKey, await exportJWK(publicKey), () => world.services.clock.now())
  }

  constructor (base: string, privateKey: webcrypto.CryptoKey, publicJwk: JWK, now: () => number) {
    this.base = base
    this.privateKey = privateKey
    this.publicJwk = publicJwk
    this.now = now
  }

  /** The same installation, talking to another process. */
  at (base: string): Phone {
    return new Phone(base, this.privateKey, this.publicJwk, this.now)
  }

  async thumbprint (): Promise<string> {
    return await calculateJwkThumbprint(this.publicJwk)
  }

  async proof (
    method: string,
    path: string,
    body: string | Buffer | null,
    asked: Pick<Asked, 'claims' | 'header'> = {}
  ): Promise<string> {
    return await new SignJWT({
      htm: method,
      htu: `${issuer}${path}`,
      iat: Math.floor(this.now() / 1000),
      jti: randomBytes(16).toString('base64url'),
      ...(body === null ? {} : { bdh: createHash('sha256').update(body).digest('base64url') }),
      ...asked.claims
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: this.publicJwk, ...asked.header })
      .sign(this.privateKey)
  }

  async ask (path: string, asked: Asked = {}): Promise<Answer> {
    const method = asked.method ?? (asked.body === undefined && asked.raw === undefined ? 'GET' : 'POST')
    const body = asked.raw ?? (asked.body === undefined ? null : JSON.stringify(asked.body))
    const proof =
      asked.proof === undefined
        ? await this.proof(method, path.split('?')[0] ?? '', method === 'POST' ? (body ?? '') : body, asked)
        : asked.proof
    const response = await fetch(this.base + path, {
      method,
      headers: {
        ...(body !== null && asked.contentType !== null
          ? { 'content-type': asked.contentType ?? 'application/json' }
          : {}),
        ...(proof === null ? {} : { dpop: proof }),
        ...(asked.scanToken === undefined ? {} : { 'scan-token': asked.scanToken }),
        ...asked.headers
      },
      body
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
  }
}

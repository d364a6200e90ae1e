/**
 * Programs that administer: tokens by private_key_jwt as a standard library gets them, and calls with a checked shape.
 */
import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { createRequire } from 'node:module'
import { importJWK } from 'jose'
import * as openid from 'openid-client'
import type { Ajv2020 } from 'ajv/dist/2020.js'
import { write } from '../../../src/database/transaction.ts'
import { adminApiResource, adminScopes } from '../../../src/domain/administration/admin-scopes.ts'
import { createClient } from '../../../src/records/clients/index.ts'
import { demoAdminKey } from '../../../src/simulators/demo-admin.ts'
import type { Kora } from '../../support/driver/index.ts'

const require = createRequire(import.meta.url)

export const allScopes = adminScopes.join(' ')

export async function configurationOf (
  kora: Kora,
  clientId = 'demo-admin',
  jwk: JsonWebKey = demoAdminKey
): Promise<openid.Configuration> {
  const key = await importJWK(jwk as never, 'ES256')
  return await openid.discovery(
    new URL(kora.issuer),
    clientId,
    { token_endpoint_auth_signing_alg: 'ES256' },
    openid.PrivateKeyJwt({ key: key as never, ...(jwk['kid'] === undefined ? {} : { kid: String(jwk['kid']) }) }),
    { execute: [openid.allowInsecureRequests] }
  )
}

export async function tokenOf (
  kora: Kora,
  scope = allScopes,
  clientId = 'demo-admin',
  jwk: JsonWebKey = demoAdminKey
): Promise<string> {
  const answer = await openid.clientCredentialsGrant(await configurationOf(kora, clientId, jwk), {
    scope,
    resource: adminApiResource(kora.issuer)
  })
  return answer.access_token
}

/** A new machine with these admin scopes, made as the command line makes it; gives its private key. */
export async function administrator (kora: Kora, clientId: string, scopes: string[]): Promise<JsonWebKey> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const made = await write(kora.inside.services, createClient, {
    act: { actor: 'operator:test', reason: 'test', address: null, traceId: null },
    content: {
      kind: 'machine',
      metadata: {
        jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: clientId }] },
        token_endpoint_auth_signing_alg: 'ES256'
      },
      policy: { names: { 'zh-CN': clientId }, adminScopes: scopes }
    },
    clientId,
    status: 'live',
    approved: true
  })
  if (made.outcome !== 'created') throw new Error(JSON.stringify(made))
  return { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', kid: clientId }
}

export interface ApiAnswer {
  status: number
  headers: Headers
  body: any
}

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>
}
export interface Description {
  paths: Record<string, Record<string, Operation>>
  components: object
}

/** Calls, and checks every answer against the served description. */
export class AdminApi {
  readonly kora: Kora
  readonly token: string | null
  readonly description: Description
  readonly faults: string[] = []
  readonly seen = new Set<string>()
  private readonly ajv: Ajv2020

  constructor (kora: Kora, token: string | null, description: Description) {
    this.kora = kora
    this.token = token
    this.description = description
    const { Ajv2020: Validator } = require('ajv/dist/2020.js') as { Ajv2020: new (options: object) => Ajv2020 }
    this.ajv = new Validator({ strict: false, allErrors: true })
    require('ajv-formats').default(this.ajv)
    this.ajv.addSchema(description, 'api')
  }

  static async open (kora: Kora, token: string | null = null): Promise<AdminApi> {
    const description = (await (await fetch(`${kora.issuer}/admin/api/v1/openapi.json`)).json()) as Description
    return new AdminApi(kora, token ?? (await tokenOf(kora)), description)
  }

  as (token: string | null): AdminApi {
    return new AdminApi(this.kora, token, this.description)
  }

  async call (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> {
    const response = await fetch(`${this.kora.issuer}/admin/api/v1${path}`, {
      method,
      headers: {
        ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method === 'GET' ? {} : { 'kora-reason': 'test' }),
        ...headers
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
    })
    const text = await response.text()
    const parsed: unknown = text === '' ? null : JSON.parse(text)
    this.check(method, path, response, parsed)
    return { status: response.status, headers: response.headers, body: parsed }
  }

  private check (method: string, path: string, response: Response, body: unknown): void {
    const what = `${method} ${path} → ${response.status}`
    if (response.headers.get('cache-control') !== 'no-store') this.faults.push(`${what}: may be stored`)
    if (response.headers.has('access-control-allow-origin')) this.faults.push(`${what}: CORS`)
    const parts = path.split('?')[0]?.split('/') ?? []
    const template = Object.keys(this.description.paths)
      .filter(
        (one) =>
          one.split('/').length === parts.length &&
          one.split('/').every((part, at) => part.startsWith('{') || part === parts[at])
      )
      .sort((a, b) => a.split('{').length - b.split('{').length)[0]
    const operation = template === undefined ? undefined : this.description.paths[template]?.[method.toLowerCase()]
    if (template === undefined || operation === undefined) return
    this.seen.add(`${method} ${template} ${response.status}`)
    const described = operation.responses[String(response.status)]
    if (described === undefined) {
      this.faults.push(`${what}: not described`)
      return
    }
    const type = response.headers.get('content-type')?.split(';')[0] ?? ''
    if (described.content === undefined) {
      if (body !== null) this.faults.push(`${what}: a body`)
      return
    }
    if (described.content[type] === undefined) {
      this.faults.push(`${what}: content type ${type}`)
      return
    }
    const pointer = [
      'paths',
      template,
      method.toLowerCase(),
      'responses',
      String(response.status),
      'content',
      type,
      'schema'
    ]
      .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
      .join('/')
    const validate = this.ajv.getSchema(`api#/${pointer}`)
    if (validate === undefined) {
      this.faults.push(`${what}: no schema`)
      return
    }
    if (validate(body) !== true) this.faults.push(`${what}: ${JSON.stringify(validate.errors?.slice(0, 3))}`)
  }
}

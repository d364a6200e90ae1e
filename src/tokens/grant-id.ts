/**
 * Grants without a row. What a grant allows is written into its identifier and authenticated with a
 * keyed digest, so issuing, redeeming, refreshing and introspecting read and write no grant:
 *
 *   `g1.<base64url of JSON>.<keyed digest>`
 *
 * Revoking a grant deletes everything issued under it (`grant_hash`). Nothing else can bring it back:
 * an authorization request never reuses a grant (a fresh one is made for each request), sessions do not
 * keep grant identifiers, and a token is only inserted while the code or refresh token it comes from
 * still exists (artifact-repository). Hence no tombstones.
 *
 * The identifier is no credential: no endpoint takes it.
 */
import { newIdentifier } from '../domain/identifier.ts'
import type { FieldCrypto } from '../database/field-crypto.ts'

/** Whom the person represents in this grant; `id` is what `revokeContext` ends. Must be JSON. */
export interface GrantContext {
  id: string
  [member: string]: unknown
}

type Detail = { type: string; [member: string]: unknown }

/** What the provider knows of a grant, by the names of its payload. */
export type GrantPayload = {
  jti: string
  kind: 'Grant'
  iat: number
  exp: number
  accountId: string
  clientId: string
  openid?: { scope?: string; claims?: string[] }
  resources?: Record<string, string>
  rejected?: { openid?: { scope?: string; claims?: string[] } }
  rar?: Detail[]
}

export interface GrantInput {
  accountId: string
  clientId: string
  /** OIDC scopes granted, separated by spaces. */
  scope: string
  /** OIDC scopes that are not to be asked for again, although they are not granted. */
  rejectedScope?: string
  /** Single claims granted through the `claims` parameter. */
  claims?: string[]
  rejectedClaims?: string[]
  /** Scopes granted at each resource server (RFC 8707). */
  resources?: Record<string, string>
  /** Authorization details granted (RFC 9396). */
  rar?: Detail[]
  context?: GrantContext
  /** Default: a refresh token's 30 days and an hour. */
  ttlSeconds?: number
}

/** The part of the library's Grant payload that the identifier carries, under short names. */
interface Carried {
  a: string
  c: string
  i: number
  e: number
  o?: { scope?: string; claims?: string[] }
  r?: Record<string, string>
  j?: { openid?: { scope?: string; claims?: string[] } }
  d?: Detail[]
  x?: GrantContext
}

export type Mac = Pick<FieldCrypto, 'mac'>
type Verify = Pick<FieldCrypto, 'verifyMac'>

const version = 'g1'
const purpose = 'oidc grant'
const defaultTtl = 30 * 86_400 + 3_600

/** The payload of a new grant; its `jti` is the identifier that carries everything. */
export function newGrantPayload (crypto: Mac, input: GrantInput): GrantPayload {
  const now = Math.floor(Date.now() / 1000)
  const openid = present(input.scope, input.claims)
  const rejected = present(input.rejectedScope ?? '', input.rejectedClaims)
  const resources = Object.entries(input.resources ?? {}).filter(([, scope]) => scope !== '')
  const carried: Carried = {
    a: input.accountId,
    c: input.clientId,
    i: now,
    e: now + (input.ttlSeconds ?? defaultTtl),
    ...(openid ? { o: openid } : {}),
    ...(rejected ? { j: { openid: rejected } } : {}),
    ...(resources.length > 0 ? { r: Object.fromEntries(resources) } : {}),
    ...(input.rar?.length ? { d: input.rar } : {}),
    ...(input.context ? { x: input.context } : {})
  }
  // the random part makes each grant revocable by itself
  const body = `${Buffer.from(JSON.stringify(carried)).toString('base64url')}.${newIdentifier(12)}`
  const id = `${version}.${body}.${crypto.mac(purpose, body)}`
  return toPayload(id, carried)
}

/**
 * The payload of a grant; undefined when its identifier was not made with these keys.
 *
 * @param verified identifiers whose digest was verified already: a request asks for the same grant several times
 */
export function grantPayload (crypto: Verify, id: string, verified?: Set<string>): GrantPayload | undefined {
  const carried = open(crypto, id, verified)
  return carried && toPayload(id, carried)
}

/** Whom a grant is for, and the authorization details granted with it; undefined when the identifier is not ours. */
export function grantFacts (
  crypto: Verify,
  id: string | undefined,
  verified?: Set<string>
): { context?: GrantContext; rar?: Detail[] } | undefined {
  const carried = id === undefined ? undefined : open(crypto, id, verified)
  return carried && { ...(carried.x ? { context: carried.x } : {}), ...(carried.d ? { rar: carried.d } : {}) }
}

/** The representation context of a grant; undefined when it has none, or the identifier is not ours. */
export function grantContext (
  crypto: Verify,
  id: string | undefined,
  verified?: Set<string>
): GrantContext | undefined {
  return id === undefined ? undefined : open(crypto, id, verified)?.x
}

function open (crypto: Verify, id: string, verified?: Set<string>): Carried | undefined {
  const [head, json, random, mac, ...rest] = id.split('.')
  if (head !== version || json === undefined || random === undefined || mac === undefined || rest.length > 0) {
    return undefined
  }
  if (verified?.has(id) !== true) {
    if (!crypto.verifyMac(purpose, `${json}.${random}`, mac)) return undefined
    verified?.add(id)
  }
  return JSON.parse(Buffer.from(json, 'base64url').toString()) as Carried
}

function toPayload (id: string, carried: Carried): GrantPayload {
  return {
    jti: id,
    kind: 'Grant',
    iat: carried.i,
    exp: carried.e,
    accountId: carried.a,
    clientId: carried.c,
    ...(carried.o ? { openid: carried.o } : {}),
    ...(carried.r ? { resources: carried.r } : {}),
    ...(carried.j ? { rejected: carried.j } : {}),
    ...(carried.d ? { rar: carried.d } : {})
  }
}

function present (scope: string, claims: string[] | undefined): { scope?: string; claims?: string[] } | undefined {
  if (scope === '' && !claims?.length) return undefined
  return { ...(scope === '' ? {} : { scope }), ...(claims?.length ? { claims } : {}) }
}

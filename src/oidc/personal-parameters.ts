/**
 * Parameters of a request that can name a person (`login_hint`, `id_token_hint`, values in `claims`) are stored
 * encrypted: rows, the write-ahead log and backups hold none of them in clear (GB/T 35273 6.3).
 *
 * All others stay where they are, so a process of the former version still finds them during an upgrade.
 */
import type { FieldCrypto } from '../database/field-crypto.ts'
import { isPersonalParameter } from '../domain/login/personal-parameter.ts'
import { decryptPart, encryptPart } from '../tokens/artifact-repository.ts'

type Payload = Record<string, unknown>

const member = 'personal'

interface Members {
  params?: Payload
  request?: unknown
  prompt?: Prompt
  claims?: unknown
}

/** Why the library asks the person. */
interface Prompt {
  details?: Payload
}

const copied = new Set(['login_hint', 'id_token_hint', 'claims', 'sub'])

/** What is encrypted: parameters by name, and a pushed request as a whole. */
interface Personal {
  params?: Payload
  request?: string
  /** Of a code or token: what was asked for with it. */
  claims?: unknown
}

/** @param id as stored */
export function sealPersonal<T extends Payload> (crypto: FieldCrypto, id: string, payload: T): T {
  const personal: Personal = {}
  const { [member]: _former, ...sealed } = payload
  const { params, request, prompt, claims } = sealed as Members
  // the library copies hints there, and reads them nowhere
  if (prompt?.details !== undefined) {
    const details = Object.entries(prompt.details).filter(([name]) => !copied.has(name))
    Object.assign(sealed, { prompt: { ...prompt, details: Object.fromEntries(details) } })
  }
  if (params !== undefined) {
    const entries = Object.entries(params)
    const named = entries.filter(([name, value]) => value !== undefined && isPersonalParameter(name, value))
    if (named.length > 0) {
      personal.params = Object.fromEntries(named)
      const others = entries.filter(([name, value]) => !isPersonalParameter(name, value))
      Object.assign(sealed, { params: Object.fromEntries(others) })
    }
  }
  if (typeof request === 'string' && namesPerson(request)) {
    personal.request = request
    delete (sealed as { request?: string }).request
  }
  if (claims !== undefined && isPersonalParameter('claims', claims)) {
    personal.claims = claims
    delete (sealed as Members).claims
  }
  if (Object.keys(personal).length === 0) return sealed as unknown as T
  return { ...sealed, [member]: encryptPart(crypto, id, JSON.stringify(personal)) } as unknown as T
}

/** @param id as stored */
export function openPersonal<T extends Payload> (crypto: FieldCrypto, id: string, payload: T): T {
  const { [member]: ciphertext, ...opened } = payload
  if (typeof ciphertext !== 'string') return payload
  const { params, request, claims } = JSON.parse(decryptPart(crypto, id, ciphertext)) as Personal
  return {
    ...opened,
    ...(params === undefined ? {} : { params: { ...(opened as { params?: Payload }).params, ...params } }),
    ...(request === undefined ? {} : { request }),
    ...(claims === undefined ? {} : { claims })
  } as unknown as T
}

/** A pushed request is kept as a request object (RFC 9126 §3); one that cannot be read may hold anything. */
function namesPerson (request: string): boolean {
  try {
    const claims = JSON.parse(Buffer.from(request.split('.')[1] ?? '', 'base64url').toString()) as Payload
    return Object.entries(claims).some(
      ([name, value]) => !ofRequestObject.has(name) && isPersonalParameter(name, value)
    )
  } catch {
    return true
  }
}

/** RFC 7519 §4.1 */
const ofRequestObject = new Set(['iss', 'aud', 'exp', 'nbf', 'iat', 'jti'])

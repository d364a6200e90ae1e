/**
 * The one validation of a resource server, with every fault at once: for console, admin API, command line and file.
 */
import { adminApiResource, adminScopes } from '../administration/admin-scopes.ts'
import { scopes as identityScopes } from '../claims/claims.ts'
import { createReport, isObject, readers, step, type ClientFault } from '../client/faults.ts'
import { locales } from '../locale.ts'
import {
  resourceSigningAlgs,
  tokenFormats,
  tokenSeconds,
  type LocalTexts,
  type ResourceServerContent
} from './record.ts'

const maximumApiScopes = 50
const scopeName = /^[a-zA-Z][\w.:/-]{0,63}$/
/** Scopes with a meaning at Kora itself; at an API they would be asked for by a client that means the other one. */
const takenScopes: readonly string[] = [...identityScopes, 'offline_access', ...adminScopes]

/** In the order in which they are written out. */
export const resourceServerMembers = [
  'names',
  'scopes',
  'tokenFormat',
  'signingAlg',
  'ttlSeconds',
  'minimumLevel'
] as const satisfies ReadonlyArray<keyof ResourceServerContent>

/** The fault of an identifier, or null. It is what `resource` and `aud` are compared with, character by character. */
export function resourceIdentifierFault (identifier: unknown, issuer: string): ClientFault | null {
  const fault = (code: string, expected: string): ClientFault => ({
    field: '/identifier',
    code,
    received: typeof identifier === 'string' ? identifier.slice(0, 200) : '',
    expected
  })
  if (typeof identifier !== 'string' || identifier === '') return fault('missing', 'https://… | urn:…')
  if (identifier.length > 200) return fault('too_long', '≤ 200')
  // RFC 8707 §2: an absolute URI without fragment
  if (!/^[a-z][a-z0-9+.-]*:[!-~]+$/.test(identifier) || identifier.includes('#') || !URL.canParse(identifier)) {
    return fault('not_a_uri', 'https://… | urn:…')
  }
  const isOwn = identifier === issuer || identifier.startsWith(`${issuer}/`) || identifier === adminApiResource(issuer)
  return isOwn ? fault('own_origin', 'https://… | urn:…') : null
}

type Validated = { ok: true; content: ResourceServerContent } | { ok: false; faults: ClientFault[] }

export function validateResourceServer (input: unknown): Validated {
  const { faults, report } = createReport()
  const read = readers(report)
  if (!isObject(input)) {
    report('', 'not_an_object', input, '{"names": …, "scopes": …}')
    return { ok: false, faults }
  }
  read.known('', input, resourceServerMembers)
  const texts = (field: string, value: unknown, maximum: number): LocalTexts => {
    if (!isObject(value)) {
      report(field, value === undefined ? 'missing' : 'not_an_object', value, '{"zh-CN": …}')
      return {}
    }
    read.known(field, value, locales)
    return Object.fromEntries(
      locales.flatMap((locale) => {
        const text = read.text(field + step(locale), value[locale], maximum, locale === 'zh-CN')
        return text === undefined ? [] : [[locale, text]]
      })
    )
  }
  const names = texts('/names', input['names'], 60)
  const scopes: Record<string, LocalTexts> = {}
  if (!isObject(input['scopes']) || Object.keys(input['scopes']).length === 0) {
    report('/scopes', 'missing', input['scopes'], '{"area:read": {"zh-CN": …}}')
  } else {
    const entries = Object.entries(input['scopes'])
    if (entries.length > maximumApiScopes) report('/scopes', 'too_many', entries.length, `≤ ${maximumApiScopes}`)
    for (const [name, value] of entries.slice(0, maximumApiScopes)) {
      const field = '/scopes' + step(name)
      if (!scopeName.test(name)) report(field, 'not_a_scope', name, 'area:read')
      else if (takenScopes.includes(name)) report(field, 'name_taken', name, 'area:read')
      scopes[name] = texts(field, value, 100)
    }
  }
  const tokenFormat = read.one('/tokenFormat', input['tokenFormat'] ?? 'opaque', tokenFormats)
  const signingAlg = read.one('/signingAlg', input['signingAlg'] ?? 'ES256', resourceSigningAlgs)
  const most = tokenSeconds[tokenFormat ?? 'opaque']
  const ttlSeconds = input['ttlSeconds'] ?? Math.min(600, most)
  read.whole('/ttlSeconds', ttlSeconds, tokenSeconds.least, most)
  const minimumLevel = input['minimumLevel'] ?? null
  if (minimumLevel !== null) read.one('/minimumLevel', minimumLevel as number, [1, 2, 3, 4])
  if (faults.length > 0 || tokenFormat === undefined || signingAlg === undefined) return { ok: false, faults }
  return {
    ok: true,
    content: {
      names: { ...names, 'zh-CN': names['zh-CN'] ?? '' },
      scopes,
      tokenFormat,
      signingAlg,
      ttlSeconds: ttlSeconds as number,
      minimumLevel: minimumLevel as ResourceServerContent['minimumLevel']
    }
  }
}

/** What a client registers about its certificate (RFC 8705 §2.1.2, §2.2.2, §3.4). */
import { X509Certificate, createPublicKey, type JsonWebKey } from 'node:crypto'
import { isIP } from 'node:net'
import { isObject, step } from './faults.ts'
import type { Part } from './metadata.ts'

/** The names of which `tls_client_auth` has exactly one. */
export const certificateNames = [
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email'
] as const

export const certificateMembers = [...certificateNames, 'tls_client_certificate_bound_access_tokens'] as const

const methods: readonly unknown[] = ['tls_client_auth', 'self_signed_tls_client_auth']

/** Whether a client proves itself by a key that Kora does not know. */
export const provesByKey = (method: unknown): boolean => method === 'private_key_jwt' || methods.includes(method)

/**
 * RFC 4514 (§2.1: from the last element to the first) from the form of Node: a line for each element, values escaped.
 * Null for elements with several values, whose order is not defined.
 */
export function parseDistinguishedName (subject: string): string | null {
  const lines = subject.split('\n').filter((line) => line !== '')
  if (lines.length === 0 || lines.some((line) => / \+ /.test(line.replaceAll(/\\./g, '')))) return null
  return lines.reverse().join(',')
}

// types as OpenSSL abbreviates them; values with the escapes of RFC 4514 §2.4
const distinguishedName =
  /^(?:(?:CN|OU|O|L|ST|C|DC|UID|SN|GN|street|postalCode|serialNumber|organizationIdentifier|emailAddress)=(?:[^,+"\\<>;=#\s]|\\.)(?:[^,+"\\<>;\n]|\\.)*(?:,(?=[A-Za-z])|$))+$/u

const rules: Readonly<
  Record<(typeof certificateNames)[number], { right: (value: string) => boolean; expected: string }>
> = {
  tls_client_auth_subject_dn: {
    right: (value) => distinguishedName.test(value) && !/\s(?:,|$)/.test(value),
    expected: 'CN=…,O=…,C=CN'
  },
  tls_client_auth_san_dns: {
    right: (value) => /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]+$/.test(value),
    expected: 'client.example.gov.cn'
  },
  tls_client_auth_san_uri: { right: (value) => /^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(value), expected: 'urn:…' },
  tls_client_auth_san_ip: { right: (value) => isIP(value) !== 0, expected: '10.1.2.3' },
  tls_client_auth_san_email: { right: (value) => /^[^@\s]+@[^@\s]+$/.test(value), expected: 'name@example.gov.cn' }
}

/** Reports what is wrong with these members, each by itself. */
export function checkCertificates ({ metadata, rules: { authMethods }, report, read, field }: Part): void {
  const method = metadata['token_endpoint_auth_method']
  const bound = read.flag(
    field('tls_client_certificate_bound_access_tokens'),
    metadata['tls_client_certificate_bound_access_tokens']
  )
  if (bound === true && !authMethods.includes('self_signed_tls_client_auth')) {
    report(field('tls_client_certificate_bound_access_tokens'), 'not_offered', bound, 'MTLS_CERT_HEADER')
  }
  if (bound === true && metadata['dpop_bound_access_tokens'] === true) {
    report(
      field('tls_client_certificate_bound_access_tokens'),
      'either_or',
      bound,
      'dpop_bound_access_tokens | tls_client_certificate_bound_access_tokens'
    )
  }
  const given = certificateNames.filter((name) => metadata[name] !== undefined)
  for (const name of given) {
    const value = read.text(field(name), metadata[name], 400)
    if (method !== 'tls_client_auth') {
      report(field(name), 'needs', metadata[name], 'token_endpoint_auth_method=tls_client_auth')
    } else if (value !== undefined && !rules[name].right(value)) {
      report(field(name), 'not_text', value, rules[name].expected)
    }
  }
  if (method === 'tls_client_auth' && given.length === 0) {
    report(field('tls_client_auth_subject_dn'), 'missing', undefined, certificateNames.join(' | '))
  }
  for (const name of given.slice(1)) report(field(name), 'either_or', metadata[name], given[0] ?? '')
  if (method === 'self_signed_tls_client_auth') checkSelfSigned(metadata, report, field)
}

/** RFC 8705 §2.2.2: the certificate is in the key set, as `x5c` of its key (RFC 7517 §4.7). */
function checkSelfSigned (metadata: Record<string, unknown>, report: Part['report'], field: Part['field']): void {
  if (metadata['jwks'] === undefined && metadata['jwks_uri'] === undefined) {
    report(field('jwks'), 'missing', undefined, '{"keys": [{…, "x5c": […]}]} | jwks_uri')
    return
  }
  const keys =
    isObject(metadata['jwks']) && Array.isArray(metadata['jwks']['keys'])
      ? (metadata['jwks']['keys'] as unknown[])
      : []
  for (const [index, key] of keys.entries()) {
    const at = `${field('jwks')}/keys${step(index)}/x5c`
    const [first] = isObject(key) && Array.isArray(key['x5c']) ? (key['x5c'] as unknown[]) : []
    if (typeof first !== 'string') report(at, 'missing', undefined, '["MII…"]')
    else if (!matchesKey(first, key)) report(at, 'not_a_key', 'x5c', 'x5c[0]')
  }
}

function matchesKey (certificate: string, key: unknown): boolean {
  try {
    return new X509Certificate(Buffer.from(certificate, 'base64')).publicKey.equals(
      createPublicKey({ key: key as JsonWebKey, format: 'jwk' })
    )
  } catch {
    return false
  }
}

/**
 * The methods of authentication by certificate, besides those that are always offered.
 * @param mtls how a trusted proxy passes on the certificate; null = it does not
 */
export const certificateMethods = (
  mtls: { verifyHeader: string | null } | null
): readonly ('self_signed_tls_client_auth' | 'tls_client_auth')[] =>
  mtls === null
    ? []
    : mtls.verifyHeader === null
      ? ['self_signed_tls_client_auth']
      : ['self_signed_tls_client_auth', 'tls_client_auth']

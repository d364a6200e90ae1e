/**
 * Certificates of clients (mutual TLS, RFC 8705). Kora stands behind a proxy that ends TLS. The proxy requests the
 * certificate, verifies that the client has its key, and sets headers about it on every request. Kora reads these
 * headers only when the request comes from the address of a trusted proxy.
 */
import { X509Certificate } from 'node:crypto'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { parseDistinguishedName } from '../domain/client/certificate.ts'
import type { Config } from '../ports/config.ts'
import { proxyTrust } from '../http/client-address.ts'

export type MtlsConfig = NonNullable<Config['mtls']>

/** Characters of the longest header that is read, four times the length of usual certificates. */
const maximumHeader = 16_384

/** nginx `$ssl_client_escaped_cert` (PEM, percent-encoded), or the byte sequence of RFC 9440 §2.1. Null: neither. */
export function readCertificate (header: string): X509Certificate | null {
  if (header.length > maximumHeader) return null
  try {
    const sequence = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(header)?.[1]
    if (sequence !== undefined) return new X509Certificate(Buffer.from(sequence, 'base64'))
    const pem = decodeURIComponent(header).trim()
    // exactly one: of several, nothing says which one the proxy has verified
    return /^-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----$/.test(pem)
      ? new X509Certificate(pem)
      : null
  } catch {
    return null
  }
}

/** Whether the certificate has this registered name (RFC 8705 §2.1.2). Compared exactly, without wildcards. */
export function subjectMatches (certificate: X509Certificate, property: string, expected: string): boolean {
  switch (property) {
    case 'tls_client_auth_subject_dn':
      return parseDistinguishedName(certificate.subject) === expected
    case 'tls_client_auth_san_dns':
      return namesIn(certificate.subjectAltName, 'DNS').includes(expected)
    case 'tls_client_auth_san_uri':
      return namesIn(certificate.subjectAltName, 'URI').includes(expected)
    case 'tls_client_auth_san_ip':
      return certificate.checkIP(expected) !== undefined
    case 'tls_client_auth_san_email':
      return namesIn(certificate.subjectAltName, 'email').includes(expected)
    default:
      return false
  }
}

/** Node writes `DNS:a, URI:b`, and quotes values that contain a comma or another separator. */
export function namesIn (alternatives: string | undefined, type: string): string[] {
  const entries = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y
  const names: string[] = []
  const text = alternatives ?? ''
  while (entries.lastIndex < text.length) {
    const at = entries.lastIndex
    const found = entries.exec(text)
    if (found === null || entries.lastIndex === at) return []
    const [, kind, value = ''] = found
    if (kind === type) names.push(value.startsWith('"') ? (JSON.parse(value) as string) : value)
  }
  return names
}

/** The settings of the feature. */
export function clientCertificates ({ certHeader, verifyHeader }: MtlsConfig, trustedProxies: readonly string[]) {
  const trusted = proxyTrust(trustedProxies)
  const header = (ctx: KoaContextWithOIDC, name: string): string | undefined => {
    const value = trusted(ctx.req.socket.remoteAddress) ? ctx.req.headers[name] : undefined
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const readRequestCertificate = (ctx: KoaContextWithOIDC): X509Certificate | undefined => {
    const value = header(ctx, certHeader)
    return value === undefined ? undefined : (readCertificate(value) ?? undefined)
  }
  return {
    enabled: true,
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: true,
    tlsClientAuth: verifyHeader !== null,
    getCertificate: readRequestCertificate,
    certificateAuthorized: (ctx: KoaContextWithOIDC): boolean =>
      verifyHeader !== null && header(ctx, verifyHeader) === 'SUCCESS',
    certificateSubjectMatches: (ctx: KoaContextWithOIDC, property: string, expected: string): boolean => {
      const certificate = readRequestCertificate(ctx)
      return certificate !== undefined && subjectMatches(certificate, property, expected)
    }
  }
}

/** Reading what a proxy says of a certificate, and comparing names (RFC 8705 §2.1.2, RFC 9440). */
import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { ConfigError, loadConfig } from '../../src/config.ts'
import { parseDistinguishedName } from '../../src/domain/client/certificate.ts'
import { namesIn, readCertificate, subjectMatches } from '../../src/oidc/client-certificates.ts'
import { certificates } from '../support/certificates.ts'

t.test('headers: percent-encoded PEM, or a byte sequence; one certificate, nothing else', async (t) => {
  const { raw, serialNumber } = new X509Certificate(certificates.site)
  const sequence = `:${raw.toString('base64')}:`
  t.same(
    [encodeURIComponent(certificates.site), encodeURIComponent(`${certificates.site}\n`), sequence].map(
      (header) => readCertificate(header)?.serialNumber
    ),
    [serialNumber, serialNumber, serialNumber]
  )
  for (const header of [
    '',
    ':',
    '::',
    '(null)',
    '%',
    '%E0%A4%A',
    ':AAAA:',
    `${sequence}, ${sequence}`,
    encodeURIComponent(`${certificates.site}\n${certificates.evil}`),
    encodeURIComponent(`x${certificates.site}`),
    certificates.site.replaceAll('CERTIFICATE', 'PUBLIC KEY'),
    raw.toString('base64'),
    `:${'A'.repeat(20_000)}:`
  ]) {
    t.equal(readCertificate(header), null, header.slice(0, 40))
  }
})

t.test('the subject as RFC 4514 writes it', async (t) => {
  t.equal(
    parseDistinguishedName(new X509Certificate(certificates.site).subject),
    'CN=tax-client,O=西藏示例\\, 公司,C=CN'
  )
  t.equal(
    parseDistinguishedName(new X509Certificate(certificates.multi).subject),
    null,
    'several values in one element'
  )
  t.equal(parseDistinguishedName('O=a \\+ CN=b'), 'O=a \\+ CN=b', 'a plus within a value is none')
  t.equal(parseDistinguishedName(''), null)
})

t.test('alternative names: quoted ones do not break out of their value', async (t) => {
  const text = 'DNS:a.gov.cn, URI:"urn:x, DNS:b.gov.cn", IP Address:10.1.2.3, email:ops@a.gov.cn, DNS:c.gov.cn'
  t.same(namesIn(text, 'DNS'), ['a.gov.cn', 'c.gov.cn'])
  t.same(namesIn(text, 'URI'), ['urn:x, DNS:b.gov.cn'])
  t.same(namesIn(text, 'email'), ['ops@a.gov.cn'])
  t.same(namesIn(undefined, 'DNS'), [])
  t.same(namesIn('DNS:a.gov.cn, "nonsense', 'DNS'), [], 'what cannot be read as a whole has no names')
  const evil = new X509Certificate(certificates.evil)
  t.equal(subjectMatches(evil, 'tls_client_auth_san_dns', 'client.tax.example.gov.cn'), false, 'a wildcard is no name')
  t.equal(subjectMatches(evil, 'something_else', ''), false)
})

t.test('settings: every fault in words', async (t) => {
  const faults = (env: Record<string, string>): string[] => {
    try {
      loadConfig({ NODE_ENV: 'test', ...env })
      return []
    } catch (error) {
      return (error as ConfigError).faults
    }
  }
  t.equal(loadConfig({ NODE_ENV: 'test' }).mtls, null)
  t.same(loadConfig({ NODE_ENV: 'test', TRUSTED_PROXIES: '10.0.0.1', MTLS_CERT_HEADER: 'Client-Cert' }).mtls, {
    certHeader: 'client-cert',
    verifyHeader: null,
    origin: null
  })
  t.match(faults({ MTLS_CERT_HEADER: 'X-Cert' }), [/needs TRUSTED_PROXIES/])
  t.match(faults({ MTLS_VERIFY_HEADER: 'X-Verify' }), [/need MTLS_CERT_HEADER/])
  t.match(faults({ TRUSTED_PROXIES: '10.0.0.1', MTLS_CERT_HEADER: 'X Cert' }), [/not the name of a header/])
  t.match(faults({ TRUSTED_PROXIES: '10.0.0.1', MTLS_CERT_HEADER: 'X-A', MTLS_VERIFY_HEADER: 'x-a' }), [
    /must be different/
  ])
  t.match(faults({ TRUSTED_PROXIES: '10.0.0.1', MTLS_CERT_HEADER: 'X-A', MTLS_ORIGIN: 'http://mtls.example/x' }), [
    /must be an https/
  ])
})

/** Headers of a change: the reason, and the version that it is based on. */
import type { FastifyRequest } from 'fastify'
import { cleanLine } from '../../domain/plain-text.ts'
import { Problem } from './problems.ts'

const maximumReason = 200

/** Member `reason` of the body, else the header Kora-Reason. @throws Problem `reason_required`, `invalid_fields` */
export function readReason (request: FastifyRequest): string {
  const member = (request.body as { reason?: unknown } | undefined)?.reason
  const refused = (code: string, expected: string): Problem =>
    new Problem('invalid_fields', { faults: [{ field: '/reason', code, received: '', expected }] })
  if (member !== undefined && typeof member !== 'string') throw refused('not_text', 'text')
  const given = (member ?? headerText(request.headers['kora-reason'])).trim()
  const words = cleanLine(given).trim()
  if (words === '') {
    throw new Problem('reason_required', {
      faults: [{ field: '/reason', code: 'required', received: '', expected: `1–${maximumReason}` }]
    })
  }
  if (words.length > maximumReason) throw refused('too_long', `≤ ${maximumReason}`)
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(given) || !given.isWellFormed()) throw refused('unsafe_text', 'text')
  return words
}

/** Header values are bytes: what is not ASCII comes percent-encoded, or as UTF-8 that was read as Latin-1. */
function headerText (value: string | string[] | undefined): string {
  if (typeof value !== 'string') return ''
  try {
    if (/%[0-9a-f]{2}/i.test(value)) return decodeURIComponent(value)
  } catch {
    return value
  }
  const bytes = Buffer.from(value, 'latin1')
  return bytes.toString('utf8').includes('\ufffd') ? value : bytes.toString('utf8')
}

/**
 * The version named by If-Match (RFC 9110 §13.1.1): exactly one strong tag. @throws Problem `version_required` (RFC
 * 6585 §3)
 */
export function readVersion (request: FastifyRequest): number {
  const tag = /^"(\d{1,9})"$/.exec(String(request.headers['if-match'] ?? '').trim())
  if (tag === null) throw new Problem('version_required')
  return Number(tag[1])
}

import { compactVerify, importJWK, type JWK } from 'jose'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import { isChainHash, isGenuine, type SealedRow } from './canonical.ts'
import { trailerType, type ExportTrailer } from './export.ts'

/**
 * unreadable: a line is no event · altered: an event does not fit the one before it · missing: one is gone from the
 * middle · truncated: the end is gone, with or without the trailer · forged: the signature is not of a key we were
 * given, or of other events.
 */
export interface ExportFault {
  kind: 'unreadable' | 'altered' | 'missing' | 'truncated' | 'forged'
  line: number
  sequence: number | null
}

export type ExportVerification =
  | {
    ok: true
    trailer: ExportTrailer
    events: number
    kid: string
    signature: 'valid' | 'unchecked'
    contents: 'valid' | 'unchecked'
  }
  | { ok: false; fault: ExportFault; checked: number }

/**
 * Checks an exported or archived file, line by line. Needs no database.
 * @param means keys: a trusted key set (without it the signature stays unchecked); crypto: the master key, with which
 * the MAC of every event is checked too
 */
export async function verifyExport (
  lines: AsyncIterable<string> | Iterable<string>,
  means: { keys?: readonly JWK[]; crypto?: Pick<FieldCrypto, 'verifyMac'>; onProgress?: (events: number) => void } = {}
): Promise<ExportVerification> {
  let number = 0
  let checked = 0
  let first: SealedRow | undefined
  let last: SealedRow | undefined
  let end: { trailer: ExportTrailer; jws: string } | undefined
  const fail = (kind: ExportFault['kind'], sequence: number | null): ExportVerification => ({
    ok: false,
    fault: { kind, line: number, sequence },
    checked
  })

  for await (const line of lines) {
    number += 1
    if (line === '') continue
    const value = parse(line)
    // nothing may follow the trailer
    if (value === null || end !== undefined) return fail('unreadable', null)
    if ('jws' in value) {
      end = value as { trailer: ExportTrailer; jws: string }
      continue
    }
    const row = value as unknown as SealedRow
    if (!isRow(row)) return fail('unreadable', null)
    const expected = last === undefined ? row.sequence : last.sequence + 1
    if (row.sequence !== expected) return fail('missing', expected)
    if (last !== undefined && row.previousHash !== last.hash) return fail('altered', row.sequence)
    if (!isChainHash(row.hash, row, row)) return fail('altered', row.sequence)
    if (means.crypto !== undefined && !isGenuine(means.crypto, row)) return fail('altered', row.sequence)
    first ??= row
    last = row
    checked += 1
    if (checked % 1000 === 0) means.onProgress?.(checked)
  }
  if (end === undefined) return fail('truncated', last === undefined ? null : last.sequence + 1)
  const signed = await verifyTrailer(end.jws, means.keys)
  if (signed === null || JSON.stringify(signed.trailer) !== JSON.stringify(end.trailer)) return fail('forged', null)
  const { trailer, kid, signature } = signed
  if (first === undefined || last === undefined) return fail('missing', trailer.from)
  if (first.sequence !== trailer.from) return fail('missing', trailer.from)
  if (last.sequence !== trailer.to) return fail('truncated', last.sequence + 1)
  if (last.hash !== trailer.hash || first.previousHash !== trailer.previousHash) return fail('forged', trailer.to)
  return {
    ok: true,
    trailer,
    events: checked,
    kid,
    signature,
    contents: means.crypto === undefined ? 'unchecked' : 'valid'
  }
}

function parse (line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

const isRow = (row: Partial<SealedRow>): boolean =>
  Number.isInteger(row.sequence) &&
  typeof row.hash === 'string' &&
  typeof row.previousHash === 'string' &&
  typeof row.mac === 'string' &&
  typeof row.type === 'string' &&
  typeof row.details === 'object' &&
  row.details !== null

async function verifyTrailer (
  jws: unknown,
  keys: readonly JWK[] | undefined
): Promise<{ trailer: ExportTrailer; kid: string; signature: 'valid' | 'unchecked' } | null> {
  try {
    const [header = '', payload = ''] = String(jws).split('.')
    const { kid, alg, typ } = JSON.parse(Buffer.from(header, 'base64url').toString()) as {
      kid: string
      alg: string
      typ: string
    }
    if (alg !== 'ES256' || typ !== trailerType) return null
    const trailer = JSON.parse(Buffer.from(payload, 'base64url').toString()) as ExportTrailer
    if (keys === undefined) return { trailer, kid, signature: 'unchecked' }
    const key = keys.find((one) => one.kid === kid)
    if (key === undefined) return null
    await compactVerify(String(jws), await importJWK(key, 'ES256'), { algorithms: ['ES256'] })
    return { trailer, kid, signature: 'valid' }
  } catch {
    return null
  }
}

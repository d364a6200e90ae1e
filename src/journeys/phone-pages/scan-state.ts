/**
 * What a phone's browser keeps about the scan it is in: one HttpOnly cookie for each ticket, seen under /v only.
 * It is not signed, because nothing in it is trusted: the token is looked up, the digest is computed again,
 * the check must be the ticket's own, and the rest only words a page.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../../ports/config.ts'

export interface ScanState {
  scanToken: string
  /**
   * The scan was made by the bound browser; a browser that was bound in another window meanwhile does not count for
   * this ticket.
   */
  byDevice: boolean
  /** The number of steps at the scan, for 第 1 步，共 2 步. */
  steps: number
  /** Digest of what the person accepted; '' before. */
  digest: string
  /** The face check under way; '' when none is. */
  checkId: string
  /** Last face reason, or CANCELLED; '' when none. */
  reason: string
}

const pattern = /^([\w-]{43})\.([dn])([0-9])\.([\w-]{0,128})\.([\w-]{0,64})\.([A-Z_]{0,40})$/
const seconds = 15 * 60
const secure = (config: Pick<Config, 'issuer'>): boolean => config.issuer.startsWith('https:')

export const isTicketId = (id: string): boolean => /^[\w-]{10,64}$/.test(id)

const cookieName = (config: Pick<Config, 'issuer'>, ticketId: string): string =>
  `${secure(config) ? '__Secure-' : ''}kora_scan_${ticketId}`

/** Null for a browser that has no part in this ticket. */
export function readScanState (
  config: Pick<Config, 'issuer'>,
  request: FastifyRequest,
  ticketId: string
): ScanState | null {
  if (!isTicketId(ticketId)) return null
  const [, scanToken = '', by, steps, digest = '', checkId = '', reason = ''] =
    pattern.exec(request.cookies[cookieName(config, ticketId)] ?? '') ?? []
  return scanToken === '' ? null : { scanToken, byDevice: by === 'd', steps: Number(steps), digest, checkId, reason }
}

interface KeepScanStateInput {
  config: Pick<Config, 'issuer'>
  reply: FastifyReply
  ticketId: string
  state: ScanState
}

export function keepScanState (
  { config, reply, ticketId, state }: KeepScanStateInput
): void {
  const { scanToken, byDevice, steps, digest, checkId, reason } = state
  const value = [
    scanToken,
    `${byDevice ? 'd' : 'n'}${Math.min(steps, 9)}`,
    digest,
    checkId,
    /^[A-Z_]{0,40}$/.test(reason) ? reason : 'OTHER'
  ].join('.')
  reply.setCookie(cookieName(config, ticketId), value, {
    httpOnly: true,
    sameSite: 'lax',
    secure: secure(config),
    path: '/v',
    maxAge: seconds
  })
}

// a second press of "continue" belongs to the first one, and has only this address
const markName = 'kora_scanned'

interface MarkScannedInput {
  config: Pick<Config, 'issuer'>
  reply: FastifyReply
  payload: string
  ticketId: string
}

export function markScanned (
  { config, reply, payload, ticketId }: MarkScannedInput
): void {
  reply.setCookie(markName, ticketId, {
    httpOnly: true,
    sameSite: 'lax',
    secure: secure(config),
    path: `/q/${payload}`,
    maxAge: seconds
  })
}

export function scannedHere (request: FastifyRequest): string | null {
  const ticketId = request.cookies[markName] ?? ''
  return isTicketId(ticketId) ? ticketId : null
}

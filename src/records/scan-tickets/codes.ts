import { createHmac } from 'node:crypto'
import { payloadUrl, type CodeSecrets } from '../../domain/login/scan-ticket.ts'
import type { ScanTicketsDeps } from './deps.ts'
import type { TicketRow } from './rows.ts'

/**
 * What a ticket's code is made of. Both parts follow from the id of the ticket and a key of the server, and the row has
 * neither of them, so a reader of the database cannot scan anything. The row has the SHA-256 of the locator, for
 * look-up.
 */
export function deriveSecrets (
  deps: Pick<ScanTicketsDeps, 'crypto'>,
  ticket: Pick<TicketRow, 'id' | 'purpose'>
): CodeSecrets {
  const locator = createHmac('sha256', deps.crypto.secretKey('scan-ticket locator'))
    .update(ticket.id)
    .digest()
    .subarray(0, 12)
  const key = createHmac('sha256', deps.crypto.secretKey('scan-ticket code')).update(ticket.id).digest()
  return { locator, key, purpose: ticket.purpose }
}

/** The address that the picture holds now. */
export const buildPayload = (
  deps: Pick<ScanTicketsDeps, 'crypto' | 'config'>,
  ticket: Pick<TicketRow, 'id' | 'purpose' | 'elapsed' | 'rotating'>
): string => payloadUrl(deps.config.issuer, deriveSecrets(deps, ticket), ticket)

import { createHmac } from 'node:crypto'
import { payloadUrl, type CodeSecrets } from '../../domain/login/scan-ticket.ts'
import type { ScanTicketsDeps } from './deps.ts'
import type { TicketRow } from './rows.ts'

/**
 * What a ticket's code is made of. Both parts follow from the ticket's id and a key of the server, so the row holds
 * neither: who reads the database can scan nothing. The row has the locator's SHA-256, to be found by.
 */
export function secretsOf (
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
export const payloadOf = (
  deps: Pick<ScanTicketsDeps, 'crypto' | 'config'>,
  ticket: Pick<TicketRow, 'id' | 'purpose' | 'elapsed' | 'rotating'>
): string => payloadUrl(deps.config.issuer, secretsOf(deps, ticket), ticket)

import { createHmac } from 'node:crypto'
import { payloadUrl, type CodeSecrets } from '../../domain/login/scan-ticket.ts'
import type { ScanTicketsDeps } from './deps.ts'
import { hashSecret, type TicketRow } from './rows.ts'

/**
 * What a ticket's code is made of. Both parts follow from the id of the ticket and a key of the server, and the row has
 * neither of them, so a reader of the database cannot scan anything. The row has the SHA-256 of the locator, for
 * look-up.
 */
export function deriveSecrets (
  deps: Pick<ScanTicketsDeps, 'crypto'>,
  ticket: Pick<TicketRow, 'id' | 'purpose'> & Partial<Pick<TicketRow, 'locatorHash'>>
): CodeSecrets {
  const { crypto } = deps
  const locators = crypto
    .secretKeys('scan-ticket locator')
    .map((key) => createHmac('sha256', key).update(ticket.id).digest().subarray(0, 12))
  // a ticket keeps the key that it was made with, while the master key changes
  const made = locators.findIndex((locator) => hashSecret(locator) === ticket.locatorHash)
  const which = Math.max(0, made)
  const key = createHmac('sha256', crypto.secretKeys('scan-ticket code')[which]!).update(ticket.id).digest()
  return { locator: locators[which]!, key, purpose: ticket.purpose }
}

/** The address that the picture holds now. */
export const buildPayload = (
  deps: Pick<ScanTicketsDeps, 'crypto' | 'config'>,
  ticket: Pick<TicketRow, 'id' | 'purpose' | 'elapsed' | 'rotating'> & Partial<Pick<TicketRow, 'locatorHash'>>
): string => payloadUrl(deps.config.issuer, deriveSecrets(deps, ticket), ticket)

import { DomainError } from '../../domain/errors.ts'
import type { Counter } from '../throttle/index.ts'

/** New tickets of one browser, and of one address (a service hall has many browsers behind one). */
export const ticketsPerBrowser: Counter = { name: 'scan-ticket.browser', limit: 30, seconds: 600 }
export const ticketsPerAddress: Counter = { name: 'scan-ticket.address', limit: 300, seconds: 600 }

/** Codes that belong to no ticket, by device or otherwise by address: nobody scans so many by mistake. */
export const unknownCodes: Counter = { name: 'scan-ticket.unknown', limit: 20, seconds: 600 }

/** Thrown by `create`; answered with 429 (RFC 6585 §4). */
export class TooManyTickets extends DomainError {
  readonly statusCode = 429
  constructor () {
    super('too_many_requests')
  }
}

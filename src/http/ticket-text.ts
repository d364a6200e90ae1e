/** The one sentence of a QR page's live region: the same in the page, the status stream and the polling answer. */
import type { ScanTicketState } from '../database/schema.ts'
import type { Translate } from './locale.ts'

export interface TicketSays {
  state: ScanTicketState
  failure: string | null
  triesLeft: number | null
  /** For what else than a login: some sentences have words of their own for it. */
  purpose?: string
}

/** @param mobile the page stands on a phone, where the app is opened instead of a code scanned */
export function ticketText (t: Translate, ticket: TicketSays, mobile = false): string {
  const said = [
    ...(ticket.failure === null ? [] : [`login.scan.status.${ticket.failure}`]),
    ticket.state === 'waiting' && mobile ? 'login.scan.status.waiting.app' : `login.scan.status.${ticket.state}`
  ]
  const keys = ticket.purpose === undefined ? said : said.flatMap((key) => [`${key}.${ticket.purpose}`, key])
  // without a number the sentence that counts tries cannot be filled, and the general one is said
  return t.code(keys, 'login.scan.status.failed', ticket.triesLeft === null ? {} : { n: ticket.triesLeft })
}

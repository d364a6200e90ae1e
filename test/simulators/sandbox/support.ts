/** QR codes to scan, without a browser that shows them. */
import { randomBytes } from 'node:crypto'
import {
  createScanTickets,
  type CreatedTicket,
  type NewTicket,
  type Requirement,
  type ScanTickets
} from '../../../src/records/scan-tickets/index.ts'
import type { Kora } from '../../support/driver/index.ts'
import type { Transcript } from '../../support/driver/sandbox.ts'

export interface Desk {
  tickets: ScanTickets
  /** The QR code of a login; `handle` null = a scan login, where the phone says who it is. */
  show(
    handle: string | null,
    options?: Partial<Pick<NewTicket, 'requires' | 'numberEntry' | 'purpose'>>
  ): Promise<CreatedTicket & { state(): Promise<string | undefined> }>
}

export function openDesk (kora: Kora): Desk {
  const tickets = createScanTickets(kora.inside.services)
  return {
    tickets,
    async show (
      handle,
      { requires = ['identity', 'face'] as Requirement[], numberEntry = true, purpose = 'login' } = {}
    ) {
      const browserHash = randomBytes(32).toString('base64url')
      const expected = handle === null ? {} : { expectedPersonId: (await kora.sandbox.account(handle)).person_id }
      const created = await tickets.create({
        purpose,
        browserHash,
        requires,
        numberEntry,
        ...expected,
        context: {
          clientName: '测试网站',
          clientHost: 'rp.test',
          place: '本机',
          browser: 'Linux · Firefox',
          at: new Date().toISOString()
        }
      })
      return { ...created, state: async () => (await tickets.status(created.ticketId, browserHash))?.state }
    }
  }
}

/** Names and statuses of a transcript: 'scan 201'. */
export const outline = ({ steps }: Pick<Transcript, 'steps'>): string[] =>
  steps.map(({ step, status }) => `${step} ${status}`)

/** The end: back to the computer, or onward in this browser when the login started here. */
import type { FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { FormTarget } from '../../http/pages.ts'
import { loadScan, scanPath, chooseStep, type PhonePages } from './held-scan.ts'
import { Stopped } from './refused.ts'

export interface TriesLeft {
  attempt: number
  day: number
}

/** The last check before the confirmation counts, and every outcome after it. */
export interface ResultPage {
  outcome: 'ok' | 'declined' | 'failed' | 'pending' | 'unavailable' | 'exhausted'
  /** Face reason code (`face.<code>`), else null. */
  reason: string | null
  tries: TriesLeft | null
  /** Same phone: link back into the login; null = "go back to the computer". */
  continueHref: string | null
  /** Try again, or ask once more (pending). Posts `csrf`. */
  retry: FormTarget | null
  counterHref: string | null
  changePasswordHref: string | null
  retryAfterSeconds: number | null
}

declare module '../../http/pages.ts' {
  interface Pages {
    'phone-pages/result': ResultPage
  }
}

export function registerResult (scope: FastifyInstance, pages: PhonePages): void {
  scope.get('/v/:ticketId/result', async (request, reply) => {
    const held = await loadScan(pages, request, reply)
    if (chooseStep(held) !== 'result') return await reply.redirect(scanPath(held.ticketId), 303)
    const declined = held.view.state === 'rejected'
    if (declined && held.state.reason === 'CANCELLED') throw new Stopped('cancelled')
    const here = declined ? null : await pageOfBrowser(pages.deps.db, held.ticketId, reply.ensureBrowser().hash)
    return reply.page('phone-pages/result', {
      outcome: declined ? 'declined' : 'ok',
      reason: null,
      tries: null,
      continueHref: here,
      retry: null,
      counterHref: null,
      changePasswordHref: null,
      retryAfterSeconds: null
    })
  })
}

/** The page on which this browser itself waits for this ticket; null for other browsers. */
async function pageOfBrowser (db: Kysely<Database>, ticketId: string, browserHash: string): Promise<string | null> {
  const row = await db
    .selectFrom('scanTicket')
    .select(['loginAttemptUid', 'subjectRef'])
    .where('id', '=', ticketId)
    .where('browserHash', '=', browserHash)
    .executeTakeFirst()
  if (row === undefined) return null
  if (row.loginAttemptUid !== null) return `/i/${row.loginAttemptUid}/qr`
  const [, delegation, version] = /^delegation:([\w-]+):(\d+):/.exec(row.subjectRef ?? '') ?? []
  if (delegation !== undefined && version !== undefined) return `/me/agents/${delegation}/${version}/qr`
  if (row.subjectRef?.startsWith('organization-password:') === true) return '/me/organization-password/qr'
  const registration = /^registration:(reg_[\w-]+):/.exec(row.subjectRef ?? '')?.[1]
  return registration === undefined ? null : `/register/${registration}/qr`
}

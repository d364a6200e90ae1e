/** The end: back to the computer, or on in this very browser when it is the one that asked (J4). */
import type { FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { loadScan, scanPath, stepOf, type Door } from './held-scan.ts'
import { Stopped } from './refused.ts'

export function registerResult (scope: FastifyInstance, door: Door): void {
  scope.get('/v/:ticketId/result', async (request, reply) => {
    const held = await loadScan(door, request, reply)
    if (stepOf(held) !== 'result') return await reply.redirect(scanPath(held.ticketId), 303)
    const declined = held.view.state === 'rejected'
    if (declined && held.state.reason === 'CANCELLED') throw new Stopped('cancelled')
    const attempt = declined ? null : await attemptOfBrowser(door.services.db, held.ticketId, reply.ensureBrowser().hash)
    return reply.page('phone/result', {
      outcome: declined ? 'declined' : 'ok',
      reason: null,
      tries: null,
      continueHref: attempt === null ? null : `/i/${attempt}/qr`,
      retry: null,
      counterHref: null,
      changePasswordHref: null,
      retryAfterSeconds: null
    })
  })
}

/** The login that this browser itself waits for with this ticket; null for every other browser's. */
async function attemptOfBrowser (db: Kysely<Database>, ticketId: string, browserHash: string): Promise<string | null> {
  const row = await db.selectFrom('scanTicket').select('loginAttemptUid')
    .where('id', '=', ticketId).where('browserHash', '=', browserHash).executeTakeFirst()
  return row?.loginAttemptUid ?? null
}

/**
 * Phone pages, /q and /v: the phone side of a scan ticket in the browser of the phone, so a deployment works before its
 * app does. Owns no table and no rule.
 *
 * The way of a request: landing.ts takes the ticket → held-scan.ts loads it again for every step and decides from what
 * is missing where to go → a step handles its form → when nothing is missing the scan is confirmed, once, with the
 * digest of what the person accepted. Everything works without script; every refusal is a page (refused.ts).
 */
import type { FastifyInstance } from 'fastify'
import type { PhonePagesDeps } from './deps.ts'
import { registerConfirmStep } from './confirm.ts'
import { registerCounterStep } from './in-person-code.ts'
import { registerFaceStep } from './face.ts'
import { advance, loadScan, type PhoneTickets } from './held-scan.ts'
import { registerIdentityStep } from './identity.ts'
import { registerLanding } from './landing.ts'
import { handleStops, Stopped } from './refused.ts'
import { registerResult } from './result.ts'

export type { PhoneTickets } from './held-scan.ts'

export async function registerPhonePages (
  app: FastifyInstance,
  deps: PhonePagesDeps,
  phone: PhoneTickets
): Promise<void> {
  const pages = { deps, phone }
  await app.register(async (scope) => {
    handleStops(scope)
    registerLanding(scope, pages)
    if (!deps.config.phoneChannels.pages) {
      scope.all('/v/*', async () => {
        throw new Stopped('channel_closed')
      })
      return
    }
    scope.get(
      '/v/:ticketId',
      async (request, reply) => await advance(pages, await loadScan(pages, request, reply), { request, reply })
    )
    registerConfirmStep(scope, pages)
    registerIdentityStep(scope, pages)
    registerFaceStep(scope, pages)
    registerCounterStep(scope, pages)
    registerResult(scope, pages)
  })
}

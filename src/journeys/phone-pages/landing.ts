/**
 * The page that a scan opens. Reading it changes nothing, because messengers prefetch links; only its button takes the
 * ticket.
 */
import type { FastifyInstance } from 'fastify'
import type { FormTarget } from '../../http/pages.ts'
import { identifyActor } from './actor.ts'
import { scanPath, type PhonePages } from './held-scan.ts'
import { Stopped } from './refused.ts'
import { keepScanState, markScanned, scannedHere } from './scan-state.ts'

/**
 * Before anything happens. The button "continue in this browser" posts `csrf` to `action` (null = the deployment closed
 * this channel). Reading this page changes nothing.
 */
export interface LandingPage {
  continueHere: FormTarget | null
}

declare module '../../http/pages.ts' {
  interface Pages {
    'phone-pages/landing': LandingPage
  }
}

/**
 * A token of this scope says that this browser opened the code while it was on the screen: the person may take time to
 * read.
 */
const seenScope = (payload: string): string => `seen:${payload}`

const isPayload = (payload: string): boolean => /^[\w-]{28}$/.test(payload)

export function registerLanding (scope: FastifyInstance, pages: PhonePages): void {
  const { deps, phone } = pages
  const { config } = deps
  const readPayload = (params: unknown): string => {
    const { payload = '' } = params as { payload?: string }
    if (!isPayload(payload)) throw new Stopped('not_found')
    return payload
  }

  scope.get('/q/:payload', async (request, reply) => {
    const payload = readPayload(request.params)
    reply.ensureBrowser()
    const scope = (await phone.isFresh(payload)) ? seenScope(payload) : payload
    return reply.page('phone-pages/landing', {
      continueHere: config.phoneChannels.pages ? { action: `/q/${payload}/scan`, csrf: request.csrfToken(scope) } : null
    })
  })

  // the address for another language of the answer to the post below
  scope.get('/q/:payload/scan', async (request, reply) => await reply.redirect(`/q/${readPayload(request.params)}`, 303))

  scope.post('/q/:payload/scan', async (request, reply) => {
    const payload = readPayload(request.params)
    if (!config.phoneChannels.pages) throw new Stopped('channel_closed')
    const seenFresh = request.checkCsrf(seenScope(payload)) === 'ok'
    if (!seenFresh) request.requireCsrf(payload)
    const before = scannedHere(request)
    if (before !== null) return await reply.redirect(scanPath(before), 303)
    const actor = await identifyActor(deps, request)
    const scanned = await phone.scan(payload, actor, { seenFresh })
    if (!scanned.ok) throw new Stopped(scanned.code)
    const { ticketId, remaining } = scanned.view
    keepScanState({
      config,
      reply,
      ticketId,
      state: {
        scanToken: scanned.scanToken,
        byDevice: actor.device !== null,
        steps: remaining.length,
        digest: '',
        checkId: '',
        reason: ''
      }
    })
    markScanned({ config, reply, payload, ticketId })
    return await reply.redirect(scanPath(ticketId), 303)
  })
}

/** What every step under /v/<ticket> starts from, and where it goes next: computed from the ticket at every request. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PhonePagesDeps } from './deps.ts'
import type { PhoneActor, PhoneRefusal, PhoneSide, ScanTickets, ScanView } from '../../records/scan-tickets/index.ts'
import { identifyActor, deviceSecret, keepDeviceSecret } from './actor.ts'
import { Stopped } from './refused.ts'
import { isTicketId, keepScanState, readScanState, type ScanState } from './scan-state.ts'

/** The phone side, and the binding of a phone's own browser. */
export type PhoneTickets = PhoneSide & Pick<ScanTickets, 'bindBrowser'>

export interface PhonePages {
  deps: PhonePagesDeps
  phone: PhoneTickets
}

export interface HeldScan {
  ticketId: string
  state: ScanState
  actor: PhoneActor
  view: ScanView
}

export type PhoneStep = 'confirm' | 'identity' | 'face' | 'finish' | 'result'

export const scanPath = (ticketId: string, step = ''): string => `/v/${ticketId}${step === '' ? '' : `/${step}`}`

export function chooseStep ({ view, state }: Pick<HeldScan, 'view' | 'state'>): PhoneStep {
  if (['confirmed', 'consumed', 'rejected'].includes(view.state)) return 'result'
  // a held ticket fails in one way only: a wrong number too often
  if (view.state === 'failed') throw new Stopped('number_exhausted')
  if (!view.accepted || state.digest === '') return 'confirm'
  if (view.remaining.includes('identity')) return 'identity'
  return view.remaining.includes('face') ? 'face' : 'finish'
}

/** Not about a field: the page that says why. */
export const stopped = (refusal: PhoneRefusal, ticketId: string): Stopped =>
  new Stopped(refusal.code, refusal.code.startsWith('face_') ? scanPath(ticketId, 'counter') : null)

/** Loads the scan of this browser, or ends the request. An unknown ticket and a lost cookie get the same answer. */
export async function loadScan (
  { deps, phone }: PhonePages,
  request: FastifyRequest,
  reply: FastifyReply
): Promise<HeldScan> {
  const { ticketId = '' } = request.params as { ticketId?: string }
  const state = isTicketId(ticketId) ? readScanState(deps.config, request, ticketId) : null
  if (state === null) throw new Stopped('not_found')
  const actor = await identifyActor(deps, request, state.byDevice)
  const seen = await phone.view(state.scanToken, actor)
  if (!seen.ok) throw stopped(seen, ticketId)
  if (seen.view.ticketId !== ticketId) throw new Stopped('not_found')
  reply.ensureBrowser()
  return { ticketId, state, actor, view: seen.view }
}

/** For posts: checks the token of the form, then loads the scan. */
export async function loadPosted (pages: PhonePages, request: FastifyRequest, reply: FastifyReply): Promise<HeldScan> {
  request.requireCsrf((request.params as { ticketId?: string }).ticketId ?? '')
  return await loadScan(pages, request, reply)
}

export function keep (
  { deps }: PhonePages,
  reply: FastifyReply,
  { held, change }: { held: HeldScan; change: Partial<ScanState> }
): HeldScan {
  const state = { ...held.state, ...change }
  keepScanState({ config: deps.config, reply, ticketId: held.ticketId, state })
  return { ...held, state }
}

/** The dispatcher of the phone side: the next page, or the confirmation when everything was given. */
export async function advance (
  pages: PhonePages,
  held: HeldScan,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply }
): Promise<FastifyReply> {
  const step = chooseStep(held)
  if (step !== 'finish') return await reply.redirect(scanPath(held.ticketId, step), 303)
  const confirmed = await pages.phone.confirm(held.state.scanToken, { contextDigest: held.state.digest }, held.actor)
  if (confirmed.ok) {
    await bindThisBrowser(pages, held, { request, reply })
    return await reply.redirect(scanPath(held.ticketId, 'result'), 303)
  }
  // a verdict that has just become too old, or a second press after the first one succeeded: the ticket says which
  const seen = await pages.phone.view(held.state.scanToken, held.actor)
  const now = seen.ok ? chooseStep({ ...held, view: seen.view }) : 'finish'
  if (now === 'finish') throw stopped(confirmed, held.ticketId)
  return await reply.redirect(scanPath(held.ticketId, now), 303)
}

/**
 * As the pages of the face check and the in-person code have announced. A browser that was bound already is trusted for
 * as long again.
 */
async function bindThisBrowser (
  pages: PhonePages,
  held: HeldScan,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply }
): Promise<void> {
  const { deps, phone } = pages
  if (held.actor.device !== null) {
    keepDeviceSecret(deps, reply, deviceSecret(deps, request))
    return
  }
  const bound = await phone.bindBrowser(held.state.scanToken, held.actor, request.browserLabel)
  if (bound === null) return
  keepDeviceSecret(deps, reply, bound.secret)
  keep(pages, reply, { held, change: { byDevice: true } })
}

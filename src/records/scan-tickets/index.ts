/**
 * Scan tickets: the thing behind a QR code. Owns the table `scan_ticket`.
 *
 * `createScanTickets` has two sides: the browser side (create, status, watch, consume) answers only to the browser that
 * made the ticket, the phone side (scan … confirm) only to the phone that scanned it. domain/login/scan-ticket.ts has
 * the rules; here each transition is one conditional statement on the database clock, in one transaction with its audit
 * event, and zero rows mean refused.
 */
import type { ScanTicketsDeps } from './deps.ts'
import { accept, confirm, reject } from './answer.ts'
import { createBrowserSide, type BrowserTickets } from './browser-side.ts'
import { createTicketWatcher } from './ticket-watcher.ts'
import { bindBrowser, type BoundBrowser } from './bind-browser.ts'
import { buildView } from './phone-context.ts'
import { beginFace, faceVerdict, submitIdentity, useCounterCode } from './phone-proofs.ts'
import { refuse } from './refusals.ts'
import { resolveState, ticketByToken } from './rows.ts'
import { isFresh, scan } from './scan.ts'
import type { PhoneActor, PhoneSide } from './types.ts'

export type * from './types.ts'
export { expireTickets } from './rows.ts'

export interface ScanTickets extends BrowserTickets, PhoneSide {
  /**
   * After `confirm` in an unbound phone browser: bind it to the person, if a face or in-person code was shown. The
   * secret goes into an HttpOnly cookie for `webDeviceSeconds`. Once for each ticket; null = nothing to bind.
   */
  bindBrowser(scanToken: string, actor: PhoneActor, label: string): Promise<BoundBrowser | null>
  /** Open status streams of this process. */
  watchers(): number
}

export function createScanTickets (deps: ScanTicketsDeps): ScanTickets {
  const watcher = createTicketWatcher(deps.db, deps.log)

  /** After each act of a phone: notifies the waiting browser at once. */
  const told = async <T>(scanToken: string, actor: PhoneActor, work: Promise<T>): Promise<T> => {
    const result = await work
    if (watcher.watchers > 0) {
      const row = await ticketByToken(deps.db, scanToken, actor.device?.id ?? null)
      if (row !== undefined) watcher.refreshNow(row.id)
    }
    return result
  }

  return Object.assign(createBrowserSide(deps, watcher), {
    isFresh: async (payload: string) => await isFresh(deps, payload),
    async scan (payload: string, actor: PhoneActor, options?: { seenFresh?: boolean }) {
      const { ticketId, ...result } = await scan(deps, { payload, actor, ...options })
      if (ticketId !== undefined) watcher.refreshNow(ticketId)
      return result
    },
    async view (scanToken: string, actor: PhoneActor) {
      const row = await ticketByToken(deps.db, scanToken, actor.device?.id ?? null)
      if (row === undefined) return refuse('not_found')
      const state = resolveState(row)
      if (state === 'expired' || state === 'superseded') return refuse('expired')
      return { ok: true, view: await buildView(deps, deps.db, row) }
    },
    accept: (token, answer, actor) => told(token, actor, accept(deps, { scanToken: token, answer, actor })),
    submitIdentity: (token, input, actor) =>
      told(token, actor, submitIdentity(deps, { scanToken: token, input, actor })),
    beginFace: (token, input, actor) => told(token, actor, beginFace(deps, { scanToken: token, input, actor })),
    faceVerdict: (token, checkId, actor) =>
      told(token, actor, faceVerdict(deps, { scanToken: token, checkId, actor })),
    useCounterCode: (token, code, actor) =>
      told(token, actor, useCounterCode(deps, { scanToken: token, code, actor })),
    confirm: (token, answer, actor) => told(token, actor, confirm(deps, { scanToken: token, answer, actor })),
    reject: (token, actor) => told(token, actor, reject(deps, token, actor)),
    bindBrowser: async (token: string, actor: PhoneActor, label: string) =>
      await bindBrowser(deps, { scanToken: token, actor, label }),
    watchers: () => watcher.watchers
  } satisfies PhoneSide & Omit<ScanTickets, keyof BrowserTickets>)
}

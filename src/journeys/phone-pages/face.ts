/**
 * The separate consent, then the provider's page, then its verdict, pulled by the server: the person's return is only a
 * hint.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { formField } from '../../http/forms.ts'
import type { FieldError, FormTarget } from '../../http/pages.ts'
import type { FaceVerdict } from '../../records/scan-tickets/index.ts'
import { decline } from './confirm.ts'
import {
  advance,
  keep,
  loadPosted,
  loadScan,
  scanPath,
  chooseStep,
  stopped,
  type PhonePages,
  type HeldScan
} from './held-scan.ts'
import { listSteps, type Steps } from './identity.ts'
import { Stopped } from './refused.ts'
import type { ResultPage, TriesLeft } from './result.ts'

/** Posts `csrf`, `consent` ('1'), `consent_version`, `decision` ('start' | 'decline'). */
export interface FacePage extends FormTarget {
  steps: Steps
  tries: TriesLeft
  consentVersion: string
  /** The last try, when this is not the first. */
  lastFailure: string | null
  errors: FieldError[]
  /** The alternative of equal rank; never null where a face check is required. */
  counterHref: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'phone-pages/face': FacePage
  }
}

const fewest = ({ attempt, day }: { attempt: number; day: number }): number => Math.min(attempt, day)

export function registerFaceStep (scope: FastifyInstance, pages: PhonePages): void {
  const { deps, phone } = pages

  scope.get('/v/:ticketId/face', async (request, reply) => {
    const held = await loadScan(pages, request, reply)
    if (chooseStep(held) !== 'face') return await reply.redirect(scanPath(held.ticketId), 303)
    if (fewest(held.view.faceTries) === 0) return showOutcome(held, { outcome: 'exhausted' }, reply)
    return showFace(held, { errors: [], request, reply })
  })

  scope.post('/v/:ticketId/face', async (request, reply) => {
    const held = await loadPosted(pages, request, reply)
    if (chooseStep(held) !== 'face') return await reply.redirect(scanPath(held.ticketId), 303)
    const decision = formField(request.body, 'decision')
    if (decision === 'decline') return await decline(pages, held, { reply, reason: 'CANCELLED' })
    if (decision !== 'start') return showFace(held, { errors: [], request, reply })
    const begun = await phone.beginFace(
      held.state.scanToken,
      {
        consent: {
          given: formField(request.body, 'consent') === '1',
          version: formField(request.body, 'consent_version')
        },
        returnUrl: deps.config.issuer + scanPath(held.ticketId, 'face/return')
      },
      held.actor
    )
    if (!begun.ok) {
      if (begun.code === 'consent_required') {
        return showFace(held, { errors: [{ field: 'consent', code: 'required' }], request, reply })
      }
      if (begun.code === 'face_exhausted') return showOutcome(held, { outcome: 'exhausted' }, reply)
      if (begun.code === 'face_unavailable') {
        return showOutcome(held, { outcome: 'unavailable', retry: button(held, 'face/again', request) }, reply)
      }
      throw stopped(begun, held.ticketId)
    }
    const { url, checkId } = begun.begun
    // a provider without a page works with the app only
    if (url === undefined) throw new Stopped('face_unavailable', scanPath(held.ticketId, 'counter'))
    keep(pages, reply, { held, change: { checkId } })
    return await reply.redirect(url, 303)
  })

  scope.get(
    '/v/:ticketId/face/return',
    async (request, reply) => await showVerdict(await loadScan(pages, request, reply), request, reply)
  )
  scope.post(
    '/v/:ticketId/face/return',
    async (request, reply) => await showVerdict(await loadPosted(pages, request, reply), request, reply)
  )

  scope.get(
    '/v/:ticketId/face/again',
    async (request, reply) => await reply.redirect(scanPath((await loadScan(pages, request, reply)).ticketId), 303)
  )
  scope.post('/v/:ticketId/face/again', async (request, reply) => {
    const held = await loadPosted(pages, request, reply)
    keep(pages, reply, { held, change: { checkId: '' } })
    return await reply.redirect(scanPath(held.ticketId), 303)
  })

  async function showVerdict (held: HeldScan, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { ticketId, state, actor } = held
    if (chooseStep(held) !== 'face' || state.checkId === '') return await advance(pages, held, { request, reply })
    const verdict = await phone.faceVerdict(state.scanToken, state.checkId, actor)
    if (!verdict.ok) {
      if (verdict.code === 'not_found') return await reply.redirect(scanPath(ticketId, 'face'), 303)
      throw stopped(verdict, ticketId)
    }
    if (verdict.status !== 'passed') {
      return showOutcome(noted(held, verdict, reply), describeOutcome(held, verdict, request), reply)
    }
    const seen = await phone.view(state.scanToken, actor)
    if (!seen.ok) throw stopped(seen, ticketId)
    // passed and still required: it came too late to be used
    const now = { ...held, view: seen.view }
    return await advance(
      pages,
      chooseStep(now) === 'face' ? keep(pages, reply, { held: now, change: { checkId: '' } }) : now,
      { request, reply }
    )
  }

  const noted = (held: HeldScan, verdict: FaceVerdict, reply: FastifyReply): HeldScan =>
    verdict.status === 'failed' ? keep(pages, reply, { held, change: { reason: verdict.reason } }) : held

  function describeOutcome (
    held: HeldScan,
    verdict: Exclude<FaceVerdict, { status: 'passed' }>,
    request: FastifyRequest
  ): Partial<ResultPage> & Pick<ResultPage, 'outcome'> {
    switch (verdict.status) {
      case 'pending':
        return { outcome: 'pending', retry: button(held, 'face/return', request) }
      // two calls without result: start again
      case 'unavailable':
        return {
          outcome: 'unavailable',
          retry: button(held, request.method === 'POST' ? 'face/again' : 'face/return', request),
          retryAfterSeconds: verdict.retryAfterSeconds
        }
      case 'failed':
        return fewest(verdict.triesLeft) === 0
          ? { outcome: 'exhausted', reason: verdict.reason }
          : {
              outcome: 'failed',
              reason: verdict.reason,
              tries: verdict.triesLeft,
              retry: button(held, 'face/again', request)
            }
    }
  }

  function showFace (
    held: HeldScan,
    { errors, request, reply }: { errors: FieldError[]; request: FastifyRequest; reply: FastifyReply }
  ): FastifyReply {
    return reply.page(
      'phone-pages/face',
      {
        ...button(held, 'face', request),
        steps: listSteps(held),
        tries: held.view.faceTries,
        consentVersion: deps.config.policyVersion,
        lastFailure: held.state.reason === '' ? null : held.state.reason,
        errors,
        counterHref: scanPath(held.ticketId, 'counter')
      },
      { status: errors.length > 0 ? 422 : 200 }
    )
  }
}

const button = ({ ticketId }: HeldScan, step: string, request: FastifyRequest): { action: string; csrf: string } => ({
  action: scanPath(ticketId, step),
  csrf: request.csrfToken(ticketId)
})

function showOutcome (
  { ticketId }: HeldScan,
  page: Partial<ResultPage> & Pick<ResultPage, 'outcome'>,
  reply: FastifyReply
): FastifyReply {
  return reply.page('phone-pages/result', {
    reason: null,
    tries: null,
    continueHref: null,
    retry: null,
    counterHref: page.outcome === 'pending' ? null : scanPath(ticketId, 'counter'),
    changePasswordHref: null,
    retryAfterSeconds: null,
    ...page
  })
}

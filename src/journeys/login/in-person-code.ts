/** The equal alternative to a face check on this side (J16): a one-time code from a service counter (窗口核验码). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { LoginDeps } from './deps.ts'
import type { Oidc } from '../../oidc/index.ts'
import { formField } from '../../http/forms.ts'
import type { FieldError, FormTarget, RelyingSite } from '../../http/pages.ts'
import { redeemCounterCode } from '../../records/counter-codes/index.ts'
import { creditPerson } from '../../records/identity/index.ts'
import { addProofs } from '../../records/login-attempts/index.ts'
import { interactionPath, loadContext, stepOf, type LoginContext } from './context.ts'
import { advance } from './dispatch.ts'

/** Enter a counter code (窗口核验码). Posts `csrf`, `code`. */
export interface InPersonCodePage extends FormTarget {
  rp: RelyingSite | null
  errors: FieldError[]
  backHref: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'login/in-person-code': InPersonCodePage
  }
}

export function registerCounterStep (app: FastifyInstance, deps: LoginDeps, oidc: Oidc): void {
  app.get('/i/:uid/counter', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    if (stepOf(context).step !== 'verify') return await reply.redirect(interactionPath(context.uid), 303)
    return showCounter(context, request, reply, [])
  })

  app.post('/i/:uid/counter', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    request.requireCsrf(context.uid)
    const { person } = context
    if (person === null || stepOf(context).step !== 'verify') {
      return await reply.redirect(interactionPath(context.uid), 303)
    }
    const code = formField(request.body, 'code')
    const accepted = await deps.db.transaction().execute(async (trx) => {
      const codeId = await redeemCounterCode(trx, deps, {
        personId: person.id,
        code,
        usedFor: `login-attempt:${context.uid}`,
        clientId: context.client.clientId,
        loginAttemptUid: context.uid,
        address: request.clientAddress.ip,
        traceId: request.id
      })
      // the try stays counted: this transaction commits either way
      if (codeId === null) return false
      await creditPerson(trx, { personId: person.id, identity: null, proof: 'counter' })
      const proof = {
        kind: 'counter',
        personId: person.id,
        at: Math.floor(deps.clock.now() / 1000),
        codeId
      } as const
      return await addProofs(trx, context.uid, context.browserHash, person.id, [proof])
    })
    if (!accepted) return showCounter(context, request, reply, [{ field: 'code', code: 'code_invalid' }])
    return await advance(deps, oidc, request, reply, 'counter')
  })
}

function showCounter (
  context: LoginContext,
  request: FastifyRequest,
  reply: FastifyReply,
  errors: FieldError[]
): FastifyReply {
  return reply.page(
    'login/in-person-code',
    {
      action: interactionPath(context.uid, 'counter'),
      csrf: request.csrfToken(context.uid),
      rp: context.rp,
      errors,
      backHref: interactionPath(context.uid, 'qr')
    },
    { status: errors.length > 0 ? 422 : 200 }
  )
}

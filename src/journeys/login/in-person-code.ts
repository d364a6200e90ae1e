/** The alternative to a face check with equal rank: a one-time code from a service counter (窗口核验码). */
import type { FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { formField } from '../../http/forms.ts'
import type { FieldError, FormTarget, RelyingSite } from '../../http/pages.ts'
import { redeemCounterCode } from '../../records/counter-codes/index.ts'
import { recordVerification } from '../../records/identity/index.ts'
import { addProofs } from '../../records/login-attempts/index.ts'
import { loginPath } from './attempt.ts'
import type { StepDeps } from './deps.ts'
import { eventContext } from './event-context.ts'
import { identifiedPerson, type LoginContext } from './facts.ts'
import { recorded, show, type Outcome } from './step.ts'

/** Enter an in-person code (窗口核验码). Posts `csrf`, `code`. */
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

export function inPersonCodeStep (deps: StepDeps) {
  return {
    page: (context: LoginContext, request: FastifyRequest): Outcome => showForm(context, request, []),

    async submit (context: LoginContext, request: FastifyRequest): Promise<Outcome> {
      const person = identifiedPerson(context)
      const code = formField(request.body, 'code')
      const accepted = await inTransaction(deps.db, async (trx) => {
        const codeId = await redeemCounterCode(trx, deps, {
          ...eventContext(context, request),
          personId: person.id,
          code,
          usedFor: `login-attempt:${context.uid}`
        })
        // the try stays counted: this transaction commits either way
        if (codeId === null) return false
        await recordVerification(trx, { personId: person.id, identity: null, proof: 'counter' })
        const proof = {
          kind: 'counter',
          personId: person.id,
          at: Math.floor(deps.clock.now() / 1000),
          codeId
        } as const
        return await addProofs(trx, {
          uid: context.uid,
          browserHash: context.browserHash,
          personId: person.id,
          proofs: [proof]
        })
      })
      return accepted ? recorded('counter') : showForm(context, request, [{ field: 'code', code: 'code_invalid' }])
    }
  }
}

const showForm = (context: LoginContext, request: FastifyRequest, errors: FieldError[]): Outcome =>
  show(
    'login/in-person-code',
    {
      action: loginPath(context.uid, 'counter'),
      csrf: request.csrfToken(context.uid),
      rp: context.rp,
      errors,
      backHref: loginPath(context.uid, 'qr')
    },
    { status: errors.length > 0 ? 422 : 200 }
  )

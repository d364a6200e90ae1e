/** One authentication: a passkey's answer, or login name, password and code; audited when it fails. */
import type { FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { formField } from '../../http/forms.ts'
import { PageError } from '../../http/page-error.ts'
import { HasherBusy } from '../../ports/password-hasher.ts'
import type { FieldError } from '../../domain/errors.ts'
import type { AdministratorsDeps } from '../../records/administrators/deps.ts'
import { createThrottle } from '../../records/throttle/index.ts'
import {
  beginPasskeySignIn,
  finishPasskey,
  type SignInMethod,
  verifyAdministratorPassword
} from '../../records/administrators/index.ts'

/** Challenges for one source; a person needs no more. */
const challenges = { limit: 60, seconds: 600 }
/** Failures recorded for one source: a flood must not fill the audit trail. */
const recorded = { limit: 50, seconds: 600 }

export type Proved =
  | { ok: true; accountId: string; method: SignInMethod }
  | { ok: false; status: 422 | 429; errors: FieldError[]; retryAfterSeconds: number | null }

export interface Prover {
  /** Options for the authenticator. `again`: the account that must answer. */
  challenge(request: FastifyRequest, browserHash: string, again: { accountId: string } | null): Promise<object>
  /** Reads `credential`, or `password` and `code`, from the form. */
  prove(
    request: FastifyRequest,
    claimed: { browserHash: string; loginName: string; again: { accountId: string } | null }
  ): Promise<Proved>
}

export function createProver (deps: AdministratorsDeps): Prover {
  const throttle = createThrottle(deps)

  async function failed (request: FastifyRequest, method: SignInMethod, reason: string): Promise<void> {
    if (
      !(await throttle.hit(`admin-failed:${request.clientAddress.prefix}`, recorded.limit, recorded.seconds)).allowed
    ) {
      return
    }
    await inTransaction(deps.db, async (trx) => {
      await deps.audit.record(trx, {
        type: 'staff.sign-in-failed',
        actor: 'anonymous',
        address: request.clientAddress.ip,
        traceId: String(request.id),
        reason,
        details: { method }
      })
    })
  }
  const refused = (code: string): Proved => ({
    ok: false,
    status: 422,
    errors: [{ field: 'form', code }],
    retryAfterSeconds: null
  })

  return {
    async challenge (request, browserHash, again) {
      const turn = await throttle.hit(
        `admin-challenge:${request.clientAddress.prefix}`,
        challenges.limit,
        challenges.seconds
      )
      if (!turn.allowed) throw new PageError(429, 'too_many', { retryAfterSeconds: turn.retryAfterSeconds })
      return await beginPasskeySignIn(deps, browserHash, again)
    },

    async prove (request, { browserHash, loginName, again }) {
      const { body } = request
      const credential = formField(body, 'credential')
      if (credential !== '') {
        const accountId = await finishPasskey(deps, { browserHash, again, text: credential })
        if (accountId !== null) return { ok: true, accountId, method: 'passkey' }
        await failed(request, 'passkey', 'passkey_refused')
        return refused('passkey_refused')
      }
      const outcome = await verifyAdministratorPassword(deps, throttle, {
        loginName,
        password: formField(body, 'password'),
        code: formField(body, 'code'),
        source: request.clientAddress.prefix,
        browserHash
      }).catch((error: unknown) => {
        if (!(error instanceof HasherBusy)) throw error
        throw new PageError(503, 'unavailable', { retryAfterSeconds: 5, restartHref: '/admin/sign-in' })
      })
      if (outcome.ok) {
        return again !== null && again.accountId !== outcome.accountId
          ? refused('signin_wrong')
          : { ok: true, accountId: outcome.accountId, method: 'password' }
      }
      await failed(request, 'password', outcome.code)
      if (outcome.code === 'wrong') return refused('signin_wrong')
      return {
        ok: false,
        status: 429,
        errors: [
          { field: 'form', code: 'throttled', details: { minutes: Math.ceil(outcome.retryAfterSeconds / 60) } }
        ],
        retryAfterSeconds: outcome.retryAfterSeconds
      }
    }
  }
}

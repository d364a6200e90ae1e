/**
 * What the hosted login shows for the console as client: an administrator's credentials, nothing else. The console
 * opens its own session when the authorization request returns to it.
 */
import type { FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { formField } from '../../http/forms.ts'
import type { FieldError } from '../../http/pages.ts'
import { recordSessionsEnded } from '../../records/sessions/index.ts'
import {
  authenticationMethods,
  hasActive,
  passkeysPossible
} from '../../records/administrators/index.ts'
import { finishAttempt } from '../../records/login-attempts/index.ts'
import { saveInteractionResult } from '../../tokens/interaction-result.ts'
import { revokeSession } from '../../tokens/revocation.ts'
import { loginPath, type LoginAttempt } from './attempt.ts'
import type { StepDeps } from './deps.ts'
import { show, type Outcome } from './step.ts'

export function administratorStep (deps: StepDeps) {
  const { db, config, administrators } = deps

  async function showForm (
    { uid }: LoginAttempt,
    request: FastifyRequest,
    { loginName = '', errors = [], status = 200, retryAfterSeconds }: {
      loginName?: string
      errors?: FieldError[]
      status?: number
      retryAfterSeconds?: number | undefined
    } = {}
  ): Promise<Outcome> {
    return show(
      'console/sign-in/sign-in',
      {
        action: loginPath(uid, 'administrator'),
        csrf: request.csrfToken(uid),
        returnTo: '',
        loginName,
        errors,
        empty: !(await hasActive(db)),
        again: null,
        passkey: passkeysPossible(config.issuer),
        shell: null
      },
      { status, retryAfterSeconds }
    )
  }

  return {
    page: async (attempt: LoginAttempt, request: FastifyRequest): Promise<Outcome> => await showForm(attempt, request),

    /** Options for the authenticator, for the script of the page. */
    challenge: async ({ browserHash }: LoginAttempt, request: FastifyRequest): Promise<Outcome> => ({
      kind: 'data',
      data: await administrators.challenge(request, browserHash, null)
    }),

    async submit (attempt: LoginAttempt, request: FastifyRequest): Promise<Outcome> {
      const { uid, browserHash } = attempt
      const loginName = formField(request.body, 'login_name')
      const proved = await administrators.prove(request, { browserHash, loginName, again: null })
      if (!proved.ok) {
        const { errors, status } = proved
        const retryAfterSeconds = proved.retryAfterSeconds ?? undefined
        return await showForm(attempt, request, { loginName, errors, status, retryAfterSeconds })
      }
      // one account at a time in one browser: a person who was signed in here is signed out, at their sites too
      const session = await attempt.browserSession()
      await inTransaction(db, async (trx) => {
        // the second of two submissions goes where the first one went
        if (!(await finishAttempt(trx, uid, browserHash))) return
        if (session?.accountId !== undefined) {
          await recordSessionsEnded(trx, deps, {
            ended: await revokeSession(trx, session.uid),
            about: {
              reason: 'other-account',
              traceId: String(request.id)
            }
          })
        }
        await saveInteractionResult(trx, {
          uid,
          result: {
            login: {
              accountId: proved.accountId,
              amr: authenticationMethods[proved.method],
              ts: Math.floor(deps.clock.now() / 1000),
              remember: false
            },
            consent: {},
            select_account: {}
          },
          dropSession: true
        })
      })
      return { kind: 'return' }
    }
  }
}

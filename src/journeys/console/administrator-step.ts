/**
 * What the hosted login shows for the client that the console is: an administrator's credentials, nothing else. No
 * other step of the login works for that client (loadContext leads here), and this one works for no other.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Interaction } from 'oidc-provider'
import { inTransaction } from '../../database/transaction.ts'
import { consoleClientId } from '../../domain/administration/administration.ts'
import { formField } from '../../http/forms.ts'
import { PageError } from '../../http/page-error.ts'
import type { FieldError } from '../../http/pages.ts'
import { lifetimes } from '../../oidc/configuration.ts'
import type { Oidc } from '../../oidc/index.ts'
import { saveInteractionResult } from '../../tokens/interaction-result.ts'
import { recordSessionsEnded } from '../../records/sessions/index.ts'
import { revokeSession } from '../../tokens/revocation.ts'
import type { ConsoleDeps } from './deps.ts'
import { finishAttempt, openAttempt } from '../../records/login-attempts/index.ts'
import { hasActive, passkeysPossible, type SignInMethod } from '../../records/administrators/index.ts'
import { createProver } from './prove.ts'

/** RFC 8176. */
const methodsOf: Readonly<Record<SignInMethod, string[]>> = {
  passkey: ['pop', 'user', 'mfa'],
  password: ['pwd', 'otp', 'mfa']
}
export const methodOf = (amr: unknown): SignInMethod =>
  Array.isArray(amr) && amr.includes('otp') ? 'password' : 'passkey'

export function registerAdministratorStep (app: FastifyInstance, deps: ConsoleDeps, oidc: Oidc): void {
  const prover = createProver(deps)
  const { db, config } = deps

  async function loaded (
    request: FastifyRequest,
    reply: FastifyReply
  ): Promise<{ uid: string; browserHash: string; interaction: Interaction }> {
    const { uid = '' } = request.params as { uid?: string }
    reply.header('cache-control', 'no-store')
    const browserHash = reply.ensureBrowser().hash
    const interaction = await oidc.provider.interactionDetails(request.raw, reply.raw).catch((error: unknown) => {
      // SessionNotFound: no cookie, or the interaction has expired
      if ((error as { error?: string }).error === 'invalid_request') return null
      throw error
    })
    if (interaction === null || interaction.uid !== uid) {
      throw new PageError(409, 'not_started', { restartHref: '/admin' })
    }
    if (interaction.params['client_id'] !== consoleClientId) throw new PageError(404, 'not_found')
    const row = await openAttempt(db, {
      uid,
      browserHash,
      clientId: consoleClientId,
      params: interaction.params,
      seconds: lifetimes.interaction
    })
    if (row === null) throw new PageError(403, 'cookie')
    return { uid, browserHash, interaction }
  }

  async function show (
    request: FastifyRequest,
    reply: FastifyReply,
    uid: string,
    { loginName = '', errors = [], status = 200 }: { loginName?: string; errors?: FieldError[]; status?: number } = {}
  ): Promise<FastifyReply> {
    return reply.page(
      'admin/sign-in',
      {
        action: `/i/${uid}/administrator`,
        csrf: request.csrfToken(uid),
        returnTo: '',
        loginName,
        errors,
        empty: !(await hasActive(db)),
        again: null,
        passkey: passkeysPossible(config.issuer),
        shell: null
      },
      { status }
    )
  }

  app.get(
    '/i/:uid/administrator',
    async (request, reply) => await show(request, reply, (await loaded(request, reply)).uid)
  )

  app.post('/i/:uid/administrator/challenge', async (request, reply) => {
    const { uid, browserHash } = await loaded(request, reply)
    request.requireCsrf(uid)
    return await reply.send(await prover.challenge(request, browserHash, null))
  })

  app.post('/i/:uid/administrator', async (request, reply) => {
    const { uid, browserHash, interaction } = await loaded(request, reply)
    request.requireCsrf(uid)
    const loginName = formField(request.body, 'login_name')
    const proved = await prover.prove(request, browserHash, loginName, null)
    if (!proved.ok) {
      if (proved.retryAfterSeconds !== null) reply.header('retry-after', String(proved.retryAfterSeconds))
      return await show(request, reply, uid, { loginName, errors: proved.errors, status: proved.status })
    }
    // one account at a time in one browser: a person who was logged in here is logged out, at their sites too
    const cookie = request.cookies[oidc.provider.cookieName('session')]
    const session = cookie === undefined ? undefined : await oidc.provider.Session.find(cookie)
    await inTransaction(db, async (trx) => {
      // the loser of two submissions goes back with what the first one gave
      if (!(await finishAttempt(trx, uid, browserHash))) return
      if (session?.accountId !== undefined) {
        await recordSessionsEnded(trx, deps, await revokeSession(trx, session.uid), {
          reason: 'other-account',
          traceId: String(request.id)
        })
      }
      await saveInteractionResult(trx, {
        uid,
        result: {
          login: {
            accountId: proved.accountId,
            amr: methodsOf[proved.method],
            ts: Math.floor(deps.clock.now() / 1000),
            remember: false
          },
          consent: {},
          select_account: {}
        },
        dropSession: true
      })
    })
    return await reply.redirect(interaction.returnTo, 303)
  })
}

/** The consent page (S13): what the relying site asks for, masked, with its purpose; optional is really optional. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { LoginDeps } from './deps.ts'
import type { Oidc } from '../../oidc/index.ts'
import { formField, formList } from '../../http/forms.ts'
import type { FieldError } from '../../http/pages.ts'
import { decidedScopes, recordRelease, requestedScopes, sensitiveScopes } from '../../records/consents/index.ts'
import type { StoredPerson } from '../../records/persons/index.ts'
import { addProofs } from '../../records/login-attempts/index.ts'
import { consentPage } from './consent-page.ts'
import { interactionPath, loadContext, stepOf, type LoginContext } from './context.ts'
import { advance } from './dispatch.ts'
import { refuseLogin } from './finish.ts'

export function registerConsentStep (app: FastifyInstance, deps: LoginDeps, oidc: Oidc): void {
  app.get('/i/:uid/consent', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    if (context.person === null || stepOf(context).step !== 'finish') {
      return await reply.redirect(interactionPath(context.uid), 303)
    }
    return await showConsent(deps, context, context.person, request, reply, [])
  })

  app.post('/i/:uid/consent', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    request.requireCsrf(context.uid)
    const { person } = context
    if (person === null || stepOf(context).step !== 'finish') {
      return await reply.redirect(interactionPath(context.uid), 303)
    }
    const about = { address: request.clientAddress.ip, traceId: request.id }
    if (formField(request.body, 'decision') !== 'grant') {
      const location = await refuseLogin(
        deps,
        context,
        { error: 'access_denied', error_description: 'the end-user refused' },
        about
      )
      return await reply.redirect(location, 303)
    }
    const ticked = new Set(formList(request.body, 'scope'))
    const scopes = requestedScopes(context)
    const required = scopes.filter((scope) => !context.policy.optionalScopes.includes(scope))
    const missing = required.filter((scope) => sensitiveScopes.includes(scope) && !ticked.has(scope))
    if (missing.length > 0) {
      return await showConsent(
        deps,
        context,
        person,
        request,
        reply,
        missing.map((scope) => ({ field: `scope-${scope}`, code: 'consent_required' }))
      )
    }
    const given = scopes.filter(
      (scope) => (required.includes(scope) && !sensitiveScopes.includes(scope)) || ticked.has(scope)
    )
    await deps.db.transaction().execute(async (trx) => {
      const proof = { kind: 'consent', at: Math.floor(deps.clock.now() / 1000), scopes: given } as const
      if (!(await addProofs(trx, context.uid, context.browserHash, person.id, [proof]))) return
      for (const scope of scopes) {
        await recordRelease(trx, deps, {
          personId: person.id,
          clientId: context.client.clientId,
          scope,
          given: given.includes(scope),
          locale: request.locale,
          source: context.uid
        })
      }
      await deps.audit.record(trx, {
        ...about,
        type: 'consent.given',
        personId: person.id,
        clientId: context.client.clientId,
        loginAttemptUid: context.uid,
        details: { scopes: given }
      })
    })
    return await advance(deps, oidc, request, reply, 'session')
  })
}

async function showConsent (
  deps: LoginDeps,
  context: LoginContext,
  person: StoredPerson,
  request: FastifyRequest,
  reply: FastifyReply,
  errors: FieldError[]
): Promise<FastifyReply> {
  const { policy, rp, client } = context
  return await reply.page(
    'login/consent',
    {
      ...consentPage({
        rp,
        policy,
        scopes: requestedScopes(context),
        person,
        decided: await decidedScopes(deps.db, person.id, client.clientId),
        offline: client.grantTypeAllowed('refresh_token')
      }),
      action: interactionPath(context.uid, 'consent'),
      csrf: request.csrfToken(context.uid),
      errors
    },
    { status: errors.length > 0 ? 422 : 200 }
  )
}

/** The consent page: what the relying site requests, masked, with its purpose. Optional scopes can be refused. */
import type { FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { requestedScopes, sensitiveScopes } from '../../domain/claims/requested-scopes.ts'
import { formField, formList } from '../../http/forms.ts'
import type { FieldError } from '../../http/pages.ts'
import { decidedScopes, recordRelease } from '../../records/consents/index.ts'
import { listApiConsents } from '../../records/resource-servers/index.ts'
import { addProofs } from '../../records/login-attempts/index.ts'
import { loginPath } from './attempt.ts'
import { consentPage, showApis } from './consent-page.ts'
import type { StepDeps } from './deps.ts'
import { eventContext } from './event-context.ts'
import { identifiedPerson, type LoginContext } from './facts.ts'
import { recorded, refuse, show, type Outcome } from './step.ts'

const requested = ({ params, client }: LoginContext): string[] => requestedScopes(params['scope'], client)

export function consentStep (deps: StepDeps) {
  async function page (context: LoginContext, request: FastifyRequest, errors: FieldError[] = []): Promise<Outcome> {
    const { policy, rp, client } = context
    const person = identifiedPerson(context)
    return show(
      'login/consent',
      {
        ...consentPage({
          rp,
          policy,
          scopes: requested(context),
          apis: showApis(context.apis, request.locale),
          person,
          decided: await decidedScopes(deps.db, person.id, client.clientId),
          offline: client.grantTypeAllowed('refresh_token')
        }),
        action: loginPath(context.uid, 'consent'),
        csrf: request.csrfToken(context.uid),
        errors
      },
      { status: errors.length > 0 ? 422 : 200 }
    )
  }

  return {
    page: async (context: LoginContext, request: FastifyRequest): Promise<Outcome> => await page(context, request),

    async submit (context: LoginContext, request: FastifyRequest): Promise<Outcome> {
      const person = identifiedPerson(context)
      if (formField(request.body, 'decision') !== 'grant') {
        return refuse('access_denied', 'the end-user refused', 'consent.refused')
      }
      const ticked = new Set(formList(request.body, 'scope'))
      const scopes = requested(context)
      const required = scopes.filter((scope) => !context.policy.optionalScopes.includes(scope))
      const missing = required.filter((scope) => sensitiveScopes.includes(scope) && !ticked.has(scope))
      if (missing.length > 0) {
        return await page(
          context,
          request,
          missing.map((scope) => ({ field: `scope-${scope}`, code: 'consent_required' }))
        )
      }
      const given = scopes.filter(
        (scope) => (required.includes(scope) && !sensitiveScopes.includes(scope)) || ticked.has(scope)
      )
      // of APIs what was shown, and nothing that was granted to the site since
      const shown = formList(request.body, 'api')
      const atApis = listApiConsents(context.apis).filter((one) => shown.includes(one))
      given.push(...atApis)
      await inTransaction(deps.db, async (trx) => {
        const proof = { kind: 'consent', at: Math.floor(deps.clock.now() / 1000), scopes: given } as const
        const { uid, browserHash } = context
        if (!(await addProofs(trx, { uid, browserHash, personId: person.id, proofs: [proof] }))) return
        for (const scope of [...scopes, ...atApis]) {
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
          ...eventContext(context, request),
          type: 'consent.given',
          personId: person.id,
          details: { scopes: given }
        })
      })
      return recorded('session')
    }
  }
}

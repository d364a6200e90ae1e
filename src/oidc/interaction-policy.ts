/**
 * When the provider shows the hosted login. The library's checks stay, except those of `acr`, which compare exactly and
 * do not enforce `acr_values`. The checks here compare levels: a session with a higher level satisfies a request for a
 * lower one.
 */
import { errors, interactionPolicy, type Client, type KoaContextWithOIDC } from 'oidc-provider'
import { requestedScopes } from '../domain/claims/requested-scopes.ts'
import { levelOfAcr } from '../domain/identity/assurance.ts'
import { meetsLevel, requestedLevel } from '../domain/login/requested-level.ts'
import { isRequestedSubject, requestedSubjects } from '../domain/login/requested-subject.ts'
import { clientPolicy } from '../domain/client/policy.ts'
import { isConsentDue } from '../records/consents/index.ts'
import { listApiConsents, requestedApi } from '../records/resource-servers/index.ts'
import type { OidcDeps } from './deps.ts'
import { getRequestState } from './request-state.ts'

const { Check, Prompt, base } = interactionPolicy

const askIf = (condition: boolean): boolean => (condition ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT)

export const readPolicy = (client: unknown): unknown => (client as Record<string, unknown> | undefined)?.['kora_policy']

/**
 * The prompts in their order: choose an identity, sign in with the requested level, consent. The grant of each request
 * counts undecided scopes as decided, so a check here asks for consent.
 */
export function createInteractionPolicy (
  deps: Pick<OidcDeps, 'db'> & { toSubject: (client: Client, accountSub: string) => string }
) {
  const policy = base()
  const login = policy.get('login')
  login?.checks.remove('essential_acrs')
  login?.checks.remove('essential_acr')
  // they look at the first request only, and ask again and again
  login?.checks.remove('id_token_hint')
  login?.checks.remove('claims_id_token_sub_value')
  // the representation is no matter of consent: the rules about it say what is granted
  policy.get('consent')?.checks.remove('rar_prompt')
  login?.checks.add(
    new Check('account_gone', 'End-User authentication is required', 'login_required', (ctx: KoaContextWithOIDC) =>
      askIf(ctx.oidc.session?.accountId !== undefined && ctx.oidc.account === undefined)
    )
  )
  login?.checks.add(
    new Check('requested_subject', 'another end-user is requested', 'login_required', (ctx: KoaContextWithOIDC) => {
      const { client, session, params, result } = ctx.oidc
      if (client === undefined || session?.accountId === undefined) return Check.NO_NEED_TO_PROMPT
      const subject = deps.toSubject(client, session.accountId)
      if (isRequestedSubject(requestedSubjects(params ?? {}), subject)) return Check.NO_NEED_TO_PROMPT
      // another person has just signed in (OIDC Core §3.1.2.2)
      if (result?.login !== undefined) throw new errors.LoginRequired('another end-user has signed in')
      return Check.REQUEST_PROMPT
    })
  )
  login?.checks.add(
    new Check('level', 'a stronger authentication is required', 'interaction_required', (ctx: KoaContextWithOIDC) => {
      const requested = requestedLevel(
        clientPolicy(readPolicy(ctx.oidc.client)),
        ctx.oidc.params ?? {},
        [...getRequestState(ctx).apis.values()]
      )
      const reached = levelOfAcr(ctx.oidc.session?.acr ?? '') ?? 1
      return askIf(ctx.oidc.session?.accountId !== undefined && !meetsLevel(reached, requested))
    })
  )
  login?.checks.add(
    new Check(
      'confined',
      'the session stands for one organization only',
      'login_required',
      (ctx: KoaContextWithOIDC) => askIf(getRequestState(ctx).mustChoose === 'confined')
    )
  )
  policy.get('consent')?.checks.add(
    new Check('undecided', 'the end-user has not agreed yet', 'consent_required', async (ctx: KoaContextWithOIDC) => {
      const { client, account } = ctx.oidc
      const personId = (account as { person?: { id: string } } | undefined)?.person?.id
      if (client === undefined || personId === undefined) return Check.NO_NEED_TO_PROMPT
      return askIf(
        await isConsentDue(deps.db, {
          personId,
          clientId: client.clientId,
          policy: clientPolicy(readPolicy(client)),
          scopes: [
            ...requestedScopes(ctx.oidc.params?.['scope'], client),
            ...listApiConsents([...getRequestState(ctx).apis.values()].map((access) =>
              requestedApi(access, ctx.oidc.params?.['scope'])))
          ]
        })
      )
    })
  )
  policy.add(
    new Prompt(
      { name: 'select_account', requestable: true },
      new Check(
        'representation',
        'the end-user must choose in whose name to go on',
        'login_required',
        (ctx: KoaContextWithOIDC) => askIf(getRequestState(ctx).mustChoose === 'representation')
      ),
      new Check(
        'asked',
        'the end-user does not act for the organization asked for, or not so far',
        'interaction_required',
        (ctx: KoaContextWithOIDC) => askIf(getRequestState(ctx).mustChoose === 'requested')
      )
    ),
    0
  )
  return policy
}

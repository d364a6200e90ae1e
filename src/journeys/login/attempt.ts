/**
 * One run through the hosted login in one request: the interaction of the provider and the login attempt, bound to this
 * browser. Nothing here changes while a request runs, except the row, which facts.ts reads again.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Client, Interaction, Session } from 'oidc-provider'
import { consoleClientId } from '../../domain/administration/administration.ts'
import { PageError } from '../../http/page-error.ts'
import { SeeOther } from '../../http/see-other.ts'
import { lifetimes } from '../../oidc/configuration.ts'
import { readInteractionBrowser } from '../../oidc/overrides/keep-interaction-browser.ts'
import { type AttemptRow, findExpiredInteraction, openAttempt } from '../../records/login-attempts/index.ts'
import type { StepDeps } from './deps.ts'

export interface LoginAttempt {
  uid: string
  browserHash: string
  interaction: Interaction
  params: Record<string, unknown>
  client: Client
  row: AttemptRow
  /** Not that of the interaction, because a person may have signed in in another tab meanwhile. Read once. */
  browserSession(): Promise<Session | undefined>
}

/** Administrators have their own way to sign in, and people have the others. */
export type Audience = 'people' | 'administrators'

export const loginPath = (uid: string, path = ''): string => `/i/${uid}${path === '' ? '' : `/${path}`}`

/** Ends the request with the right page when the login has expired, or belongs to another browser or audience. */
export async function openLogin (
  deps: StepDeps,
  { request, reply, audience }: { request: FastifyRequest; reply: FastifyReply; audience: Audience }
): Promise<LoginAttempt> {
  const { uid = '' } = request.params as { uid?: string }
  // administrators are led back to the console, however odd the address is
  if (audience === 'people' && !/^[\w-]{21,64}$/.test(uid)) throw new PageError(404, 'not_found')
  // it was set with the redirect to this page (oidc/browser-binding.ts)
  const presented = request.browser?.hash
  const browserHash = reply.ensureBrowser().hash
  const interaction = await findInteraction(deps, request, reply)
  if (presented === undefined && audience === 'people') throw new PageError(403, 'cookie')
  // the library compares the cookie neither with the path nor with the browser; without this check, one flow could be
  // finished in the name of another
  if (interaction === null || interaction.uid !== uid || !isBoundTo(interaction, browserHash)) {
    if (audience === 'administrators') throw new PageError(409, 'not_started', { restartHref: '/admin' })
    throw await expiredLogin(deps, uid, browserHash)
  }
  const { params } = interaction
  const client = await deps.oidc.provider.Client.find(String(params['client_id']))
  if (client === undefined) throw new PageError(400, 'bad_client')
  if ((client.clientId === consoleClientId) !== (audience === 'administrators')) {
    throw audience === 'people' ? new SeeOther(loginPath(uid, 'administrator')) : new PageError(404, 'not_found')
  }
  if (audience === 'people') {
    request.preferLocales(typeof params['ui_locales'] === 'string' ? params['ui_locales'] : undefined)
  }
  const row = await openAttempt(deps, {
    uid,
    browserHash,
    clientId: client.clientId,
    params,
    device: interaction.deviceCode !== undefined,
    seconds: lifetimes.interaction
  })
  if (row === null) throw new PageError(403, 'cookie')
  // ended before the interaction: the account was locked meanwhile
  if (row.expired && row.finishedAt === null) throw await expiredLogin(deps, uid, browserHash)
  // it is finished, and the answer was lost or the form was sent twice: go where that answer led
  if (row.finishedAt !== null && interaction.result !== undefined) throw new SeeOther(interaction.returnTo)
  let session: Promise<Session | undefined> | undefined
  return {
    uid,
    browserHash,
    interaction,
    params,
    client,
    row,
    async browserSession () {
      const cookie = request.cookies[deps.oidc.provider.cookieName('session')]
      session ??= cookie === undefined ? Promise.resolve(undefined) : deps.oidc.provider.Session.find(cookie)
      return await session
    }
  }
}

function isBoundTo (interaction: Interaction, browserHash: string): boolean {
  const bound = readInteractionBrowser(interaction)
  return bound === undefined || bound === browserHash
}

/** Is this word in the request's `prompt`? */
export const hasPrompt = ({ params }: Pick<LoginAttempt, 'params'>, word: string): boolean =>
  String(params['prompt'] ?? '')
    .split(' ')
    .includes(word)

async function findInteraction (
  { oidc }: StepDeps,
  request: FastifyRequest,
  reply: FastifyReply
): Promise<Interaction | null> {
  try {
    return await oidc.provider.interactionDetails(request.raw, reply.raw)
  } catch (error) {
    // SessionNotFound: no cookie, or the interaction has expired
    if ((error as { error?: string }).error === 'invalid_request') return null
    throw error
  }
}

/** Restart it quietly, or say how to come back. */
async function expiredLogin (deps: StepDeps, uid: string, browserHash: string): Promise<Error> {
  const expired = await findExpiredInteraction(deps, uid, browserHash)
  if (expired.restart === null) {
    return new PageError(409, 'not_started', expired.back === null ? {} : { back: expired.back })
  }
  // a changed and repeated form must not silently sign in the former person
  return expired.finished
    ? new PageError(409, 'not_started', { restartHref: expired.restart })
    : new SeeOther(expired.restart)
}

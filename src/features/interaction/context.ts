/**
 * What every step of the hosted login starts from: the interaction of the provider, our attempt bound to
 * this browser, the client, and the facts for the dispatcher, all read from the database for this request.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Client, Interaction } from 'oidc-provider'
import type { Oidc } from '../../oidc/index.ts'
import { levelOfRequest, policyOf } from '../../oidc/interaction-policy.ts'
import { lifetimes } from '../../oidc/configuration.ts'
import type { Services } from '../../services.ts'
import { clientName, clientPolicy, type ClientPolicy } from '../../domain/client-policy.ts'
import { levelOfAcr, type Level } from '../../domain/assurance.ts'
import { nextStep, type AttemptFacts, type Step } from '../../domain/login-attempt.ts'
import { mayLogIn } from '../../domain/person.ts'
import { PageError } from '../../http/page-error.ts'
import type { RelyingSite } from '../../http/pages.ts'
import { createOrganizationLogin } from '../organizations/index.ts'
import { personById, personBySub, type StoredPerson } from '../persons/index.ts'
import { findAttempt, openAttempt, type AttemptRow, type StoredRequest } from './attempts.ts'

export interface LoginContext {
  uid: string
  browserHash: string
  interaction: Interaction
  params: Record<string, unknown>
  client: Client
  policy: ClientPolicy
  rp: RelyingSite
  row: AttemptRow
  /** Who the attempt is about now: identified here, or the person of a usable session. */
  person: StoredPerson | null
  requestedLevel: Level
  facts: AttemptFacts
  /** Uid of the session that this browser has now, when it is not of this account (`sub`). */
  sessionOfOther (sub: string): Promise<string | null>
}

export const interactionPath = (uid: string, step = ''): string => `/i/${uid}${step === '' ? '' : `/${step}`}`

/** Recomputed by every caller, never stored. */
export const stepOf = (context: LoginContext): Step => nextStep(context.facts)

/** Loads everything, or ends the request with the page that fits (expired, cookie missing, foreign attempt). */
export async function loadContext (services: Services, oidc: Oidc, request: FastifyRequest, reply: FastifyReply): Promise<LoginContext> {
  const { uid = '' } = request.params as { uid?: string }
  if (!/^[\w-]{21,64}$/.test(uid)) throw new PageError(404, 'not_found')
  const browser = reply.ensureBrowser()
  const interaction = await interactionOf(oidc, request, reply)
  // the library does not compare the cookie with the path; without this, one flow could be finished in another's name
  if (!interaction || interaction.uid !== uid) throw await lostAttempt(services, uid, browser.hash)
  const params = interaction.params
  const client = await oidc.provider.Client.find(String(params['client_id']))
  if (!client) throw new PageError(400, 'bad_client')
  request.preferLocales(typeof params['ui_locales'] === 'string' ? params['ui_locales'] : undefined)
  const row = await openAttempt(services.db, { uid, browserHash: browser.hash, clientId: client.clientId, params, seconds: lifetimes.interaction })
  if (!row) throw new PageError(403, 'cookie')
  const policy = clientPolicy(policyOf(client))
  const session = await usableSession(services, oidc, interaction, row)
  const person = row.personId !== null ? await personById(services.db, services.crypto, row.personId) : session?.person ?? null
  const organization = row.proofs.find((proof) => proof.kind === 'organization' && proof.personId !== null && proof.personId === person?.id)
  const trustedBrowser = organization?.kind === 'organization' && person !== null &&
    await createOrganizationLogin(services).trustedBrowser(organization.organizationId, person.id, browser.hash)
  const requestedLevel = levelOfRequest(policyOf(client), params as { acr_values?: unknown })
  const name = clientName(policy, request.locale)
  return {
    uid,
    browserHash: browser.hash,
    interaction,
    params,
    client,
    policy,
    rp: { name: name.text || client.clientName || client.clientId, lang: name.lang, host: hostOf(params['redirect_uri']) },
    row,
    person,
    requestedLevel,
    async sessionOfOther (sub) {
      // not the interaction's: another tab may have logged somebody in meanwhile
      const cookie = request.cookies[oidc.provider.cookieName('session')]
      const current = cookie === undefined ? undefined : await oidc.provider.Session.find(cookie)
      return current?.accountId === undefined || current.accountId === sub ? null : current.uid
    },
    facts: {
      facePolicy: services.config.facePolicy,
      requestedLevel,
      person: person === null
        ? null
        : {
            id: person.id,
            enabled: mayLogIn(person),
            assuranceLevel: person.assuranceLevel,
            faceVerified: person.faceVerifiedAt !== null || person.assuranceLevel >= 3
          },
      session: session === null ? null : { personId: session.person.id, level: session.level, amr: session.amr, authTime: session.authTime },
      proofs: row.proofs,
      trustedBrowser
    }
  }
}

export function hostOf (address: unknown): string {
  try { return new URL(String(address)).host } catch { return '' }
}

async function interactionOf (oidc: Oidc, request: FastifyRequest, reply: FastifyReply): Promise<Interaction | null> {
  try {
    return await oidc.provider.interactionDetails(request.raw, reply.raw)
  } catch (error) {
    // SessionNotFound: no cookie, or the interaction has expired
    if ((error as { error?: string }).error === 'invalid_request') return null
    throw error
  }
}

async function usableSession (services: Services, oidc: Oidc, interaction: Interaction, row: AttemptRow): Promise<{ person: StoredPerson, level: Level, amr: string[], authTime: number } | null> {
  const uid = interaction.session?.uid
  const mustAuthenticate = interaction.prompt.reasons.some((reason) => reason === 'login_prompt' || reason === 'max_age')
  if (uid === undefined || mustAuthenticate || (row.request as StoredRequest).freshLogin === true) return null
  const session = await oidc.provider.Session.findByUid(uid)
  if (session?.accountId === undefined) return null
  // another prompt may have come first and hidden these: what the request asks for counts
  const { prompt, max_age: maxAge } = interaction.params
  if (String(prompt ?? '').split(' ').includes('login')) return null
  if (maxAge !== undefined && services.clock.now() / 1000 - (session.loginTs ?? 0) > Number(maxAge)) return null
  const person = await personBySub(services.db, services.crypto, session.accountId)
  if (!person || !mayLogIn(person)) return null
  return { person, level: levelOfAcr(session.acr ?? '') ?? 1, amr: session.amr ?? [], authTime: session.loginTs ?? 0 }
}

/** The interaction is gone. Restart it quietly from what this browser's attempt remembers, or say how to come back. */
async function lostAttempt (services: Services, uid: string, browserHash: string): Promise<Error> {
  const row = await findAttempt(services.db, uid)
  if (row === undefined || row.browserHash !== browserHash) return new PageError(409, 'not_started')
  const params = (row.request as StoredRequest).params
  const client = await services.db.selectFrom('client').select('policy').where('clientId', '=', row.clientId).executeTakeFirst()
  const policy = clientPolicy(client?.policy)
  const back = policy.homeUri === undefined ? undefined : { href: policy.homeUri, name: policy.names['zh-CN'], lang: 'zh-CN' }
  if (row.finishedAt !== null) return new PageError(409, 'not_started', back === undefined ? {} : { back })
  return new RestartLogin(`/oidc/auth?${new URLSearchParams(params).toString()}`)
}

/** Answered with a 303 to the same authorization request, made again. */
export class RestartLogin extends Error {
  readonly location: string
  constructor (location: string) {
    super('restart')
    this.name = 'RestartLogin'
    this.location = location
  }
}

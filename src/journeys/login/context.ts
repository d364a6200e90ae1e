/**
 * What every step of the hosted login starts from: the interaction of the provider, our attempt bound to
 * this browser, the client, and the facts for the dispatcher, all read from the database for this request.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Client, Interaction, Session } from 'oidc-provider'
import type { Oidc } from '../../oidc/index.ts'
import { currentRef } from '../../oidc/acting-for.ts'
import { levelOfRequest, policyOf } from '../../oidc/interaction-policy.ts'
import { lifetimes } from '../../oidc/configuration.ts'
import type { ClientAuthorization } from '../../tokens/session-change.ts'
import type { LoginDeps } from './deps.ts'
import { consoleClientId } from '../../domain/administration/administration.ts'
import { clientPolicy, type ClientPolicy } from '../../domain/client/policy.ts'
import { levelOfAcr, type Level } from '../../domain/identity/assurance.ts'
import { nextStep, organizationProof, type AttemptFacts, type Step } from '../../domain/login/next-step.ts'
import type { RepresentationRef } from '../../domain/representation/representation.ts'
import { mayLogIn } from '../../domain/identity/person.ts'
import { PageError } from '../../http/page-error.ts'
import { SeeOther } from '../../http/see-other.ts'
import type { RelyingSite } from '../../http/pages.ts'
import { personById, personBySub, type StoredPerson } from '../../records/persons/index.ts'
import { createOrganizationLogin, organizationById } from '../../records/organizations/index.ts'
import { relyingSite } from './consent-page.ts'
import { type AttemptRow, lostLogin, openAttempt, type StoredRequest } from '../../records/login-attempts/index.ts'

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
  sessionOfOther(sub: string): Promise<string | null>
  /**
   * Whom this browser's session represents at this site now; null when it is not of this account, or not in use here.
   */
  currentRepresentation(sub: string): Promise<RepresentationRef | null>
}

export const interactionPath = (uid: string, step = ''): string => `/i/${uid}${step === '' ? '' : `/${step}`}`

/** Recomputed by every caller, never stored. */
export const stepOf = (context: LoginContext): Step => nextStep(context.facts)

/** Loads everything, or ends the request with the page that fits (expired, cookie missing, foreign attempt). */
export async function loadContext (
  deps: LoginDeps,
  oidc: Oidc,
  request: FastifyRequest,
  reply: FastifyReply
): Promise<LoginContext> {
  const { uid = '' } = request.params as { uid?: string }
  if (!/^[\w-]{21,64}$/.test(uid)) throw new PageError(404, 'not_found')
  const browser = reply.ensureBrowser()
  const interaction = await interactionOf(oidc, request, reply)
  // the library does not compare the cookie with the path; without this, one flow could be finished in another's name
  if (!interaction || interaction.uid !== uid) throw await lostAttempt(deps, uid, browser.hash)
  const params = interaction.params
  const client = await oidc.provider.Client.find(String(params['client_id']))
  if (!client) throw new PageError(400, 'bad_client')
  // administrators have one way to log in, and people none of theirs
  if (client.clientId === consoleClientId) throw new SeeOther(interactionPath(uid, 'administrator'))
  request.preferLocales(typeof params['ui_locales'] === 'string' ? params['ui_locales'] : undefined)
  const row = await openAttempt(deps.db, {
    uid,
    browserHash: browser.hash,
    clientId: client.clientId,
    params,
    device: interaction.deviceCode !== undefined,
    seconds: lifetimes.interaction
  })
  if (!row) throw new PageError(403, 'cookie')
  const policy = clientPolicy(policyOf(client))
  const session = await usableSession(deps, oidc, interaction, row)
  const organization = organizationProof(row.proofs)
  // an organization was identified: whose session this is says nothing of who comes for it
  const person =
    row.personId !== null
      ? await personById(deps.db, deps.crypto, row.personId)
      : organization === undefined
        ? (session?.person ?? null)
        : null
  const requestedLevel = levelOfRequest(policyOf(client), params as { acr_values?: unknown })
  return {
    uid,
    browserHash: browser.hash,
    interaction,
    params,
    client,
    policy,
    rp: relyingSite(policy, request.locale, {
      otherwise: client.clientName || client.clientId,
      host: hostOf(params['redirect_uri']) || hostOf(client.clientUri ?? policy.homeUri)
    }),
    row,
    person,
    requestedLevel,
    async sessionOfOther (sub) {
      const current = await currentSession()
      return current?.accountId === undefined || current.accountId === sub ? null : current.uid
    },
    async currentRepresentation (sub) {
      const current = await currentSession()
      const { clientId } = client
      const { authorizations } = (current ?? {}) as { authorizations?: Record<string, ClientAuthorization> }
      return current?.accountId === sub && Object.hasOwn(authorizations ?? {}, clientId)
        ? currentRef(authorizations?.[clientId])
        : null
    },
    facts: {
      facePolicy: deps.config.facePolicy,
      requestedLevel,
      person:
        person === null
          ? null
          : {
              id: person.id,
              enabled: mayLogIn(person),
              assuranceLevel: person.assuranceLevel,
              faceVerified: person.faceVerifiedAt !== null || person.assuranceLevel >= 3
            },
      session:
        session === null
          ? null
          : { personId: session.person.id, level: session.level, amr: session.amr, authTime: session.authTime },
      proofs: row.proofs,
      trustedBrowser:
        organization !== undefined &&
        person !== null &&
        (await isTrusted(deps, organization.organizationId, person.id, browser.hash))
    }
  }

  /** Not the interaction's: another tab may have logged somebody in meanwhile. */
  async function currentSession (): Promise<Session | undefined> {
    const cookie = request.cookies[oidc.provider.cookieName('session')]
    return cookie === undefined ? undefined : await oidc.provider.Session.find(cookie)
  }
}

/** A binding counts while the password behind it is not known to somebody who left. */
async function isTrusted (
  deps: LoginDeps,
  organizationId: string,
  personId: string,
  browserHash: string
): Promise<boolean> {
  const organization = await organizationById(deps.db, organizationId)
  if (organization === null || organization.passwordMustChange) return false
  return await createOrganizationLogin(deps).trustedBrowser(organizationId, personId, browserHash)
}

export function hostOf (address: unknown): string {
  try {
    return new URL(String(address)).host
  } catch {
    return ''
  }
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

async function usableSession (
  deps: LoginDeps,
  oidc: Oidc,
  interaction: Interaction,
  row: AttemptRow
): Promise<{ person: StoredPerson; level: Level; amr: string[]; authTime: number } | null> {
  const uid = interaction.session?.uid
  // not the reasons of the prompt: choosing an identity comes first and hides them
  const { prompt, max_age: maxAge } = interaction.params
  const mustAuthenticate = String(prompt ?? '')
    .split(' ')
    .includes('login')
  if (uid === undefined || mustAuthenticate || (row.request as StoredRequest).freshLogin === true) return null
  const session = await oidc.provider.Session.findByUid(uid)
  if (session?.accountId === undefined) return null
  if (maxAge !== undefined && deps.clock.now() / 1000 - (session.loginTs ?? 0) > Number(maxAge)) return null
  const person = await personBySub(deps.db, deps.crypto, session.accountId)
  if (!person || !mayLogIn(person)) return null
  return { person, level: levelOfAcr(session.acr ?? '') ?? 1, amr: session.amr ?? [], authTime: session.loginTs ?? 0 }
}

/** The interaction is gone. Restart it quietly, or say how to come back. */
async function lostAttempt (deps: LoginDeps, uid: string, browserHash: string): Promise<Error> {
  const lost = await lostLogin(deps, uid, browserHash)
  return lost.restart === null
    ? new PageError(409, 'not_started', lost.back === null ? {} : { back: lost.back })
    : new SeeOther(lost.restart)
}

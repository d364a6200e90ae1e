/**
 * The facts of one login, read from the database for this request, and the step that follows from them. Representation
 * and consent are read only when the decision needs them, once.
 */
import { clientPolicy, type ClientPolicy } from '../../domain/client/policy.ts'
import { requestedScopes } from '../../domain/claims/requested-scopes.ts'
import { levelOfAcr } from '../../domain/identity/assurance.ts'
import { mayLogIn } from '../../domain/identity/person.ts'
import {
  asksConsent,
  asksRepresentation,
  missingAuthentication,
  nextStep,
  organizationProof,
  type IdentityFacts,
  type LoginFacts,
  type RepresentationState,
  type Step
} from '../../domain/login/next-step.ts'
import { isRequestedSubject, requestedSubjects } from '../../domain/login/requested-subject.ts'
import { requestedLevel } from '../../domain/login/requested-level.ts'
import { denialCode, waitsForPassword } from '../../domain/representation/authorization.ts'
import { explainUnmet, type RepresentationOption } from '../../domain/representation/option.ts'
import {
  requestedRepresentation,
  type RequestedRepresentation
} from '../../domain/representation/representation-request.ts'
import { parseRef, type RepresentationRef } from '../../domain/representation/representation.ts'
import { PageError } from '../../http/page-error.ts'
import type { RelyingSite } from '../../http/pages.ts'
import type { Locale } from '../../http/locale.ts'
import { currentRef, readSiteFacts, type SiteFacts } from '../../oidc/acting-for.ts'
import { readPolicy } from '../../oidc/interaction-policy.ts'
import { readSessionConfinement } from '../../oidc/overrides/keep-session-confinement.ts'
import { isConsentDue } from '../../records/consents/index.ts'
import { findAttempt, type StoredRequest } from '../../records/login-attempts/index.ts'
import {
  organizationById,
  resolveReference,
  resolveRepresentation,
  type Candidate,
  type StoredOrganization
} from '../../records/organizations/index.ts'
import { personById, personBySub, type StoredPerson } from '../../records/persons/index.ts'
import { findRequestedApis, listApiConsents, type RequestedApi } from '../../records/resource-servers/index.ts'
import type { ClientAuthorization } from '../../tokens/session-change.ts'
import { hasPrompt, type LoginAttempt } from './attempt.ts'
import type { StepDeps } from './deps.ts'
import { readHost, relyingSite } from './relying-site.ts'

type UsableSession = NonNullable<IdentityFacts['session']> & { person: StoredPerson }

/** Facts that no proof changes: read once in a request. */
interface FixedFacts extends LoginAttempt {
  locale: Locale
  /** The single sign-on session that this login may be built on. */
  session: UsableSession | null
}

/** What every step of a person's login starts from. */
export interface LoginContext extends FixedFacts {
  policy: ClientPolicy
  /** APIs for which the site requests tokens, if it may. */
  apis: RequestedApi[]
  site: SiteFacts
  rp: RelyingSite
  /** What the site requests (RFC 9396); null: it leaves that to the person. */
  requested: RequestedRepresentation | null
  /** The person that the attempt is about now: identified here, or the person of a usable session. */
  person: StoredPerson | null
  /** The organization that was identified by its password. */
  organization: StoredOrganization | null
  facts: IdentityFacts
  /** Where this login goes next, by these facts. */
  next(): Promise<Step>
  /** What the phone is asked for; null: nothing. */
  verification(): Promise<Extract<Step, { step: 'verify' }> | null>
  /** Whom the person represented here, or chose to represent, until it ended; null: nothing ended. */
  endedRepresentation(): Promise<RepresentationRef | null>
  /** Everything that the person could choose here. */
  options(): Promise<RepresentationOption[]>
  /** Everybody who could act for the organization in the chosen role. */
  candidates(): Promise<Candidate[]>
}

export async function loadContext (deps: StepDeps, attempt: LoginAttempt, locale: Locale): Promise<LoginContext> {
  return await loadFacts(deps, { ...attempt, locale, session: await usableSession(deps, attempt) })
}

/** After a proof was recorded: what it may have changed is read again, for the next decision. */
export async function reloadContext (deps: StepDeps, context: LoginContext): Promise<LoginContext> {
  const row = await findAttempt(deps.db, context.uid)
  if (row?.browserHash !== context.browserHash) throw new PageError(409, 'not_started')
  return await loadFacts(deps, { ...context, row })
}

async function loadFacts (deps: StepDeps, fixed: FixedFacts): Promise<LoginContext> {
  const { row, client, params, session } = fixed
  const policy = clientPolicy(readPolicy(client))
  const site = readSiteFacts(client)
  const proof = organizationProof(row.proofs)
  // an organization was identified: the session does not say who comes for it
  const person =
    row.personId !== null
      ? await personById(deps.db, deps.crypto, row.personId)
      : proof === undefined
        ? (session?.person ?? null)
        : null
  const organization = proof === undefined ? null : await organizationById(deps.db, proof.organizationId)
  // a binding is valid as long as no former agent knows the password
  const trustedBrowser =
    organization !== null &&
    person !== null &&
    !organization.passwordMustChange &&
    (await deps.organizations.trustedBrowser(organization.id, person.id, fixed.browserHash))
  const apis = await findRequestedApis(deps.db, client.clientId, params)
  const context: LoginContext = {
    ...fixed,
    policy,
    apis,
    site,
    rp: relyingSite(policy, fixed.locale, {
      otherwise: client.clientName || client.clientId,
      host: readHost(params['redirect_uri']) || readHost(client.clientUri ?? policy.homeUri)
    }),
    requested: requestedRepresentation(params['authorization_details']),
    person,
    organization,
    facts: {
      facePolicy: deps.config.facePolicy,
      requestedLevel: requestedLevel(policy, params, apis),
      person: person === null ? null : personFacts(person),
      session,
      proofs: row.proofs,
      trustedBrowser,
      // Kora's own pages show what concerns the person
      confinedAllowed: deps.config.organizationPasswordLogin === 'confined' && policy.ownService !== true,
      representationChosen: row.representation !== null
    },
    next: once(async () => nextStep(await decidingFacts(deps, context))),
    verification: once(async () => {
      const missing = missingAuthentication(context.facts) ?? (await context.next())
      return missing.step === 'verify' ? missing : null
    }),
    endedRepresentation: once(async () => {
      if (person === null || row.representation !== null) return null
      const before = await previousRepresentation(context, person)
      const resolvable = before === null ||
        (await resolveReference(resolution(deps, context), { personId: person.id, site }, before)) !== null
      return resolvable ? null : before
    }),
    options: once(async () => (person === null ? [] : await deps.representations.listOptions(person.id, site))),
    candidates: once(async () =>
      proof === undefined ? [] : await deps.organizations.candidates(proof.organizationId, proof.role)
    )
  }
  return context
}

/** For steps that the table opens only when somebody is known. */
export function identifiedPerson ({ person }: Pick<LoginContext, 'person'>): StoredPerson {
  if (person === null) throw new Error('a step for a person that is not known yet')
  return person
}

const personFacts = (person: StoredPerson): NonNullable<IdentityFacts['person']> => ({
  id: person.id,
  enabled: mayLogIn(person),
  assuranceLevel: person.assuranceLevel,
  faceVerified: person.faceVerifiedAt !== null || person.assuranceLevel >= 3
})

async function decidingFacts (deps: StepDeps, context: LoginContext): Promise<LoginFacts> {
  const representation = asksRepresentation(context.facts)
    ? await representationState(deps, context)
    : ({ state: 'choose' } as const)
  const facts = {
    ...context.facts,
    representation,
    trustedBrowser: await isTrusted(deps, context, representation)
  }
  return { ...facts, consentDue: asksConsent(facts) && (await consentDue(deps, context)) }
}

/** Does this browser stand for the person at the organization that the login is about, by whichever tab it came? */
async function isTrusted (
  deps: StepDeps,
  { facts, organization, person, browserHash }: LoginContext,
  state: RepresentationState
): Promise<boolean> {
  // by its password: not while that has to be changed
  if (organization !== null) return facts.trustedBrowser === true
  if (person === null || state.state !== 'resolved' || state.representation.role === 'self') return false
  return await deps.organizations.trustedBrowser(state.representation.organization.id, person.id, browserHash)
}

const resolution = (deps: StepDeps, context: LoginContext): Parameters<typeof resolveRepresentation>[0] => ({
  representations: { ...deps.representations, listOptions: context.options },
  clock: deps.clock
})

/** In whose name (records/organizations/resolve-representation.ts), or why not. */
async function representationState (deps: StepDeps, context: LoginContext): Promise<RepresentationState> {
  const { person, organization, requested, row, site } = context
  const proof = organizationProof(row.proofs)
  const denied = async (): Promise<RepresentationState> => {
    const candidate = (await context.candidates()).find(({ personId }) => personId === row.personId)
    return {
      state: 'denied',
      code: denialCode({
        role: proof?.role ?? 'agent',
        organization: organization ?? { status: 'active', passwordMustChange: false },
        candidate: candidate?.state ?? null
      })
    }
  }
  if (person === null) {
    return proof?.role === 'agent' && (await context.candidates()).length > 0 ? { state: 'choose' } : await denied()
  }
  const chosen = parseRef(row.representation)
  if (proof !== undefined && organization !== null) {
    if (chosen === null || waitsForPassword({ role: proof.role, organization })) return await denied()
  }
  const answer = await resolveRepresentation(
    resolution(deps, context),
    {
      personId: person.id,
      site,
      requested,
      chosen,
      current: async () => await previousRepresentation(context, person),
      // a person with an earlier session is always asked; a person who has just signed in has chosen an account, and
      // only chooses between several options
      ...(hasPrompt(context, 'select_account') ? { show: row.personId === null ? 'always' : 'several' } : {})
    }
  )
  if (answer.state !== 'unmet') return answer.state === 'choose' && proof !== undefined ? await denied() : answer
  if (proof !== undefined && answer.chosen === null) return await denied()
  if (requested === null) return { state: 'choose' }
  return { state: 'unmet', code: explainUnmet(await context.options(), requested, site.catalogue).code }
}

async function consentDue (deps: StepDeps, context: LoginContext): Promise<boolean> {
  const { person, policy, apis, client, params, row } = context
  if (person === null || row.proofs.some(({ kind }) => kind === 'consent')) return false
  return await isConsentDue(deps.db, {
    personId: person.id,
    clientId: client.clientId,
    policy,
    scopes: [...requestedScopes(params['scope'], client), ...listApiConsents(apis)],
    prompted: hasPrompt(context, 'consent')
  })
}

/**
 * Whom the login before this one chose, when the protocol engine did not accept it any more; else whom this browser's
 * session represents at this site; null when it is not of this person, or not in use here.
 */
async function previousRepresentation (
  { browserSession, client, interaction }: LoginContext,
  person: StoredPerson
): Promise<RepresentationRef | null> {
  const submitted = (interaction.lastSubmission as { kora?: { representation?: unknown } } | undefined)?.kora
  const before = parseRef(submitted?.representation)
  if (before !== null && before.role !== 'self') return before
  const session = await browserSession()
  // the person was never there for it
  if (readSessionConfinement(session) !== undefined) return null
  const { authorizations } = (session ?? {}) as { authorizations?: Record<string, ClientAuthorization> }
  return session?.accountId === person.sub && Object.hasOwn(authorizations ?? {}, client.clientId)
    ? currentRef(authorizations?.[client.clientId])
    : null
}

/** Whether the site's request is about this account; it may name another person (OIDC Core §3.1.2.2). */
export const isRequested = (
  { oidc }: Pick<StepDeps, 'oidc'>,
  { params, client }: Pick<LoginAttempt, 'params' | 'client'>,
  accountSub: string
): boolean => isRequestedSubject(requestedSubjects(params), oidc.toSubject(client, accountSub))

async function usableSession (
  deps: StepDeps,
  { interaction, row, params, client }: LoginAttempt
): Promise<UsableSession | null> {
  const uid = interaction.session?.uid
  const { max_age: maxAge } = params
  // not the reasons of the prompt, because choosing an identity comes first and hides them
  if (uid === undefined || hasPrompt({ params }, 'login') || (row.request as StoredRequest).freshLogin === true) {
    return null
  }
  const session = await deps.oidc.provider.Session.findByUid(uid)
  if (session?.accountId === undefined) return null
  if (!isRequested(deps, { params, client }, session.accountId)) return null
  // by an organization's password: it proves nothing about the person, so a login here begins at its start
  if (readSessionConfinement(session) !== undefined) return null
  if (maxAge !== undefined && deps.clock.now() / 1000 - (session.loginTs ?? 0) > Number(maxAge)) return null
  const person = await personBySub(deps.db, deps.crypto, session.accountId)
  if (person === null || !mayLogIn(person)) return null
  return {
    person,
    personId: person.id,
    level: levelOfAcr(session.acr ?? '') ?? 1,
    amr: session.amr ?? [],
    authTime: session.loginTs ?? 0
  }
}

/** The first result, for every caller. */
function once<T> (read: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined
  return async () => await (value ??= read())
}

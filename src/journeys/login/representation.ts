/**
 * In whose name (S3, J11): fixed by the organization tab, chosen on a page with every hat of the person, or decided
 * without asking (representation-choice.ts). And the page for an organization's people who may not act now.
 */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { LoginDeps } from './deps.ts'
import type { Oidc } from '../../oidc/index.ts'
import { siteOf } from '../../oidc/acting-for.ts'
import { isEstablished, organizationProof } from '../../domain/login/next-step.ts'
import { maskCertNo, maskName, maskUscc } from '../../domain/identity/masking.ts'
import { contextId, parseRef, refOf, type Representation } from '../../domain/representation/representation.ts'
import { formField } from '../../http/forms.ts'
import type { FormTarget, RelyingSite } from '../../http/pages.ts'
import {
  answers,
  type Candidate,
  chooseAsked,
  chooseSilently,
  createOrganizationLogin,
  createRepresentations,
  type Hat,
  type Organization,
  organizationById,
  resolveAt
} from '../../records/organizations/index.ts'
import { askedOf } from './asked.ts'
import { chooseRepresentation } from '../../records/login-attempts/index.ts'
import { interactionPath, loadContext, stepOf, type LoginContext } from './context.ts'
import { advance } from './dispatch.ts'

export interface RepresentationChoice {
  /** Posted as `choice`. */
  value: string
  kind: 'self' | 'legal_representative' | 'agent'
  /** Masked name of a person, or the organization's name. */
  name: string
  maskedNumber: string | null
  /** 'YYYY-MM-DD' end of a delegation. */
  until: string | null
  /** What will be asked next. */
  needs: 'password' | 'scan' | null
  /** Shown but not to be chosen. */
  blocked:
    | 'frozen'
    | 'suspended'
    | 'organization_suspended'
    | 'expired'
    | 'pending'
    | 'to_decide'
    | 'not_yet_valid'
    | 'not_allowed_here'
    | null
}

/** S3. Each choice is one button of one form: posts `csrf`, `choice`. */
export interface RepresentationPage extends FormTarget {
  rp: RelyingSite
  choices: RepresentationChoice[]
  otherAccountHref: string | null
  logoutHref: string | null
}

/** After the right password: why this person may not act for the organization now, and what to do about it. */
export interface NotAuthorizedPage {
  rp: RelyingSite
  organizationName: string
  role: 'legal_representative' | 'agent'
  /** Words: `standing.<code>.title` and `standing.<code>.body`. */
  code:
    | 'pending'
    | 'rejected'
    | 'suspended'
    | 'revoked'
    | 'expired'
    | 'not_allowed_here'
    | 'password_change'
    | 'no_agent'
    | 'no_representative'
    | 'to_decide'
    | 'organization_pending'
    | 'organization_suspended'
  /** Day (or moment) that the words speak of. */
  since: string | null
  againHref: string
  /** Null: this site takes organizations only. */
  personalHref: string | null
  /** Where the legal representative decides about an agent's application. */
  decideHref: string | null
}

declare module '../../http/pages.ts' {
  interface Pages {
    'login/representation': RepresentationPage
    'login/not-authorized': NotAuthorizedPage
  }
}

/**
 * Whom this attempt is for, resolved at this moment; null = the person must choose, or may not act (any more), or not
 * as asked.
 */
export async function representationOf (deps: LoginDeps, context: LoginContext): Promise<Representation | null> {
  const representation = await found(deps, context)
  return representation !== null && answers(representation, askedOf(context), siteOf(context.client))
    ? representation
    : null
}

async function found (deps: LoginDeps, context: LoginContext): Promise<Representation | null> {
  const { person } = context
  if (person === null) return null
  const representations = createRepresentations(deps)
  const site = siteOf(context.client)
  const chosen = parseRef(context.row.representation)
  if (chosen !== null) {
    if (await blockedByPassword(deps, context)) return null
    return await resolveAt(representations, deps.clock, person.id, chosen, site)
  }
  if (organizationProof(context.row.proofs) !== undefined) return null
  const details = askedOf(context)
  const mustShow = wantsChoice(context)
  // who is there by an earlier login is always shown; who has just logged in has chosen an account, and only has to
  // choose between hats
  if (mustShow && context.row.personId === null) return null
  if (details !== null) return await chooseAsked(representations, person.id, site, details)
  if (mustShow) {
    const free = (await representations.hatsOf(person.id, site)).filter(({ blocked }) => blocked === null)
    return free.length === 1 ? (free[0]?.representation ?? null) : null
  }
  return await chooseSilently(
    representations,
    deps.clock,
    person.id,
    site,
    await context.currentRepresentation(person.sub)
  )
}

/**
 * Somebody who knows the password has left: agents wait for a new one. The legal representative comes in to make it.
 */
async function blockedByPassword (deps: LoginDeps, context: LoginContext): Promise<boolean> {
  const proof = organizationProof(context.row.proofs)
  return (
    proof?.role === 'agent' && (await organizationById(deps.db, proof.organizationId))?.passwordMustChange === true
  )
}

const wantsChoice = ({ params }: LoginContext): boolean =>
  String(params['prompt'] ?? '')
    .split(' ')
    .includes('select_account')

/** Where the attempt goes when `representationOf` is null. */
export async function choicePath (deps: LoginDeps, context: LoginContext): Promise<string> {
  const to = (step: string): string => interactionPath(context.uid, step)
  const asked = askedOf(context)
  // somebody who may act, but not as asked for
  if (organizationProof(context.row.proofs) !== undefined) {
    return to(asked !== null && (await found(deps, context)) !== null ? 'asked' : 'standing')
  }
  if (asked === null || context.person === null) return to('select')
  const shown = wantsChoice(context) && context.row.personId === null
  return to(
    shown &&
      (await chooseAsked(createRepresentations(deps), context.person.id, siteOf(context.client), asked)) !== null
      ? 'select'
      : 'asked'
  )
}

/**
 * May this browser see the hats of the person? Only who has shown to be that person, and not when the organization is
 * fixed.
 */
const maySelect = (context: LoginContext): boolean =>
  isEstablished(context.facts) && organizationProof(context.row.proofs) === undefined

export function registerRepresentationStep (app: FastifyInstance, deps: LoginDeps, oidc: Oidc): void {
  const representations = createRepresentations(deps)
  const organizations = createOrganizationLogin(deps)

  app.get('/i/:uid/select', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    const { person } = context
    if (person === null || !maySelect(context)) return await reply.redirect(interactionPath(context.uid), 303)
    const hats = await representations.hatsOf(person.id, siteOf(context.client))
    const own = { name: maskName(person.name), number: maskCertNo(person.certNo) }
    return await reply.page('login/representation', {
      action: interactionPath(context.uid, 'select'),
      csrf: request.csrfToken(context.uid),
      rp: context.rp,
      choices: hats
        .filter(({ representation }) => answers(representation, askedOf(context), siteOf(context.client)))
        .map((hat) => choiceOf(hat, own, context)),
      otherAccountHref: interactionPath(context.uid, 'other'),
      logoutHref: null
    })
  })

  app.post('/i/:uid/select', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    request.requireCsrf(context.uid)
    const { person } = context
    if (person === null || !maySelect(context)) return await reply.redirect(interactionPath(context.uid), 303)
    const choice = formField(request.body, 'choice')
    const hat = (await representations.hatsOf(person.id, siteOf(context.client))).find(
      ({ representation }) => contextId(refOf(representation)) === choice
    )
    const about = {
      personId: person.id,
      clientId: context.client.clientId,
      loginAttemptUid: context.uid,
      address: request.clientAddress.ip,
      traceId: request.id
    }
    if (
      hat === undefined ||
      hat.blocked !== null ||
      !answers(hat.representation, askedOf(context), siteOf(context.client))
    ) {
      // what is not offered was not chosen by mistake
      await deps.db.transaction().execute(async (trx) => {
        await deps.audit.record(trx, {
          ...about,
          type: 'login.refused',
          reason: 'representation_not_offered',
          details: { choice }
        })
      })
      return await reply.redirect(interactionPath(context.uid, 'select'), 303)
    }
    await chooseRepresentation(deps.db, context.uid, context.browserHash, refOf(hat.representation))
    return await advance(deps, oidc, request, reply, 'session')
  })

  app.get('/i/:uid/standing', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    const proof = organizationProof(context.row.proofs)
    if (proof === undefined || (await representationOf(deps, context)) !== null) {
      return await reply.redirect(interactionPath(context.uid), 303)
    }
    const candidates = await organizations.candidates(proof.organizationId, proof.role)
    if (proof.role === 'agent' && context.row.personId === null && candidates.length > 0) {
      return await reply.redirect(interactionPath(context.uid, 'agent'), 303)
    }
    return await showStanding(
      context,
      proof,
      candidates.find(({ personId }) => personId === context.row.personId),
      reply
    )
  })

  async function showStanding (
    context: LoginContext,
    proof: { organizationId: string; role: 'legal_representative' | 'agent' },
    candidate: Candidate | undefined,
    reply: FastifyReply
  ): Promise<FastifyReply> {
    const organization = await organizationById(deps.db, proof.organizationId)
    const code =
      (await blockedByPassword(deps, context)) && candidate?.state === 'active'
        ? 'password_change'
        : standingOf(organization?.status ?? 'active', proof.role, candidate)
    return await reply.page(
      'login/not-authorized',
      {
        rp: context.rp,
        organizationName: organization?.name ?? '',
        role: proof.role,
        code,
        since: candidate?.delegationId == null ? null : await sinceOf(candidate.delegationId, candidate.state),
        againHref: `${interactionPath(context.uid, 'login')}?tab=legal`,
        personalHref: context.policy.subjectKinds.includes('person') ? interactionPath(context.uid, 'other') : null,
        decideHref: code === 'to_decide' ? '/me/login?to=/me/agents' : null
      },
      { status: 403 }
    )
  }

  /** The day that the words of a state speak of, in Shanghai. */
  async function sinceOf (delegationId: string, state: Candidate['state']): Promise<string | null> {
    const row = await deps.db
      .selectFrom('delegation')
      .select(['submittedAt', 'decidedAt', 'endedAt', 'validTo'])
      .where('id', '=', delegationId)
      .orderBy('version', 'desc')
      .executeTakeFirst()
    if (row === undefined) return null
    const at =
      state === 'pending'
        ? row.submittedAt
        : state === 'rejected'
          ? row.decidedAt
          : state === 'revoked'
            ? row.endedAt
            : null
    return state === 'expired' ? row.validTo : (at?.toISOString() ?? null)
  }
}

/**
 * Why somebody may not act for an organization now. What an agent waits for is said even before the organization is
 * active.
 */
function standingOf (
  status: Organization['status'],
  role: 'legal_representative' | 'agent',
  candidate: Candidate | undefined
): NotAuthorizedPage['code'] {
  if (status === 'suspended' || status === 'dissolved') return 'organization_suspended'
  if (candidate === undefined) return role === 'agent' ? 'no_agent' : 'no_representative'
  if (status === 'pending' && role === 'legal_representative') return 'to_decide'
  if (candidate.state === 'active') return status === 'pending' ? 'organization_pending' : 'not_allowed_here'
  return candidate.state
}

function choiceOf (
  { representation, blocked }: Hat,
  own: { name: string; number: string },
  context: LoginContext
): RepresentationChoice {
  const step = stepOf(context).step
  const common = {
    value: contextId(refOf(representation)),
    kind: representation.role,
    needs: step === 'verify' ? ('scan' as const) : null,
    blocked: step === 'refused' ? ('frozen' as const) : blocked
  }
  if (representation.role === 'self') return { ...common, name: own.name, maskedNumber: own.number, until: null }
  const { organization } = representation
  return {
    ...common,
    name: organization.name,
    maskedNumber: maskUscc(organization.uscc),
    until: representation.role === 'agent' ? representation.delegation.validTo : null
  }
}

/**
 * The relying site asks for a given organization, function and capacity (RFC 9396), and this person cannot give it: the
 * page that says why, with other ways on. Who gives up goes back to the site with a standard error.
 */
import type { FastifyInstance } from 'fastify'
import type { LoginDeps } from './deps.ts'
import type { Oidc } from '../../oidc/index.ts'
import { siteOf } from '../../oidc/acting-for.ts'
import { isEstablished, organizationProof } from '../../domain/login/next-step.ts'
import {
  unmetBy,
  type AskedRepresentation,
  type OrganizationRole,
  type Unmet
} from '../../domain/representation/representation-request.ts'
import type { FormTarget, RelyingSite } from '../../http/pages.ts'
import { createRepresentations, type Hat } from '../../records/organizations/index.ts'
import { askedOf } from './asked.ts'
import { interactionPath, loadContext, type LoginContext } from './context.ts'
import { refuseLogin } from './finish.ts'
import { choicePath, representationOf } from './representation.ts'

/** Posts `csrf`: give up. */
export interface UnmetRequestPage extends FormTarget {
  rp: RelyingSite
  uscc: string
  /** Only for who has something to do with the organization. */
  organizationName: string | null
  code: Unmet
  /** Words `select.blocked.<state>`: it would be enough, but not now. Null: `code` says why. */
  state: Hat['blocked']
  /** What the person is there; null with `code` organization. */
  role: OrganizationRole | null
  roles: OrganizationRole[]
  /** Names of the functions asked for, when they are what is missing. */
  functions: string[]
  otherAccountHref: string
  organizationHref: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'login/unmet-request': UnmetRequestPage
  }
}

export function registerAskedStep (app: FastifyInstance, deps: LoginDeps, oidc: Oidc): void {
  app.get('/i/:uid/asked', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    const dead = await deadEnd(context)
    if (dead === null) return await reply.redirect(interactionPath(context.uid), 303)
    const { asked, hat, code } = dead
    const role = hat === null || hat.representation.role === 'self' ? null : hat.representation.role
    return await reply.page(
      'login/unmet-request',
      {
        action: interactionPath(context.uid, 'asked'),
        csrf: request.csrfToken(context.uid),
        rp: context.rp,
        uscc: asked.uscc,
        organizationName:
          hat === null || hat.representation.role === 'self' ? null : hat.representation.organization.name,
        code: code ?? 'organization',
        state: code === null ? (hat?.blocked ?? null) : null,
        role,
        roles: asked.roles ?? [],
        functions:
          code === 'function'
            ? context.policy.functions
              .filter((offered) => asked.actions?.includes(offered.code))
              .map(({ name }) => name)
            : [],
        otherAccountHref: interactionPath(context.uid, 'other'),
        organizationHref: `${interactionPath(context.uid, 'login')}?tab=legal`
      },
      { status: 403 }
    )
  })

  app.post('/i/:uid/asked', async (request, reply) => {
    const context = await loadContext(deps, oidc, request, reply)
    request.requireCsrf(context.uid)
    if ((await deadEnd(context)) === null) return await reply.redirect(interactionPath(context.uid), 303)
    const error = {
      error: 'access_denied',
      error_description: 'the end-user may not act for the organization asked for, or not so far'
    }
    return await reply.redirect(
      await refuseLogin(deps, context, error, { address: request.clientAddress.ip, traceId: request.id }),
      303
    )
  })

  /** What is asked for, the nearest that this person has, and why that is not it; null: the login goes on elsewhere. */
  async function deadEnd (
    context: LoginContext
  ): Promise<{ asked: AskedRepresentation; hat: Hat | null; code: Unmet | null } | null> {
    const asked = askedOf(context)
    const { person } = context
    if (asked === null || person === null) return null
    if (!isEstablished(context.facts) && organizationProof(context.row.proofs) === undefined) return null
    if (
      (await representationOf(deps, context)) !== null ||
      (await choicePath(deps, context)) !== interactionPath(context.uid, 'asked')
    ) {
      return null
    }
    const site = siteOf(context.client)
    const reason = ({ representation }: Hat): Unmet | null => unmetBy(representation, asked, site.catalogue)
    const mine = (await createRepresentations(deps).hatsOf(person.id, site)).filter(
      (hat) => reason(hat) !== 'organization'
    )
    // nearest: what would be enough if it were in force, then what is in force
    const hat =
      mine.find((one) => reason(one) === null) ?? mine.find(({ blocked }) => blocked === null) ?? mine[0] ?? null
    return { asked, hat, code: hat === null ? 'organization' : reason(hat) }
  }
}

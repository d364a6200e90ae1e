/**
 * The site requests a certain organization, function and capacity (RFC 9396), and this person does not have it: the
 * page that says why, with other ways to continue. To give up leads back to the site with a standard error.
 */
import type { FastifyRequest } from 'fastify'
import { explainUnmet, type OptionBlock } from '../../domain/representation/option.ts'
import type { OrganizationRole, UnmetReason } from '../../domain/representation/representation-request.ts'
import { PageError } from '../../http/page-error.ts'
import type { FormTarget, RelyingSite } from '../../http/pages.ts'
import { loginPath } from './attempt.ts'
import type { LoginContext } from './facts.ts'
import { refuse, show, type Outcome } from './step.ts'

/** Posts `csrf`: give up. */
export interface UnmetRequestPage extends FormTarget {
  rp: RelyingSite
  uscc: string
  /** Only for a person with a relation to the organization. */
  organizationName: string | null
  code: UnmetReason
  /** Words `login.representation.blocked.<state>`: it would be enough, but not now. Null: `code` says why. */
  state: OptionBlock | null
  /** The person's role there; null with `code` organization. */
  role: OrganizationRole | null
  roles: OrganizationRole[]
  /** Names of the requested functions, if these are missing. */
  functions: string[]
  otherAccountHref: string
  organizationHref: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'login/unmet-request': UnmetRequestPage
  }
}

export const unmetRequestStep = () => ({
  async page (context: LoginContext, request: FastifyRequest): Promise<Outcome> {
    const { uid, requested, site, policy } = context
    if (requested === null) throw new PageError(409, 'not_started')
    const { code, nearest } = explainUnmet(await context.options(), requested, site.catalogue)
    const organization =
      nearest === null || nearest.representation.role === 'self'
        ? null
        : { ...nearest.representation.organization, role: nearest.representation.role }
    return show(
      'login/unmet-request',
      {
        action: loginPath(uid, 'asked'),
        csrf: request.csrfToken(uid),
        rp: context.rp,
        uscc: requested.uscc,
        organizationName: organization?.name ?? null,
        code: code === 'not_in_force' ? 'organization' : code,
        state: code === 'not_in_force' ? (nearest?.blocked ?? null) : null,
        role: organization?.role ?? null,
        roles: requested.roles ?? [],
        functions:
          code === 'function'
            ? policy.functions.filter((offered) => requested.actions?.includes(offered.code)).map(({ name }) => name)
            : [],
        otherAccountHref: loginPath(uid, 'other'),
        organizationHref: `${loginPath(uid, 'login')}?tab=legal`
      },
      { status: 403 }
    )
  },

  submit: (): Outcome =>
    refuse('access_denied', 'the end-user may not act for the organization asked for, or not so far')
})

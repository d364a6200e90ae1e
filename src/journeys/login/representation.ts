/** In whose name: a page with every representation of the person. */
import type { FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { missingAuthentication } from '../../domain/login/next-step.ts'
import { maskCertNo, maskName, maskUscc } from '../../domain/identity/masking.ts'
import type { RepresentationOption } from '../../domain/representation/option.ts'
import { contextId, toRepresentationRef } from '../../domain/representation/representation.ts'
import { formField } from '../../http/forms.ts'
import type { FormTarget, RelyingSite } from '../../http/pages.ts'
import { chooseRepresentation } from '../../records/login-attempts/index.ts'
import { meetsRequest } from '../../records/organizations/index.ts'
import { loginPath } from './attempt.ts'
import type { StepDeps } from './deps.ts'
import { eventContext } from './event-context.ts'
import { identifiedPerson, type LoginContext } from './facts.ts'
import { open, recorded, show, type Outcome } from './step.ts'

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

/** Each choice is one button of one form: posts `csrf`, `choice`. */
export interface RepresentationPage extends FormTarget {
  rp: RelyingSite
  /** Whom the person represented here until now is not open to them any more. */
  ended: boolean
  choices: RepresentationChoice[]
  otherAccountHref: string | null
  logoutHref: string | null
}

declare module '../../http/pages.ts' {
  interface Pages {
    'login/representation': RepresentationPage
  }
}

export function representationStep (deps: StepDeps) {
  return {
    async page (context: LoginContext, request: FastifyRequest): Promise<Outcome> {
      const person = identifiedPerson(context)
      const remembered = await deps.representations.rememberedChoice(person.id, context.client.clientId)
      const preferred = remembered === null ? null : contextId(remembered)
      const own = { name: maskName(person.name), number: maskCertNo(person.certNo) }
      return show('login/representation', {
        action: loginPath(context.uid, 'select'),
        csrf: request.csrfToken(context.uid),
        rp: context.rp,
        choices: (await context.options())
          .filter(({ representation }) => meetsRequest(representation, context.requested, context.site))
          .map((option) => presentOption(option, own, context))
          // the choice of last time comes first
          .sort((one, other) => Number(other.value === preferred) - Number(one.value === preferred)),
        ended: (await context.endedRepresentation()) !== null,
        otherAccountHref: loginPath(context.uid, 'other'),
        logoutHref: null
      })
    },

    async submit (context: LoginContext, request: FastifyRequest): Promise<Outcome> {
      const choice = formField(request.body, 'choice')
      const option = (await context.options()).find(
        ({ representation }) => contextId(toRepresentationRef(representation)) === choice
      )
      if (
        option === undefined ||
        option.blocked !== null ||
        !meetsRequest(option.representation, context.requested, context.site)
      ) {
        // a choice that was not offered is no mistake of a person
        await inTransaction(deps.db, async (trx) => {
          await deps.audit.record(trx, {
            ...eventContext(context, request),
            type: 'login.refused',
            personId: identifiedPerson(context).id,
            reason: 'representation_not_offered',
            details: { choice }
          })
        })
        return open('select')
      }
      await chooseRepresentation(deps.db, {
        uid: context.uid,
        browserHash: context.browserHash,
        representation: toRepresentationRef(option.representation)
      })
      return recorded('session')
    }
  }
}

function presentOption (
  { representation, blocked }: RepresentationOption,
  own: { name: string; number: string },
  context: LoginContext
): RepresentationChoice {
  const step = missingAuthentication(context.facts)?.step
  const common = {
    value: contextId(toRepresentationRef(representation)),
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

/** The organization's password was right, and this person may not act for it now: why, and what to do about it. */
import { organizationProof } from '../../domain/login/next-step.ts'
import type { DenialCode } from '../../domain/representation/authorization.ts'
import { PageError } from '../../http/page-error.ts'
import type { RelyingSite } from '../../http/pages.ts'
import type { Candidate } from '../../records/organizations/index.ts'
import { loginPath } from './attempt.ts'
import type { StepDeps } from './deps.ts'
import type { LoginContext } from './facts.ts'
import { show, type Outcome } from './step.ts'

/** After the right password: why this person may not act for the organization now, and what to do about it. */
export interface NotAuthorizedPage {
  rp: RelyingSite
  organizationName: string
  role: 'legal_representative' | 'agent'
  /** Words: `login.not-authorized.<code>.title` and `….body`. */
  code: DenialCode
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
    'login/not-authorized': NotAuthorizedPage
  }
}

export const notAuthorizedStep = (deps: StepDeps) => ({
  async page (context: LoginContext): Promise<Outcome> {
    const { uid, organization, policy, row } = context
    const step = await context.next()
    const proof = organizationProof(row.proofs)
    if (step.step !== 'not-authorized' || proof === undefined) throw new PageError(409, 'not_started')
    const candidate = (await context.candidates()).find(({ personId }) => personId === row.personId)
    return show(
      'login/not-authorized',
      {
        rp: context.rp,
        organizationName: organization?.name ?? '',
        role: proof.role,
        code: step.code,
        since: candidate === undefined ? null : await findSince(deps, candidate),
        againHref: `${loginPath(uid, 'login')}?tab=legal`,
        personalHref: policy.subjectKinds.includes('person') ? loginPath(uid, 'other') : null,
        decideHref: step.code === 'to_decide' ? '/me/login?to=/me/agents' : null
      },
      { status: 403 }
    )
  }
})

/** The day in the text of a state, in Shanghai. */
async function findSince (
  { db }: Pick<StepDeps, 'db'>,
  { delegationId, state }: Candidate
): Promise<string | null> {
  if (delegationId === null) return null
  const row = await db
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

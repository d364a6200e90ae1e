/** Ways to sign in that a site allows: as a person, for an organization, by scan. */
import { formField } from '../../http/forms.ts'
import { acceptsOrganizations } from '../../records/organizations/index.ts'
import type { LoginTab } from '../scan-code/index.ts'
import { loginPath } from './attempt.ts'
import type { LoginContext } from './facts.ts'
import type { Handler } from './step.ts'

/**
 * The form that was requested or sent: that of organizations only where the site accepts organizations, and then
 * perhaps no other.
 */
export function chooseTab (context: LoginContext, asked: unknown): 'personal' | 'legal' {
  const { policy, requested } = context
  if (!acceptsOrganizations(policy)) return 'personal'
  if (asked === 'legal' || !policy.subjectKinds.includes('person')) return 'legal'
  return requested !== null && asked !== 'personal' ? 'legal' : 'personal'
}

export function loginTabs (context: LoginContext, current: LoginTab['id']): LoginTab[] {
  const { uid, policy } = context
  const persons = policy.subjectKinds.includes('person')
  const tabs: LoginTab[] = []
  const personal = `${loginPath(uid, 'login')}${context.requested === null ? '' : '?tab=personal'}`
  if (persons) tabs.push({ id: 'personal', href: personal, current: current === 'personal' })
  if (acceptsOrganizations(policy)) {
    tabs.push({ id: 'legal', href: `${loginPath(uid, 'login')}?tab=legal`, current: current === 'legal' })
  }
  if (persons) tabs.push({ id: 'qr', href: loginPath(uid, 'qr'), current: current === 'qr' })
  return tabs
}

/** The sent form decides who handles it, because both have one address. */
export const chooseForm =
  (forms: Record<'personal' | 'legal', Handler<LoginContext>>): Handler<LoginContext> =>
    async (context, request) =>
      await forms[chooseTab(context, formField(request.body, 'kind'))](context, request)

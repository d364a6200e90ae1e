/**
 * In whose name the visitor acts, as the `representation` claim says it: shown big wherever something is done, with a
 * link to change it. What an agent may do here is for this site to enforce: `delegation.functions`.
 */
import { html, type Html } from './html.ts'
import { both, loginLink } from './pages.ts'
import type { Site } from './relying-site.ts'
import type { Session } from './sessions.ts'
import { functionWords, roleWords } from './words.ts'

export interface Representation {
  role: string
  organization?: { uscc?: string; name?: string; type?: string; status?: string }
  /** `functions` null or absent: everything. */
  delegation?: { id?: string; version?: number; functions?: string[] | null; valid_from?: string; valid_to?: string }
}

/** Whatever else was sent is nobody's authority: oneself. */
export function representationOf (value: unknown): Representation {
  const given = value as Partial<Representation> | null | undefined
  return typeof given === 'object' && given !== null && typeof given.role === 'string'
    ? (given as Representation)
    : { role: 'self' }
}

/** A person for herself and a legal representative may do everything; an agent what the delegation names. */
export function mayDo ({ role, delegation }: Representation, code: string): boolean {
  if (role === 'self' || role === 'legal_representative') return true
  return (
    role === 'agent' &&
    delegation !== undefined &&
    (delegation.functions == null || delegation.functions.includes(code))
  )
}

/** One element of `authorization_details` (RFC 9396): the login is to be for this organization, and reach this far. */
export const inNameOf = (issuer: string, uscc: string, code?: string) => ({
  type: `${issuer}/rar/representation`,
  identifier: `USCC:${uscc}`,
  ...(code !== undefined && { actions: [code] })
})

/** The functions delegated, in words. */
export const functionsText = (functions: string[] | null | undefined): string =>
  functions == null ? '全部事项' : functions.map(functionWords).join('、')

/** Who acts for whom, and the switch (`prompt=select_account`). */
export function acting (site: Site, { claims, userinfo }: Session, next?: '/property-certificate'): Html {
  const { role, organization, delegation } = representationOf(claims.representation)
  const person = userinfo?.name ?? claims.name
  const name = typeof person === 'string' ? person : '本人'
  return html`<section class="acting" aria-label="以谁的名义办理">${
    organization
      ? html`代表单位办理 <span lang="en">Acting for</span><b>${organization.name}</b>${organization.uscc} · ${both(roleWords(role))}
<p>经办人：${name}${delegation && html`，可办理：${functionsText(delegation.functions)}，授权到 ${delegation.valid_to}`}</p>`
      : html`为自己办理 <span lang="en">Acting for oneself</span><b>${name}</b>`
  }
<div class="actions"><a class="button second" href="${loginLink(site, { prompt: 'select_account', ...(next && { next }) })}">切换身份 <span lang="en">Act as someone else</span></a></div></section>`
}

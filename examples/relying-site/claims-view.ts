/** Claims in plain words: who, acting for whom, and how surely. Only what the tokens say; nothing is guessed. */
import { acting, functionsText, representationOf } from './acting.ts'
import { levelOf } from './assurance.ts'
import { html, type Content, type Html } from './html.ts'
import { both } from './pages.ts'
import type { Site } from './relying-site.ts'
import type { Session } from './sessions.ts'
import { verifiedClaimsView } from './verified-claims.ts'
import { beijingTime, levelWords, methodWords, roleWords, type Words } from './words.ts'

export function claimsView (site: Site, session: Session): Html {
  const { claims, userinfo } = session
  const all: Record<string, unknown> = { ...claims, ...userinfo }
  const representation = representationOf(claims.representation)
  const { organization, delegation } = representation
  return html`
${acting(site, session)}
<table><caption>登录信息 <span lang="en">About this login</span></caption><tbody>
${row(['姓名', 'Name'], 'name', text(all.name))}
${row(['用户编号', 'Identifier at this site'], 'sub', claims.sub)}
${row(['手机号', 'Phone number'], 'phone_number', masked(all.phone_number))}
${row(['证件号码', 'Document number'], 'cert_no', masked(all.cert_no))}
${row(['身份', 'Capacity'], 'representation.role', both(roleWords(representation.role)))}
${row(['单位名称', 'Organization'], 'representation.organization.name', organization?.name)}
${row(['统一社会信用代码', 'Unified social credit code'], 'representation.organization.uscc', organization?.uscc)}
${row(['代理权限', 'Functions delegated'], 'representation.delegation.functions', delegation && html`${functionsText(delegation.functions)}${delegation.functions && html`<code>${delegation.functions.join(' ')}</code>`}`)}
${row(['代理有效期', 'Delegation valid'], 'representation.delegation', delegation?.valid_from && `${delegation.valid_from} 至 ${delegation.valid_to ?? ''}`)}
${row(['授权编号', 'Delegation'], 'representation.delegation.id', delegation?.id && `${delegation.id}（第 ${delegation.version ?? 1} 版）`)}
${row(['认证等级', 'Level of this login'], 'acr', levelText(text(claims.acr)))}
${row(['验证方式', 'Methods used'], 'amr', Array.isArray(claims.amr) && claims.amr.map((method) => both(methodWords(String(method)))))}
${row(['认证时间', 'Authenticated at'], 'auth_time', claims.auth_time !== undefined && beijingTime(new Date(claims.auth_time * 1000)))}
${row(['会话编号', 'Session at the provider'], 'sid', text(claims.sid))}
</tbody></table>
${verifiedClaimsView(all.verified_claims)}`
}

function row (label: Words, claim: string, value: Content): Html | false {
  if (value === undefined || value === false) return false
  return html`<tr><th scope="row">${both(label)}<code>${claim}</code></th><td>${value}</td></tr>`
}

function levelText (acr: string | undefined): Content {
  const words = levelWords(levelOf(acr))
  return words ? html`${both(words)}<code>${acr}</code>` : acr
}

/** Personal numbers are masked on the page; the full value is in the folded userinfo. */
function masked (value: unknown): string | undefined {
  return typeof value === 'string' ? value.replace(/^\+86/, '').replace(/^(.{3}).*(.{4})$/, '$1****$2') : undefined
}

function text (value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/**
 * `verified_claims` (OpenID Identity Assurance) in plain words: what was verified, by which rules and on what
 * evidence; for whom somebody may act (`authority`). Nothing is guessed: what this page does not know is shown
 * as it came.
 */
import { functionsText } from './acting.ts'
import { html, type Content, type Html } from './html.ts'
import { both } from './pages.ts'
import { beijingTime, evidenceWords, methodName, roleWords, type Words } from './words.ts'

type Members = Record<string, unknown>

export function verifiedClaimsView (value: unknown): Html | false {
  const entries = (Array.isArray(value) ? value : [value])
    .map(members)
    .filter((entry) => Object.keys(members(entry.claims)).length > 0)
  if (entries.length === 0) return false
  return html`<h2>已核实的信息 <span lang="en">Verified claims</span></h2>${entries.map(entryView)}`
}

function entryView (entry: Members): Html {
  const verification = members(entry.verification)
  const { authority, ...claims } = members(entry.claims)
  return html`<table><caption>${authority === undefined ? both(['关于本人', 'About the person']) : both(['代表权限', 'Authority to act'])}</caption><tbody>
${Object.entries(claims).map(([name, claim]) => row(['信息', 'Claim'], name, typeof claim === 'string' ? claim : JSON.stringify(claim)))}
${authority !== undefined && authorityRows(members(authority))}
${list(verification.evidence).map((evidence) => row(['依据', 'Evidence'], text(evidence.type) ?? 'evidence', evidenceText(evidence)))}
${row(['核实时间', 'Verified at'], 'verification.time', time(verification.time))}
${row(['核实规则', 'Trust framework'], 'trust_framework', text(verification.trust_framework))}
${row(['核实流程', 'Process'], 'verification_process', text(verification.verification_process))}
</tbody></table>`
}

function authorityRows (authority: Members): Html {
  const applies = members(authority.applies_to)
  return html`${row(['单位', 'Organization'], 'applies_to', [text(applies.organization_name), text(applies.registration_number)].filter(Boolean).join(' '))}
${list(authority.permission).map((permission) => {
  const validity = members(permission.validity)
  const functions = Array.isArray(permission.function) ? permission.function.map(String) : null
  const days = text(validity.start) && `${text(validity.start)} 至 ${text(validity.end) ?? '长期'}`
  return row(
    ['权限', 'Permission'],
    'permission',
    html`${both(roleWords(text(permission.role) ?? ''))} ${functionsText(functions)}${days && html`，${days}`}`
  )
})}
${row(['授权方式', 'Granted by'], 'granted_by', text(members(authority.granted_by).reason) ?? text(members(authority.granted_by).method))}`
}

/** 'Face check', 'ID card' …; the provider's own codes stay readable. */
function evidenceText (evidence: Members): Content {
  const checks = list(evidence.check_details).map(({ check_method: method }) => methodName(text(method) ?? ''))
  const voucher = members(members(evidence.attestation).voucher)
  const by = [text(voucher.organization), text(voucher.occupation)].filter(Boolean).join(' ')
  return html`${both(evidenceWords(text(evidence.type) ?? ''))}${by && html`，${by}`}${checks.length > 0 && html`，${checks.join('、')}`}`
}

function row (label: Words, claim: string, value: Content): Html | false {
  if (value === undefined || value === false || value === '') return false
  return html`<tr><th scope="row">${both(label)}<code>${claim}</code></th><td>${value}</td></tr>`
}

const members = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {}
const list = (value: unknown): Members[] => (Array.isArray(value) ? value.map(members) : [])
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

function time (value: unknown): string | undefined {
  const date = new Date(text(value) ?? NaN)
  return Number.isNaN(date.getTime()) ? undefined : beijingTime(date)
}

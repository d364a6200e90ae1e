/**
 * A4 测试, the first half: what this client would be told about an invented person, made by the functions that make the
 * real claims, with the filters of its scopes, and what the consent page would list. Nobody's data are read for it.
 */
import { acrOfLevel } from '../../../../domain/assurance.ts'
import { certTypeCode } from '../../../../domain/cert-type.ts'
import { claimsByScope, personClaims, withAliases } from '../../../../domain/claims.ts'
import type { ClientRecord } from '../../../../domain/client-record.ts'
import type { Person } from '../../../../domain/person.ts'
import { self, type OrganizationFacts, type Representation, type Role } from '../../../../domain/representation.ts'
import { verifiedClaims } from '../../../../domain/verified-claims.ts'

const organization: OrganizationFacts = { id: 'org_preview', uscc: '91540102MA6T1A2BXK', name: '西藏示例科技有限公司', type: '91', status: 'active' }

const person = (now: number): Person => ({
  id: 'per_preview',
  sub: 'preview-Qm8vZ2tYb1cX0dLw',
  status: 'active',
  name: '扎西示例',
  nameBo: 'བཀྲ་ཤིས།',
  certType: 'resident_id',
  certNo: '540102199003072515',
  certValidFrom: '2020-05-01',
  certValidTo: '2040-05-01',
  certTerm: '20',
  phone: '+8613800138000',
  email: 'zhaxi@example.gov.cn',
  locale: 'zh-CN',
  assuranceLevel: 3,
  identityVerifiedAt: new Date(now - 86_400_000),
  faceVerifiedAt: new Date(now - 86_400_000),
  updatedAt: new Date(now - 86_400_000)
})

/** In whose name the invented person may be shown at this client. */
export const previewRoles = ({ policy: { roles, subjectKinds } }: ClientRecord): Role[] =>
  roles.filter((role) => role === 'self' ? subjectKinds.includes('person') : subjectKinds.includes('organization'))

function representationOf (role: Role, { policy }: ClientRecord, now: number): Representation {
  if (role === 'self') return self
  if (role === 'legal_representative') return { role, organization, since: '2024-06-01' }
  const day = (away: number): string => new Date(now + away * 86_400_000).toISOString().slice(0, 10)
  return {
    role,
    organization,
    delegation: { id: 'dlg_preview', version: 1, functions: policy.functions.slice(0, 1).map(({ code }) => code), clientIds: null, validFrom: day(-1), validTo: day(364) },
    approval: { approvedAt: new Date(now - 86_400_000).toISOString(), faceCheckId: '5f0c1e7a9b' }
  }
}

export interface Preview { idToken: Record<string, unknown>, userinfo: Record<string, unknown>, consent: { skipped: boolean, lines: Array<{ scope: string, claims: string[], purpose: string, optional: boolean }> } }

/** @param now epoch milliseconds */
export function previewOf (client: ClientRecord, role: Role, issuer: string, now: number): Preview {
  const { clientId, metadata, policy } = client
  const scopes = (metadata.scope ?? 'openid').split(' ').filter((scope): scope is keyof typeof claimsByScope => Object.hasOwn(claimsByScope, scope))
  const wanted = new Set<string>(scopes.flatMap((scope) => claimsByScope[scope]))
  const who = person(now)
  const representation = representationOf(role, client, now)
  const catalogue = policy.functions.map(({ code }) => code)
  const facts = { person: who, representation, catalogue, gender: 'male', birthdate: '1990-03-07', certTypeCode: certTypeCode(who.certType) } as const
  const at = Math.floor(now / 1000)
  const sub = metadata.subject_type === 'pairwise' ? 'pairwise-7fKq0aX3' : who.sub
  const acr = acrOfLevel(policy.minimumLevel > 3 ? 4 : policy.minimumLevel === 3 ? 3 : 2)
  const login = { acr, amr: policy.minimumLevel >= 3 ? ['pwd', 'face', 'mfa'] : ['pwd'], auth_time: at - 60 }
  const released = personClaims(facts, 'userinfo', wanted)
  const verified = scopes.includes('organization')
    ? verifiedClaims({ issuer, person: who, representation, catalogue, audience: metadata.client_uri ?? policy.homeUri ?? clientId, claims: released, allowed: new Set([...wanted, 'authority']) })
    : []
  return {
    idToken: { iss: issuer, sub, aud: clientId, exp: at + 600, iat: at, nonce: '…', at_hash: '…', sid: '…', ...login, ...personClaims(facts, 'id_token', new Set(claimsByScope.openid)) },
    userinfo: withAliases({ sub, ...login, ...released, ...(verified.length === 0 ? {} : { verified_claims: verified }) }, policy.aliases),
    consent: {
      skipped: policy.trusted,
      lines: scopes.filter((scope) => scope !== 'openid').map((scope) => ({ scope, claims: [...claimsByScope[scope]], purpose: policy.purposes[scope] ?? '', optional: policy.optionalScopes.includes(scope) }))
    }
  }
}

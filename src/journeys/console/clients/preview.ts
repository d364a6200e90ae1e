/**
 * 测试, the first half: the claims that this client would get about an invented person, made by the functions for real
 * claims with the filters of its scopes, and the model of the consent page. No data of real people are read.
 */
import { acrOfLevel } from '../../../domain/identity/assurance.ts'
import { claimsByScope, personClaims, withAliases } from '../../../domain/claims/claims.ts'
import type { ClientRecord } from '../../../domain/client/record.ts'
import type { Role } from '../../../domain/representation/representation.ts'
import { verifiedClaims } from '../../../domain/claims/verified-claims.ts'
import type { Locale } from '../../../http/locale.ts'
import { shanghaiDate } from '../../../ports/clock.ts'
import { exampleFacts, examplePeople, exampleRepresentation, type ExampleName } from '../../developers/index.ts'
import { consentPage, readHost, relyingSite, showApis, type ConsentPage } from '../../login/index.ts'
import type { RequestedApi } from '../../../records/resource-servers/index.ts'

/** In whose name the invented person may be shown at this client. */
export const previewRoles = ({ policy: { roles, subjectKinds } }: ClientRecord): Role[] =>
  roles.filter((role) => (role === 'self' ? subjectKinds.includes('person') : subjectKinds.includes('organization')))

const listScopes = ({ metadata }: ClientRecord): Array<keyof typeof claimsByScope> =>
  (metadata.scope ?? 'openid')
    .split(' ')
    .filter((scope): scope is keyof typeof claimsByScope => Object.hasOwn(claimsByScope, scope))

interface BuildPreviewInput {
  name: ExampleName
  role: Role
  issuer: string
  now: number
}

/** Tokens of a login with the client's lowest level. @param now epoch milliseconds */
export function buildPreview (
  client: ClientRecord,
  { name, role, issuer, now }: BuildPreviewInput
): { idToken: Record<string, unknown>; userinfo: Record<string, unknown> } {
  const { clientId, metadata, policy } = client
  const scopes = listScopes(client)
  const wanted = new Set<string>(scopes.flatMap((scope) => claimsByScope[scope]))
  const person = examplePeople[name]
  const catalogue = policy.functions.map(({ code }) => code)
  const representation = exampleRepresentation(role, catalogue.slice(0, 1), now - 2 * 86_400_000)
  const facts = exampleFacts({ person, representation, catalogue, today: shanghaiDate(now) })
  const at = Math.floor(now / 1000)
  const sub = metadata.subject_type === 'pairwise' ? 'pairwise-7fKq0aX3' : person.sub
  const acr = acrOfLevel(policy.minimumLevel > 3 ? 4 : policy.minimumLevel === 3 ? 3 : 2)
  const login = { acr, amr: policy.minimumLevel >= 3 ? ['pwd', 'face', 'mfa'] : ['pwd'], auth_time: at - 60 }
  const released = personClaims(facts, 'userinfo', wanted)
  const verified = scopes.includes('organization')
    ? verifiedClaims({
      issuer,
      person,
      representation,
      catalogue,
      audience: metadata.client_uri ?? policy.homeUri ?? clientId,
      claims: released,
      allowed: new Set([...wanted, 'authority'])
    })
    : []
  return {
    idToken: {
      iss: issuer,
      sub,
      aud: clientId,
      exp: at + 600,
      iat: at,
      nonce: '…',
      at_hash: '…',
      sid: '…',
      ...login,
      ...personClaims(facts, 'id_token', new Set(claimsByScope.openid))
    },
    userinfo: withAliases(
      { sub, ...login, ...released, ...(verified.length === 0 ? {} : { verified_claims: verified }) },
      policy.aliases
    )
  }
}

/**
 * The consent page as this person would get it at the first login; null: there is none, because nothing is asked or
 * nobody is.
 */
export function previewConsent (
  client: ClientRecord,
  name: ExampleName,
  { locale, apis }: { locale: Locale; apis: readonly RequestedApi[] }
): ConsentPage | null {
  const { metadata, policy } = client
  const scopes = listScopes(client).filter((scope) => scope !== 'openid')
  if (policy.trusted || (scopes.length === 0 && apis.length === 0)) return null
  const host = readHost(metadata.redirect_uris?.[0]) || readHost(metadata.client_uri ?? policy.homeUri)
  return {
    ...consentPage({
      rp: relyingSite(policy, locale, { otherwise: client.clientId, host }),
      policy,
      scopes,
      apis: showApis(apis, locale),
      person: examplePeople[name],
      decided: new Map(),
      offline: metadata.grant_types?.includes('refresh_token') === true
    }),
    // without target: the frame around it posts nothing
    action: '',
    csrf: '',
    errors: []
  }
}

/**
 * Further claims of access tokens and introspection: level and time of the login (RFC 9470 §6), the assurance level of
 * the person, and the representation.
 */
import type { KoaContextWithOIDC } from 'oidc-provider'
import { representationClaim } from '../domain/claims/claims.ts'
import { self, type Representation } from '../domain/representation/representation.ts'
import { readSiteFacts } from './acting-for.ts'

interface Source {
  acr?: string
  amr?: string[]
  authTime?: number
}

export function tokenClaims (ctx: KoaContextWithOIDC, token: unknown): Record<string, unknown> | undefined {
  if ((token as { accountId?: string }).accountId === undefined) return undefined
  const entities = ctx.oidc.entities as {
    AuthorizationCode?: Source
    DeviceCode?: Source
    RefreshToken?: Source
    RotatedRefreshToken?: Source
    Account?: { person?: { assuranceLevel: number }; representation?: Representation }
  }
  const source =
    entities.AuthorizationCode ?? entities.DeviceCode ?? entities.RotatedRefreshToken ?? entities.RefreshToken
  return {
    ...(source?.acr === undefined ? {} : { acr: source.acr }),
    ...(source?.amr === undefined ? {} : { amr: source.amr }),
    ...(source?.authTime === undefined ? {} : { auth_time: source.authTime }),
    ...(entities.Account?.person === undefined ? {} : { assurance_level: entities.Account.person.assuranceLevel }),
    representation: representationClaim(
      entities.Account?.representation ?? self,
      ctx.oidc.client === undefined ? [] : readSiteFacts(ctx.oidc.client).catalogue
    )
  }
}

/**
 * What access tokens and introspection say beyond the standard: how strong the login was and when (RFC 9470 §6),
 * how well the person is known, and whom the person represents.
 */
import type { KoaContextWithOIDC } from 'oidc-provider'
import { representationClaim, self, type Representation } from '../domain/claims.ts'

interface FoundAccount { person: { assuranceLevel: number }, representation: () => Promise<Representation>, functions: string[] }
interface Source { acr?: string, amr?: string[], authTime?: number }

export async function tokenClaims (ctx: KoaContextWithOIDC, token: unknown): Promise<Record<string, unknown> | undefined> {
  if ((token as { accountId?: string }).accountId === undefined) return undefined
  const entities = ctx.oidc.entities as unknown as { AuthorizationCode?: Source, RefreshToken?: Source, RotatedRefreshToken?: Source, Account?: FoundAccount }
  const source = entities.AuthorizationCode ?? entities.RotatedRefreshToken ?? entities.RefreshToken
  return {
    ...(source?.acr === undefined ? {} : { acr: source.acr }),
    ...(source?.amr === undefined ? {} : { amr: source.amr }),
    ...(source?.authTime === undefined ? {} : { auth_time: source.authTime }),
    ...(entities.Account === undefined ? {} : { assurance_level: entities.Account.person.assuranceLevel }),
    representation: representationClaim(await entities.Account?.representation() ?? self, entities.Account?.functions)
  }
}

/**
 * What one administrator may not decide alone about a resource server: to protect less what clients were granted. Its
 * scopes are no power before a client is granted them (domain/administration/dual-control.ts).
 */
import type { ResourceServerContent } from './record.ts'

/** Why a change needs a second administrator; each is a message `console.apis.dual_control.<reason>`. */
export const resourceServerReasons = ['level_lowered', 'token_longer', 'token_not_revocable'] as const
export type ResourceServerReason = (typeof resourceServerReasons)[number]

/** @param granted whether any client may ask for its tokens */
export function weakenedProtections (
  before: ResourceServerContent,
  after: ResourceServerContent,
  granted: boolean
): ResourceServerReason[] {
  if (!granted) return []
  const found: Record<ResourceServerReason, boolean> = {
    level_lowered: (after.minimumLevel ?? 1) < (before.minimumLevel ?? 1),
    token_longer: after.ttlSeconds > before.ttlSeconds,
    token_not_revocable: after.tokenFormat === 'jwt' && before.tokenFormat === 'opaque'
  }
  return resourceServerReasons.filter((reason) => found[reason])
}

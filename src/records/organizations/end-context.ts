import { recordSessionsEnded } from '../sessions/index.ts'
import { revokeContext } from '../../tokens/revocation.ts'
import type { OrganizationsDeps } from './deps.ts'
import type { Trx } from './repository.ts'

/**
 * Everything that one representation context gave (`contextId` of domain/representation): tokens, codes, the sites'
 * sessions, with outbox rows for back-channel logout. In the transaction of what ends it; the person's other
 * contexts live on.
 */
export async function endContext (
  trx: Trx,
  deps: Pick<OrganizationsDeps, 'audit' | 'crypto'>,
  { contextId, about }: { contextId: string; about: { reason: string; traceId?: string | undefined } }
): Promise<void> {
  const ended = await revokeContext(trx, contextId)
  if (ended.length === 0) return
  await recordSessionsEnded(trx, deps, {
    ended,
    about: {
      reason: about.reason,
      ...(about.traceId === undefined ? {} : { traceId: about.traceId })
    }
  })
}

/**
 * Consumes a code and inserts its access token in one statement. The library consumes first and saves later, so
 * `consume` only records the code, and the next insert under the same grant consumes it: no token without a consumed
 * code, and one round trip fewer.
 *
 * Not every request inserts: JWT access tokens have no row, and a request may fail after `consume`. A middleware around
 * the token endpoint therefore consumes what is still waiting before the response leaves. When the process dies in
 * between, nothing was issued and the code is unused, so the client may repeat its request. Without the middleware
 * `consume` consumes at once.
 */
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { consumeArtifact } from '../tokens/artifact-repository.ts'
import { getRequestState } from './request-state.ts'
import type { AdapterParts } from './adapter-parts.ts'
import { revokeReplayed } from './revoke-replayed.ts'

export function deferConsumption (provider: Provider, parts: Pick<AdapterParts, 'db' | 'trail'>): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    if (ctx.method !== 'POST') return next()
    const state = getRequestState(ctx)
    state.defers = true
    try {
      await next()
    } finally {
      const { waiting } = state
      if (waiting !== undefined) {
        delete state.waiting
        if (!(await consumeArtifact(parts.db, waiting))) {
          await revokeReplayed(parts, waiting)
          ctx.status = 400
          ctx.body = { error: 'invalid_grant', error_description: 'grant request is invalid' }
        }
      }
    }
  })
}

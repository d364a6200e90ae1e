/**
 * Consuming a code and inserting its access token in one statement. The library consumes first and saves
 * a little later; `consume` therefore only notes what is to be consumed, and the next insert under the
 * same grant carries it out: no insert without a consumption, and one round trip fewer.
 *
 * Not every request inserts (JWT access tokens have no row, a request may fail after `consume`), so a
 * middleware around the token endpoint carries out what is still waiting before the response leaves.
 * Should the process die in between, the code stays unused and nothing was issued: the client may repeat
 * its request. Without the middleware `consume` acts at once.
 */
import type { Kysely } from 'kysely'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Database } from '../database/schema.ts'
import { consumeArtifact } from '../tokens/artifact-repository.ts'
import { getRequestState } from './request-state.ts'
import { revokeGrantHash } from '../tokens/revocation.ts'

export function deferConsumption (provider: Provider, db: Kysely<Database>): void {
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
        if (!(await consumeArtifact(db, waiting))) {
          await revokeGrantHash(db, waiting.grantHash)
          ctx.status = 400
          ctx.body = { error: 'invalid_grant', error_description: 'grant request is invalid' }
        }
      }
    }
  })
}

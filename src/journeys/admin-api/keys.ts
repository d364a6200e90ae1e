/** Signing keys, the audit trail, and what waits for a second administrator. */
import { DomainError } from '../../domain/errors.ts'
import { emergencyRemoval, listKeys, listRemovedKeyUses, publishNext } from '../../records/keys/index.ts'
import { Problem } from './problems.ts'
import { route, type Route } from './routes.ts'

export const keyRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/keys',
    operationId: 'listKeys',
    tag: 'keys',
    summary: 'Signing keys, those that sign first',
    scope: 'kora.keys:read',
    body: null,
    answers: { 200: 'KeyList' },
    handle: async ({ deps }) => {
      const keys = await listKeys(deps.db)
      return {
        status: 200,
        body: {
          items: keys.map(({ kid, alg, state, createdAt, activatedAt, retiredAt, removedAt, dueAt, publicJwk }) => ({
            kid,
            alg,
            state,
            created_at: createdAt,
            activated_at: activatedAt,
            retired_at: retiredAt,
            removed_at: removedAt,
            due_at: dueAt,
            public_jwk: publicJwk
          }))
        }
      }
    }
  }),
  route({
    method: 'GET',
    path: '/keys/removed-uses',
    operationId: 'listRemovedKeyUses',
    tag: 'keys',
    summary: 'Sites that still used what a removed key signed',
    scope: 'kora.keys:read',
    body: null,
    answers: { 200: 'RemovedKeyUses' },
    handle: async ({ deps }) => {
      const uses = await listRemovedKeyUses(deps.db)
      return {
        status: 200,
        body: {
          items: uses.map(({ kid, clientId, place, uses: count, firstAt, lastAt }) => ({
            kid,
            client_id: clientId,
            place,
            uses: Number(count),
            first_at: firstAt,
            last_at: lastAt
          }))
        }
      }
    }
  }),
  route({
    method: 'POST',
    path: '/keys',
    operationId: 'publishKey',
    tag: 'keys',
    summary: 'Publish the key that will sign next',
    scope: 'kora.keys:write',
    body: 'NewKey',
    answers: { 201: 'KeyPublished' },
    refusals: ['key_published', 'invalid_fields'],
    writes: true,
    handle: async ({ deps, act, body }) => {
      try {
        return { status: 201, body: { kid: await publishNext(deps, act(), body.alg) } }
      } catch (error) {
        if (error instanceof DomainError && error.code === 'signing_key_published') throw new Problem('key_published')
        throw error
      }
    }
  }),
  route({
    method: 'POST',
    path: '/keys/rotate',
    operationId: 'rotateKey',
    tag: 'keys',
    summary: 'Ask that the published key signs from now on: a second administrator decides',
    scope: 'kora.keys:write',
    body: 'NewKey',
    answers: { 202: 'ApprovalRequested' },
    refusals: ['change_waiting', 'second_administrator_needed', 'invalid_fields'],
    writes: true,
    handle: async ({ askApproval, body }) => await askApproval('keys.rotate', body.alg, { alg: body.alg })
  }),
  route({
    method: 'DELETE',
    path: '/keys/:kid',
    operationId: 'removeKey',
    tag: 'keys',
    summary:
      'Emergency: a key that leaked is good for nothing from now on, its successor signs; one is enough to ask, as ' +
      'in the console',
    scope: 'kora.keys:write',
    body: null,
    answers: { 200: 'KeyRemoved' },
    refusals: ['not_found'],
    writes: true,
    handle: async ({ deps, act, param }) => {
      try {
        const { removed, was, active, successorKnown, sitesMayTrustForSeconds } = await emergencyRemoval(
          deps,
          act(),
          param('kid')
        )
        return {
          status: 200,
          body: {
            kid: removed,
            was,
            active,
            successor_known: successorKnown,
            sites_may_trust_for_seconds: sitesMayTrustForSeconds
          }
        }
      } catch (error) {
        if (error instanceof DomainError && error.code === 'signing_key_unknown') throw new Problem('not_found')
        throw error
      }
    }
  })
]

/** Initial access tokens of dynamic registration (RFC 7591 §3): listed without their secret, created, ended. */
import { scopes as offered } from '../../domain/claims/claims.ts'
import {
  createRegistrationToken,
  endRegistrationToken,
  listRegistrationTokens,
  type RegistrationTokenLine
} from '../dynamic-registration/index.ts'
import { Problem } from './problems.ts'
import { buildList, readPage, pageParameters, route, type Call, type Route } from './routes.ts'

const wireToken = ({
  id,
  kinds,
  scopes,
  hosts,
  usesLeft,
  clients,
  createdBy,
  reason,
  createdAt,
  expiresAt,
  live
}: RegistrationTokenLine): object => ({
  id,
  kinds,
  scopes,
  hosts,
  uses_left: usesLeft,
  clients,
  created_by: createdBy,
  reason,
  created_at: createdAt,
  expires_at: expiresAt,
  live
})

/** @throws Problem `not_found`: DYNAMIC_REGISTRATION is off, and so is all of this */
function onlyWhenOn ({ deps }: Pick<Call, 'deps'>): void {
  if (!deps.config.dynamicRegistration) throw new Problem('not_found')
}

export const registrationTokenRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/registration-tokens',
    operationId: 'listRegistrationTokens',
    tag: 'registration tokens',
    summary: 'Initial access tokens of dynamic registration, newest first, never their secret; 404 where it is off',
    scope: 'kora.clients:read',
    query: pageParameters,
    body: null,
    answers: { 200: 'RegistrationTokenList' },
    refusals: ['not_found'],
    handle: async (call) => {
      onlyWhenOn(call)
      const { limit, after } = readPage(call.query)
      const rows = await listRegistrationTokens(call.deps.db, { after, limit: limit + 1 })
      return { status: 200, body: buildList({ rows, limit, keyOf: ({ id }) => id, wire: wireToken }) }
    }
  }),
  route({
    method: 'POST',
    path: '/registration-tokens',
    operationId: 'createRegistrationToken',
    tag: 'registration tokens',
    summary: 'A token with which sites register themselves, within its limits; shown once',
    scope: 'kora.clients:write',
    body: 'NewRegistrationToken',
    answers: { 201: 'RegistrationTokenMade' },
    refusals: ['not_found', 'invalid_fields'],
    writes: true,
    handle: async (call) => {
      onlyWhenOn(call)
      const { kinds = ['server'], scopes = [], hosts = [], uses = 1, days = 7 } = call.body
      const known = [...offered, 'offline_access']
      const odd = scopes.findIndex((scope) => !known.includes(scope))
      if (odd >= 0) {
        throw new Problem('invalid_fields', {
          faults: [
            {
              field: `/scopes/${odd}`,
              code: 'not_one_of',
              received: scopes[odd]?.slice(0, 50) ?? '',
              expected: known.join(' | ')
            }
          ]
        })
      }
      const made = await createRegistrationToken(call.deps, call.act(), {
        kinds,
        scopes,
        hosts: hosts.map((host) => host.toLowerCase()),
        uses,
        seconds: days * 86_400
      })
      return {
        status: 201,
        body: {
          id: made.id,
          secret: made.token,
          expires_at: made.expiresAt,
          registration_endpoint: `${call.deps.config.issuer}/connect/register`
        }
      }
    }
  }),
  route({
    method: 'DELETE',
    path: '/registration-tokens/:token_id',
    operationId: 'endRegistrationToken',
    tag: 'registration tokens',
    summary: 'End a token: nothing more is registered with it; clients made with it stay',
    scope: 'kora.clients:write',
    body: null,
    answers: { 200: 'Done' },
    refusals: ['not_found'],
    writes: true,
    handle: async (call) => {
      onlyWhenOn(call)
      const outcome = await endRegistrationToken(call.deps, call.act(), call.param('token_id'))
      if (outcome === 'not_found') throw new Problem('not_found')
      return { status: 200, body: { outcome: outcome === 'ended' ? 'done' : 'unchanged' } }
    }
  })
]

/** The other parts of a client: secrets, the address test, history, failures, and the export. */
import { selectUriRules } from '../../domain/client/metadata.ts'
import { explainAddress } from '../../domain/client/address.ts'
import {
  clientFailures,
  clientHistory,
  clientRules,
  clientSecretKind,
  endClientSecret,
  findClients,
  graceSeconds,
  listClients,
  listSecrets,
  rotateSecret
} from '../../records/clients/index.ts'
import { changeable, knownClient } from './clients.ts'
import { Problem } from './problems.ts'
import { answerHistory, buildList, readPage, pageParameters, route, type Route } from './routes.ts'

export const clientPartRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/clients/:client_id/secrets',
    operationId: 'listSecrets',
    tag: 'clients',
    summary: 'The live secrets of a client, older first',
    scope: 'kora.clients:read',
    body: null,
    answers: { 200: 'SecretList' },
    refusals: ['not_found'],
    handle: async (call) => {
      const { clientId } = await knownClient(call)
      const items = await listSecrets(call.deps.db, clientId)
      return {
        status: 200,
        body: {
          items: items.map(({ id, hint, createdAt, expiresAt, lastUsedOn }) => ({
            id,
            hint,
            created_at: createdAt,
            expires_at: expiresAt,
            last_used_on: lastUsedOn
          }))
        }
      }
    }
  }),
  route({
    method: 'POST',
    path: '/clients/:client_id/secrets',
    operationId: 'rotateSecret',
    tag: 'clients',
    summary: 'A new secret; the former one stays good for the time of grace',
    scope: 'kora.clients:write',
    body: 'NewSecret',
    answers: { 201: 'SecretMade', 202: 'SecretRequested' },
    refusals: [
      'change_waiting',
      'second_administrator_needed',
      'not_found',
      'too_many_secrets',
      'no_secret',
      'own_service',
      'console_only',
      'invalid_fields'
    ],
    writes: true,
    handle: async (call) => {
      const { clientId } = await changeable(call)
      const made = await rotateSecret(call.trx(), call.deps, {
        act: call.act(),
        clientId,
        grace: call.body.grace_seconds ?? graceSeconds
      })
      if (made.outcome === 'approval_needed') {
        const asked = await call.askApproval(clientSecretKind, clientId, made.request)
        const { id, hint } = made.request
        return { ...asked, body: { ...(asked.body as object), secret: { id, secret: made.secret, hint } } }
      }
      if (made.outcome !== 'created') {
        throw new Problem(made.outcome === 'too_many' ? 'too_many_secrets' : made.outcome)
      }
      const { id, secret, hint, previous } = made
      return {
        status: 201,
        body: { id, secret, hint, previous: previous === null ? null : { id: previous.id, ends_at: previous.endsAt } }
      }
    }
  }),
  route({
    method: 'DELETE',
    path: '/clients/:client_id/secrets/:secret_id',
    operationId: 'endSecret',
    tag: 'clients',
    summary: 'End one secret now',
    scope: 'kora.clients:write',
    body: null,
    answers: { 204: null },
    refusals: ['not_found', 'own_service', 'console_only'],
    writes: true,
    handle: async (call) => {
      const { clientId } = await changeable(call)
      const outcome = await endClientSecret(call.trx(), call.deps, {
        act: call.act(),
        clientId,
        secretId: call.param('secret_id')
      })
      if (outcome !== 'ended') throw new Problem(outcome)
      return { status: 204 }
    }
  }),
  route({
    method: 'POST',
    path: '/clients/:client_id/redirect-test',
    operationId: 'testAddress',
    tag: 'clients',
    summary: 'Why an address, or the address in a request, is not one of the registered ones',
    scope: 'kora.clients:read',
    body: 'AddressTest',
    answers: { 200: 'AddressResult' },
    refusals: ['not_found', 'invalid_fields'],
    handle: async (call) => {
      const { kind, metadata } = await knownClient(call)
      const { redirect_uris: redirectUris = [], post_logout_redirect_uris: postLogoutRedirectUris = [] } = metadata
      const { clientId, ...report } = explainAddress({
        pasted: call.body.address,
        registered: { redirectUris, postLogoutRedirectUris },
        rules: selectUriRules(clientRules(call.deps.config), kind),
        use: call.body.use
      })
      return { status: 200, body: { ...report, client_id: clientId } }
    }
  }),
  route({
    method: 'GET',
    path: '/clients/:client_id/history',
    operationId: 'clientHistory',
    tag: 'clients',
    summary: 'Who changed what and why, newest first',
    scope: 'kora.clients:read',
    query: pageParameters,
    body: null,
    answers: { 200: 'ClientHistory' },
    refusals: ['not_found'],
    handle: async (call) => {
      const { clientId } = await knownClient(call)
      return await answerHistory(
        call.query,
        async (after, limit) => await clientHistory(call.deps.db, { clientId, after, limit })
      )
    }
  }),
  route({
    method: 'GET',
    path: '/clients/:client_id/failures',
    operationId: 'clientFailures',
    tag: 'clients',
    summary: 'Failed requests of the last month, newest first',
    scope: 'kora.clients:read',
    body: null,
    answers: { 200: 'ClientFailures' },
    refusals: ['not_found'],
    handle: async (call) => {
      const { clientId } = await knownClient(call)
      const items = await clientFailures(call.deps.db, clientId)
      return {
        status: 200,
        body: {
          items: items.map(({ firstAt, lastAt, ...failure }) => ({ ...failure, first_at: firstAt, last_at: lastAt }))
        }
      }
    }
  }),
  route({
    method: 'GET',
    path: '/client-export',
    operationId: 'exportClients',
    tag: 'clients',
    summary: 'Clients as declared content, without secrets, for `kora apply`',
    scope: 'kora.clients:read',
    query: pageParameters,
    body: null,
    answers: { 200: 'ClientExport' },
    handle: async ({ deps, query }) => {
      const { limit, after } = readPage(query)
      const lines = await listClients(deps.db, { filters: {}, after, limit: limit + 1 })
      const records = new Map(
        (
          await findClients(
            deps.db,
            lines.map(({ clientId }) => clientId)
          )
        ).map((record) => [record.clientId, record])
      )
      return {
        status: 200,
        // a draft may be deleted between the two queries
        body: buildList({
          rows: lines.filter(({ clientId }) => records.has(clientId)),
          limit,
          keyOf: ({ clientId }) => clientId,
          wire: ({ clientId }) => {
            const { status, kind, metadata, policy } = records.get(clientId) ?? {}
            return { client_id: clientId, status, kind, metadata, policy }
          }
        })
      }
    }
  })
]

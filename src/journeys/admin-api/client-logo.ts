/** The picture of a client: re-encoded from what is sent, as in the console. */
import { storeLogo } from '../../records/clients/index.ts'
import { answerClient, changeable, wireClient } from './clients.ts'
import { Problem } from './problems.ts'
import { formatEtag, route, type Answer, type Call, type Route } from './routes.ts'

/**
 * @throws Problem `not_found`, `own_service`, `console_only`, `version_conflict`, `invalid_fields` (no picture that we
 * read)
 */
async function store (call: Call, file: Buffer | null): Promise<Answer> {
  const { clientId } = await changeable(call)
  const stored = await storeLogo(call.trx(), call.deps, { act: call.act(), clientId, file, version: call.version() })
  switch (stored.outcome) {
    case 'stored':
      return answerClient(stored.client)
    case 'conflict':
      throw new Problem('version_conflict', {
        headers: { etag: formatEtag(stored.current.version) },
        more: { current: wireClient(stored.current) }
      })
    case 'not_a_picture':
      throw new Problem('invalid_fields', {
        faults: [{ field: '', code: stored.fault, received: '', expected: 'PNG | JPEG, ≤ 512 KiB' }]
      })
    default:
      throw new Problem(stored.outcome)
  }
}

export const clientLogoRoutes: Route[] = [
  route({
    method: 'PUT',
    path: '/clients/:client_id/logo',
    operationId: 'uploadLogo',
    tag: 'clients',
    summary:
      'Upload the picture of a client: the bytes of a PNG or JPEG, up to 512 KiB; it is made new, at most 256 pixels ' +
      'a side',
    scope: 'kora.clients:write',
    body: null,
    picture: true,
    answers: { 200: 'Client' },
    refusals: ['not_found', 'own_service', 'console_only'],
    writes: true,
    versioned: true,
    handle: async (call) => await store(call as Call, call.request.body as Buffer)
  }),
  route({
    method: 'DELETE',
    path: '/clients/:client_id/logo',
    operationId: 'removeLogo',
    tag: 'clients',
    summary: 'Take the picture of a client away',
    scope: 'kora.clients:write',
    body: null,
    answers: { 200: 'Client' },
    refusals: ['not_found', 'own_service', 'console_only'],
    writes: true,
    versioned: true,
    handle: async (call) => await store(call as Call, null)
  })
]

/** The content of this sandbox: demo people, clients and resource servers, and the tickets that wait for a phone. */
import { apiGrants } from '../../domain/client/api-grants.ts'
import { clientPolicy } from '../../domain/client/policy.ts'
import { derivedEnd, type Term } from '../../domain/identity/id-validity.ts'
import type { SimulatorsDeps } from '../deps.ts'
import type { BrowserSide } from '../../records/scan-tickets/index.ts'
import { personByCertNo } from '../../records/persons/index.ts'
import { demoClients } from '../demo-clients.ts'
import { demoPassword, demoPeople } from '../demo-people.ts'
import type { Sandbox } from '../index.ts'
import { listOrganizations } from './organizations.ts'
import type { Accounts, Clients, OpenTicket } from './schemas.ts'

type Db = Pick<SimulatorsDeps, 'db' | 'crypto' | 'config' | 'clock'>

export async function listAccounts (
  deps: Db,
  sandbox: Pick<Sandbox, 'population' | 'companyService'>
): Promise<Accounts> {
  const persons = await Promise.all(
    demoPeople.map(async (person) => {
      const stored = await personByCertNo(deps.db, deps.crypto, { certType: 'resident_id', certNo: person.certNo })
      const { name, status } = sandbox.population.get(person.certNo)
      return {
        handle: person.handle,
        person_id: stored?.id ?? null,
        name: person.name,
        name_bo: person.nameBo ?? null,
        cert_type: 'resident_id',
        cert_no: person.certNo,
        phone: person.phone,
        password: person.state === 'unactivated' ? null : demoPassword,
        state: person.state,
        card: {
          valid_from: person.validFrom,
          term: person.term,
          valid_to: derivedEnd(person.validFrom, parseTerm(person.term))
        },
        register: { name, status },
        now:
          stored === null
            ? null
            : {
                status: stored.status,
                assurance_level: stored.assuranceLevel,
                face_verified: stored.faceVerifiedAt !== null
              },
        note: person.note
      }
    })
  )
  return { persons, organizations: await listOrganizations(deps, sandbox) }
}

const parseTerm = (term: string): Term => (term === 'long' ? 'long' : (Number(term) as Term))

export async function listClients ({ db, config }: Db): Promise<Clients> {
  const demo = new Map(demoClients('').map((client) => [client.clientId, client]))
  const rows = await db
    .selectFrom('client')
    .select(['clientId', 'status', 'metadata', 'policy'])
    .orderBy('createdAt')
    .orderBy('clientId')
    .limit(500)
    .execute()
  const servers = await db.selectFrom('resourceServer').selectAll().orderBy('identifier').limit(500).execute()
  const grants = await db.selectFrom('clientResource').selectAll().orderBy('resource').execute()
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  return {
    issuer: config.issuer,
    discovery: `${config.issuer}/.well-known/openid-configuration`,
    clients: rows.map(({ clientId, status, metadata, policy }) => ({
      client_id: clientId,
      client_secret: demo.get(clientId)?.secret ?? null,
      private_jwk: demo.get(clientId)?.privateKey ?? null,
      status,
      redirect_uris: Array.isArray(metadata['redirect_uris']) ? metadata['redirect_uris'].map(String) : [],
      token_endpoint_auth_method: text(metadata['token_endpoint_auth_method']) || 'client_secret_basic',
      scope: text(metadata['scope']),
      metadata,
      policy: {
        ...clientPolicy(policy),
        resources: apiGrants(
          Object.fromEntries(
            grants
              .filter((grant) => grant.clientId === clientId)
              .map(({ resource, scopes, machineScopes }) => [resource, { scopes, machineScopes }])
          )
        )
      },
      note: demo.get(clientId)?.note ?? ''
    })),
    resource_servers: servers.map((server) => ({
      identifier: server.identifier,
      name: server.name,
      scopes: server.scopes,
      token_format: server.tokenFormat,
      signing_alg: server.signingAlg,
      ttl_seconds: server.ttlSeconds,
      minimum_level: server.minimumLevel
    }))
  }
}

/** The codes on all screens of this sandbox that could be scanned now, newest first. */
export async function listOpenTickets (
  { db }: Pick<SimulatorsDeps, 'db'>,
  tickets: BrowserSide
): Promise<OpenTicket[]> {
  const rows = await db
    .selectFrom('scanTicket')
    .select(['id', 'browserHash', 'purpose', 'context', 'createdAt'])
    .where('state', '=', 'waiting')
    .orderBy('createdAt', 'desc')
    .limit(20)
    .execute()
  const open = await Promise.all(
    rows.map(async (row) => {
      const status = await tickets.status(row.id, row.browserHash)
      const { clientName } = row.context as { clientName?: string }
      return status?.payloadUrl == null
        ? []
        : [
            {
              ticket_id: row.id,
              purpose: row.purpose,
              client_name: clientName ?? '',
              payload: status.payloadUrl,
              check_number: status.checkNumber,
              created_at: row.createdAt.toISOString()
            }
          ]
    })
  )
  return open.flat()
}

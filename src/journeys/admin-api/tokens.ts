/** Access tokens of the admin API: opaque, looked up at every request together with the client as it is now. */
import { statement } from '../../database/statement.ts'
import { adminApiResource, readAdminScopes, type AdminScope } from '../../domain/administration/admin-scopes.ts'
import { artifactId, findArtifact } from '../../tokens/artifact-repository.ts'
import type { AdminApiDeps } from './deps.ts'

export interface ApiToken {
  clientId: string
  /** The scopes of the token that the client still has. */
  scopes: AdminScope[]
  /** The key that it is bound to (RFC 9449 §6); null = a bearer token. */
  thumbprint: string | null
}

interface FoundClient {
  policy: unknown
  metadata: { token_endpoint_auth_method?: string }
}

// a client that was disabled or lost scopes is refused from the commit on
const clientStatement = statement<[clientId: string], FoundClient>(
  'admin api client',
  `
  select policy, metadata from client where client_id = $1 and status in ('test', 'live')`
)

/** The sandbox's client has a key that everybody knows: outside the sandbox it is refused. */
const sandboxClient = 'demo-admin'

/** Null: unknown, expired, ended, for somebody else, of a person, or of a client that may not (any more). */
export async function readToken (
  { db, config }: Pick<AdminApiDeps, 'db' | 'config'>,
  value: string
): Promise<ApiToken | null> {
  const payload = await findArtifact(db, 'ClientCredentials', artifactId('ClientCredentials', value))
  if (payload === undefined || payload['aud'] !== adminApiResource(config.issuer)) return null
  const {
    scope,
    clientId,
    jkt,
    'x5t#S256': certificate
  } = payload as { scope?: string; clientId?: string; jkt?: string; 'x5t#S256'?: string }
  // bound to a certificate (RFC 8705 §3), which this API does not check
  if (certificate !== undefined) return null
  if (clientId === undefined || (clientId === sandboxClient && !config.sandbox)) return null
  const [row] = await clientStatement(db, clientId)
  if (row === undefined) return null
  if (row.metadata.token_endpoint_auth_method !== 'private_key_jwt') return null
  const asked = (scope ?? '').split(' ')
  const scopes = readAdminScopes(row.policy)
  return scopes.length === 0
    ? null
    : { clientId, scopes: scopes.filter((one) => asked.includes(one)), thumbprint: jkt ?? null }
}

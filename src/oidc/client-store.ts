/**
 * Clients for the library: metadata from the table `client`, and Kora's policy as the extra property `kora_policy`. A
 * process caches the parsed clients for some seconds, because the library looks a client up several times in each
 * request. A change of any client empties the cache (cache-epoch `clients`). A client is checked as a whole when it is
 * loaded: one that was not written by the registry, or under earlier rules, is refused and named in the log
 * (RFC 9700 §2.1).
 */
import type { Client, ClientMetadata, Provider } from 'oidc-provider'
import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import { statement } from '../database/statement.ts'
import { canTestLogin } from '../domain/client/record.ts'
import type { ClientFault } from '../domain/client/metadata.ts'
import type { Database } from '../database/schema.ts'
import { newIdentifier } from '../domain/identifier.ts'
import type { Clock } from '../ports/clock.ts'
import type { Connection } from '../tokens/artifact-repository.ts'
import { allowRedirectUri } from './overrides/allow-redirect-uri.ts'
import { replaceSecretComparison } from './overrides/compare-client-secret.ts'
import { replaceFindClient, type LoadClient } from './overrides/find-client.ts'
import type { TestLoginKey } from '../tokens/test-login-key.ts'
import { noteSecretUse, verifySecret, type StoredSecret } from '../tokens/client-secrets.ts'

export interface StoredContent {
  kind?: unknown
  metadata: Record<string, unknown>
  policy: unknown
}

export interface LoadedClient {
  metadata: ClientMetadata & { kora_policy: unknown }
  /** As stored, for the check. */
  content: StoredContent
  secrets: StoredSecret[]
  /** Whether it accepts the console's test login. */
  takesTestLogin: boolean
}

const loadStatement = statement<
  [string],
  { kind: string | null; status: string; metadata: Record<string, unknown>; policy: unknown; secrets: StoredSecret[] }
>(
  'client load',
  `
  select c.kind, c.status, c.metadata, c.policy, coalesce((
    select jsonb_agg(jsonb_build_object('id', s.id, 'hash', s.secret_hash, 'expiresAt', extract(epoch
      from s.expires_at), 'lastUsedOn', s.last_used_on))
    from client_secret s where s.client_id = c.client_id and s.revoked_at is null and (s.expires_at is null
      or s.expires_at > now())), '[]') as secrets
  from client c where c.client_id = $1 and c.status in ('test', 'live')`
)

/**
 * The library's metadata schema requires a `client_secret` where a method uses one. This random value satisfies it. It
 * is never compared, because `createClientCache` compares with the stored hashes.
 */
const placeholder = newIdentifier(32)
const withSecret = new Set<unknown>([undefined, 'client_secret_basic', 'client_secret_post'])

const isKeySet = (jwks: unknown): jwks is { keys: unknown[] } =>
  typeof jwks === 'object' && jwks !== null && Array.isArray((jwks as { keys?: unknown }).keys)

/** A client in status test or live; undefined otherwise. */
export async function loadClient (
  db: Connection,
  clientId: string,
  testLoginJwk?: TestLoginKey['publicJwk']
): Promise<LoadedClient | undefined> {
  const [row] = await loadStatement(db, clientId)
  if (row === undefined) return undefined
  const { client_secret: _secret, ...metadata } = row.metadata
  const takesTestLogin = canTestLogin(row)
  return {
    metadata: {
      ...metadata,
      client_id: clientId,
      // the key of the console's test login beside the client's own keys
      ...(testLoginJwk !== undefined && takesTestLogin && isKeySet(metadata['jwks'])
        ? { jwks: { keys: [...metadata['jwks'].keys, testLoginJwk] } }
        : {}),
      ...(withSecret.has(metadata['token_endpoint_auth_method']) ? { client_secret: placeholder } : {}),
      kora_policy: row.policy
    } as LoadedClient['metadata'],
    content: { ...(row.kind === null ? {} : { kind: row.kind }), metadata: row.metadata, policy: row.policy },
    secrets: row.secrets,
    takesTestLogin
  }
}

export interface ClientCache {
  /** Makes a new provider use this cache, and compare secrets with the stored hashes. */
  connect(provider: Provider): void
  /** Empties the cache when a client has changed. */
  invalidate(): void
}

export interface ClientCacheOptions {
  db: Kysely<Database>
  clock: Clock
  log: Pick<Logger, 'warn'>
  /** How long a client is cached at most when a change is not noticed. */
  ttlMs?: number
  /** The faults of a stored client, which is usable only without any. */
  check?: (content: StoredContent) => ClientFault[]
  /**
   * Address of the console's test login, accepted for clients in test beside their own. The sector of pairwise subjects
   * depends on their own addresses only (OIDC Core §8.1).
   */
  testLoginCallback?: string
}

interface Entry {
  client: Promise<Client | undefined>
  until: number
}

export function createClientCache ({
  db,
  clock,
  log,
  ttlMs = 10_000,
  check = () => [],
  testLoginCallback
}: ClientCacheOptions): ClientCache {
  // by provider, because a client belongs to the provider that built it
  let entries = new WeakMap<Provider, Map<string, Entry>>()
  const storedSecrets = new WeakMap<object, StoredSecret[]>()
  const testClients = new WeakSet()

  return {
    connect (provider) {
      replaceFindClient(provider, (id, load) => find(provider, id, load))
      replaceSecretComparison(provider, async (client, given) => {
        const now = clock.now() / 1000
        const secret = verifySecret(storedSecrets.get(client) ?? [], given, now)
        if (secret === null) return false
        await noteSecretUse(db, secret, now).catch((error: unknown) =>
          log.warn({ err: error }, 'the use of a client secret was not noted')
        )
        return true
      })
      allowRedirectUri(provider, (client, uri) => uri === testLoginCallback && testClients.has(client))
    },
    // look-ups under way end in the previous map, which is not read again
    invalidate () {
      entries = new WeakMap()
    }
  }

  async function find (provider: Provider, id: string, build: LoadClient): Promise<Client | undefined> {
    let own = entries.get(provider)
    if (own === undefined) entries.set(provider, (own = new Map()))
    const known = own.get(id)
    const now = clock.now()
    if (known !== undefined && known.until > now) return known.client

    const entry = { client: load(id, build), until: now + ttlMs }
    own.set(id, entry)
    // unknown identifiers and failures are not cached
    const forget = (): void => {
      if (own.get(id) === entry) own.delete(id)
    }
    entry.client.then((client) => {
      if (client === undefined) forget()
    }, forget)
    return entry.client
  }

  async function load (id: string, build: LoadClient): Promise<Client | undefined> {
    const [loaded, client] = await Promise.all([
      loadClient(db, id),
      build(id).catch((error: unknown) => {
        // the library refuses the metadata: the client's administrator has to correct it, and the request does not fail
        if ((error as { error?: unknown }).error !== 'invalid_client_metadata') throw error
        log.warn(
          { client: id, reason: (error as { error_description?: unknown }).error_description },
          'a stored client is refused'
        )
        return undefined
      })
    ])
    if (loaded === undefined || client === undefined) return undefined
    const faults = check(loaded.content)
    if (faults.length > 0) {
      log.warn(
        { client: id, faults: faults.map(({ field, code }) => `${field}: ${code}`) },
        'a stored client is refused'
      )
      return undefined
    }
    storedSecrets.set(client, loaded.secrets)
    // the library returns the same object while the metadata stays the same
    if (testLoginCallback !== undefined && loaded.takesTestLogin) testClients.add(client)
    else testClients.delete(client)
    return client
  }
}

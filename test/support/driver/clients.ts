/** Clients beyond those of the demo data, written as the administration writes them. */
import { createHash } from 'node:crypto'
import type { Kora } from './index.ts'
import { incrementEpoch } from '../../../src/tokens/cache-epoch.ts'
import { RelyingParty, type RelyingPartyOptions } from './relying-party.ts'

export interface NewClient {
  clientId: string
  secret?: string
  metadata: Record<string, unknown>
  policy?: Record<string, unknown>
  /** APIs that it may ask tokens for, by identifier. */
  resources?: Record<string, { scopes?: string[]; machineScopes?: string[] }>
}

export async function addClient (
  kora: Pick<Kora, 'inside'>,
  { clientId, secret, metadata, policy = {}, resources = {} }: NewClient
): Promise<void> {
  await kora.inside.services.db.transaction().execute(async (trx) => {
    await trx
      .insertInto('client')
      .values({
        clientId,
        status: 'live',
        metadata: JSON.stringify(metadata),
        policy: JSON.stringify({
          names: { 'zh-CN': clientId },
          trusted: true,
          purposes: purposesOf(metadata['scope']),
          ...policy
        })
      })
      .execute()
    if (secret !== undefined) {
      await trx
        .insertInto('clientSecret')
        .values({
          id: `sec_${clientId}`,
          clientId,
          secretHash: createHash('sha256').update(secret).digest('base64url'),
          hint: secret.slice(-4)
        })
        .execute()
    }
    for (const [resource, { scopes = [], machineScopes = [] }] of Object.entries(resources)) {
      await trx.insertInto('clientResource').values({ clientId, resource, scopes, machineScopes }).execute()
    }
    await incrementEpoch(trx, 'clients')
  })
}

/** Every scope has a purpose that people are told (domain/client-policy-rules). */
const purposesOf = (scope: unknown): Record<string, string> =>
  Object.fromEntries(
    String(scope ?? '')
      .split(' ')
      .filter((name) => !['', 'openid', 'offline_access'].includes(name))
      .map((name) => [name, '测试'])
  )

/** One of the demo clients as a relying party; `redirectUri` defaults to the demo site's. */
export async function demoParty (
  kora: Pick<Kora, 'issuer' | 'site' | 'sandbox'>,
  clientId: string,
  more: Partial<RelyingPartyOptions> = {}
): Promise<RelyingParty> {
  const secret = (await kora.sandbox.clients()).find((client) => client.client_id === clientId)?.client_secret
  return await RelyingParty.discover({
    issuer: kora.issuer,
    clientId,
    secret: secret ?? null,
    redirectUri: `${kora.site}/callback`,
    ...more
  })
}

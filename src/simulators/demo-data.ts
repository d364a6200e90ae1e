/**
 * Demo data: persons in every state, the demo relying site, its resource server. Written once into an empty
 * database; in a database that has any client nothing is overwritten but the demo site's own addresses.
 */
import { createHash } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import type { Database } from '../database/schema.ts'
import type { Services } from '../services.ts'
import { derivedEnd } from '../domain/id-validity.ts'
import type { ClientPolicy } from '../domain/client-policy.ts'
import { bumpEpoch } from '../oidc/cache-epoch.ts'
import { insertPerson } from '../features/persons/index.ts'
import { demoPassword, demoPeople } from './demo-people.ts'

export interface DemoClient {
  clientId: string
  secret: string | null
  metadata: Record<string, unknown>
  policy: Partial<ClientPolicy>
  note: string
}

export const demoResource = 'urn:kora:demo:property'

/** Clients of the sandbox; `site` is the origin of the demo relying site. */
export function demoClients (site: string): DemoClient[] {
  const web = {
    application_type: 'web',
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: [`${site}/callback`],
    post_logout_redirect_uris: [`${site}/logged-out`],
    backchannel_logout_uri: `${site}/backchannel-logout`,
    backchannel_logout_session_required: true,
    client_uri: site,
    scope: 'openid profile phone email identity offline_access'
  }
  return [
    {
      clientId: 'demo-site',
      secret: 'demo-site-secret-for-the-sandbox-only',
      metadata: { ...web, client_name: '不动产登记（演示）' },
      policy: { names: { 'zh-CN': '不动产登记（演示）', bo: 'མི་འགུལ་རྒྱུ་ནོར་ཐོ་འགོད།（དཔེ་སྟོན།）', en: 'Property registry (demo)' }, unit: '演示单位', trusted: true, homeUri: site, introspects: [], purposes: { profile: '显示您的姓名', phone: '联系您', identity: '核对登记簿' } },
      note: 'the demo relying site'
    },
    {
      clientId: 'demo-consent',
      secret: 'demo-consent-secret-for-the-sandbox-only',
      metadata: { ...web, client_name: '公积金查询（演示）', subject_type: 'pairwise' },
      policy: { names: { 'zh-CN': '公积金查询（演示）', en: 'Housing fund (demo)' }, unit: '演示单位', trusted: false, optionalScopes: ['phone', 'email'], homeUri: site, purposes: { profile: '显示您的姓名', phone: '办理结果短信通知', email: '发送电子凭证', identity: '办理公积金' } },
      note: 'not trusted: shows the consent page; pairwise subject'
    },
    {
      clientId: 'demo-level3',
      secret: 'demo-level3-secret-for-the-sandbox-only',
      metadata: { ...web, client_name: '社保待遇（演示）' },
      policy: { names: { 'zh-CN': '社保待遇（演示）', en: 'Social security (demo)' }, unit: '演示单位', trusted: true, minimumLevel: 3, homeUri: site },
      note: 'minimum level 3: face at every login'
    },
    {
      clientId: 'demo-public',
      secret: null,
      metadata: { ...web, application_type: 'native', token_endpoint_auth_method: 'none', redirect_uris: ['http://127.0.0.1/callback', `${site}/callback`], backchannel_logout_uri: undefined, backchannel_logout_session_required: undefined, client_name: '掌上办（演示）' },
      policy: { names: { 'zh-CN': '掌上办（演示）', en: 'Mobile services (demo)' }, unit: '演示单位', trusted: true, homeUri: site },
      note: 'public client: PKCE, rotating refresh tokens, loopback redirect on any port'
    },
    {
      clientId: 'demo-machine',
      secret: 'demo-machine-secret-for-the-sandbox-only',
      metadata: { grant_types: ['client_credentials'], response_types: [], redirect_uris: [], token_endpoint_auth_method: 'client_secret_basic', client_name: '数据交换（演示）' },
      policy: { names: { 'zh-CN': '数据交换（演示）', en: 'Data exchange (demo)' }, unit: '演示单位' },
      note: 'client credentials'
    },
    {
      clientId: 'demo-resource',
      secret: 'demo-resource-secret-for-the-sandbox-only',
      metadata: { grant_types: [], response_types: [], redirect_uris: [], token_endpoint_auth_method: 'client_secret_basic', client_name: '不动产接口（演示）' },
      policy: { names: { 'zh-CN': '不动产接口（演示）', en: 'Property API (demo)' }, unit: '演示单位', introspects: ['*'] },
      note: 'resource server: may introspect'
    }
  ]
}

export const demoResourceServers = [
  { identifier: demoResource, name: '不动产接口（演示）', scopes: 'property:read property:write', tokenFormat: 'opaque', signingAlg: 'ES256', ttlSeconds: 600, minimumLevel: null },
  { identifier: `${demoResource}:jwt`, name: '不动产接口，JWT（演示）', scopes: 'property:read property:write', tokenFormat: 'jwt', signingAlg: 'ES256', ttlSeconds: 300, minimumLevel: null }
] as const

/** Returns whether anything was written. Hashes one password for all persons, before the transaction. */
export async function seedDemoData (services: Services, site: string): Promise<boolean> {
  const any = await services.db.selectFrom('client').select('clientId').limit(1).executeTakeFirst()
  if (any !== undefined) {
    await services.db.transaction().execute(async (trx) => { await moveDemoClients(trx, site) })
    return false
  }
  const passwordHash = await services.hasher.hash(demoPassword)
  return await services.db.transaction().execute(async (trx) => {
    // two processes may find the database empty at the same moment
    await sql`select pg_advisory_xact_lock(hashtext('kora.demo-data'))`.execute(trx)
    if (await trx.selectFrom('client').select('clientId').limit(1).executeTakeFirst() !== undefined) return false
    for (const person of demoPeople) {
      const verified = person.state === 'face-verified'
      await insertPerson(trx, services.crypto, {
        status: person.state === 'locked' || person.state === 'disabled' || person.state === 'unactivated' ? person.state : 'active',
        name: person.name,
        ...(person.nameBo === undefined ? {} : { nameBo: person.nameBo }),
        certType: 'resident_id',
        certNo: person.certNo,
        phone: `+86${person.phone}`,
        ...(person.state === 'unactivated' ? {} : { passwordHash }),
        ...(verified
          ? {
              assuranceLevel: 3,
              identityVerifiedAt: new Date(services.clock.now()),
              faceVerifiedAt: new Date(services.clock.now()),
              certValidFrom: person.validFrom,
              certValidTo: derivedEnd(person.validFrom, person.term === 'long' ? 'long' : Number(person.term) as 5 | 10 | 20),
              certTerm: person.term
            }
          : {})
      })
    }
    await insertClients(trx, demoClients(site))
    await trx.insertInto('resourceServer').values([...demoResourceServers]).execute()
    return true
  })
}

/** The demo site may have another port than at the last start: its clients go with it, and keep the addresses they had. */
async function moveDemoClients (trx: Transaction<Database>, site: string): Promise<void> {
  let moved = false
  for (const { clientId, metadata, policy } of demoClients(site)) {
    if (!('client_uri' in metadata)) continue
    const row = await trx.selectFrom('client').select(['metadata', 'policy']).where('clientId', '=', clientId).executeTakeFirst()
    const before = row?.metadata as Record<string, unknown> | undefined
    if (row === undefined || before === undefined || before['client_uri'] === site) continue
    const addresses = Object.fromEntries(['redirect_uris', 'post_logout_redirect_uris']
      .map((name) => [name, [...new Set([...metadata[name] as string[], ...(before[name] as string[] | undefined ?? [])])]]))
    const { client_uri: home, backchannel_logout_uri: backchannel } = metadata
    await trx.updateTable('client').set({
      metadata: JSON.stringify({ ...before, ...addresses, client_uri: home, backchannel_logout_uri: backchannel }),
      policy: JSON.stringify({ ...row.policy as object, homeUri: policy.homeUri })
    }).where('clientId', '=', clientId).execute()
    moved = true
  }
  if (moved) await bumpEpoch(trx, 'clients')
}

async function insertClients (trx: Transaction<Database>, clients: DemoClient[]): Promise<void> {
  for (const client of clients) {
    await trx.insertInto('client').values({
      clientId: client.clientId,
      status: 'live',
      metadata: JSON.stringify(client.metadata),
      policy: JSON.stringify(client.policy)
    }).execute()
    if (client.secret === null) continue
    await trx.insertInto('clientSecret').values({
      id: `sec_${client.clientId}`,
      clientId: client.clientId,
      secretHash: createHash('sha256').update(client.secret).digest('base64url'),
      hint: client.secret.slice(-4)
    }).execute()
  }
}

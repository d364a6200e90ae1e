/** The client of the page to try: public, PKCE alone. In the sandbox only; follows the issuer's address. */
import { isDeepStrictEqual } from 'node:util'
import { inTransaction } from '../../database/transaction.ts'
import { incrementEpoch } from '../../tokens/cache-epoch.ts'
import { scopes } from '../../domain/claims/claims.ts'
import type { ClientPolicy } from '../../domain/client/policy.ts'
import type { DevelopersDeps } from './deps.ts'

export const testLoginClientId = 'demo-try'
export const testLoginPath = '/developers/try'

/** What it may ask for: everything except document numbers. */
export const testLoginScopes = scopes.filter((scope) => scope !== 'identity')

/** Makes the client, or corrects it. Call where demo data is written, after it. */
export async function ensureTryClient ({ db, config }: Pick<DevelopersDeps, 'db' | 'config'>): Promise<void> {
  const home = `${config.issuer}${testLoginPath}`
  const metadata = {
    client_name: '试一试（演示）',
    application_type: 'web',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    redirect_uris: [`${home}/callback`],
    post_logout_redirect_uris: [home],
    client_uri: home,
    scope: testLoginScopes.join(' ')
  }
  const policy: Partial<ClientPolicy> = {
    // a page of Kora and no relying site, so a delegation cannot name it
    ownService: true,
    names: { 'zh-CN': '试一试（演示）', en: 'Try it (demo)' },
    unit: '演示单位',
    trusted: true,
    subjectKinds: ['person', 'organization'],
    roles: ['self', 'legal_representative', 'agent'],
    homeUri: home,
    purposes: Object.fromEntries(testLoginScopes.filter((scope) => scope !== 'openid').map((scope) => [scope, '演示接入']))
  }
  await inTransaction(db, async (trx) => {
    const stored = await trx
      .selectFrom('client')
      .select(['metadata', 'policy'])
      .where('clientId', '=', testLoginClientId)
      .executeTakeFirst()
    if (
      stored !== undefined &&
      isDeepStrictEqual(stored.metadata, metadata) &&
      isDeepStrictEqual(stored.policy, policy)
    ) {
      return
    }
    const values = { metadata: JSON.stringify(metadata), policy: JSON.stringify(policy) }
    await trx
      .insertInto('client')
      .values({ clientId: testLoginClientId, status: 'live', ...values })
      .onConflict((conflict) => conflict.column('clientId').doUpdateSet(values))
      .execute()
    await incrementEpoch(trx, 'clients')
  })
}

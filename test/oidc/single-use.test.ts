import t from 'tap'
import { revokeSession } from '../../src/tokens/revocation.ts'
import { eachDatabase, type TestDatabase } from '../support/database.ts'
import {
  Browser,
  authorize,
  clientCredentials,
  isActive,
  jwtApi,
  post,
  redeem,
  refresh,
  registerSite,
  signIn,
  startProvider
} from './rig.ts'

/** Audit events: type, client, reason. */
const listEvents = async ({ db }: TestDatabase): Promise<string[]> =>
  (await db.selectFrom('auditEvent').select(['type', 'clientId', 'reason']).orderBy('id').execute()).map(
    ({ type, clientId, reason }) => `${type} ${clientId} ${reason}`
  )

const ten = Array.from({ length: 10 }, (_, i) => i)

eachDatabase(
  t,
  'a code used ten times at once in two processes gives tokens once, and they die',
  async (t, database) => {
    const one = await startProvider(t, database)
    const two = await startProvider(t, database)
    const site = await registerSite(database, 'site')
    for (let round = 0; round < 3; round++) {
      const code = (await authorize(one, new Browser(), site)).get('code')
      const answers = await Promise.all(ten.map((i) => redeem(i % 2 === 0 ? one : two, site, code)))
      const given = answers.filter(({ status }) => status === 200)
      t.equal(given.length, 1)
      t.ok(answers.every(({ status, error }) => status === 200 || (status === 400 && error === 'invalid_grant')))
      for (const tokens of given) {
        t.equal(await isActive(one, site, tokens.access_token), false)
        t.equal(await isActive(one, site, tokens.refresh_token), false)
      }
      t.equal(
        (await database.db.selectFrom('oidcArtifact').select('model').where('grantHash', 'is not', null).execute())
          .length,
        0,
        'nothing of the grant is left'
      )
      t.same(
        await listEvents(database),
        Array.from({ length: round + 1 }, () => 'token.code-replayed site used_before'),
        'one event for all replays of a code'
      )
    }
  }
)

eachDatabase(t, 'a code replayed later revokes what it gave', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const browser = new Browser()
  const code = (await authorize(rig, browser, site)).get('code')
  const tokens = await redeem(rig, site, code)
  const others = await signIn(rig, browser, site)
  t.equal(tokens.status, 200)
  t.equal(await isActive(rig, site, tokens.access_token), true)
  t.match(await redeem(rig, site, code), { status: 400, error: 'invalid_grant' })
  t.equal(await isActive(rig, site, tokens.access_token), false)
  t.match(await refresh(rig, site, tokens.refresh_token), { status: 400, error: 'invalid_grant' })
  t.equal(await isActive(rig, site, others.access_token), true, 'another login of the same browser is another grant')
  await redeem(rig, site, code)
  t.same(await listEvents(database), ['token.code-replayed site used_before'])
})

eachDatabase(t, 'a replay in the middle of a redemption leaves no token', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const code = (await authorize(rig, new Browser(), site)).get('code')
  let replay: { status: number } | undefined
  rig.hooks.issuingRefreshToken = async () => {
    delete rig.hooks.issuingRefreshToken
    replay = await redeem(rig, site, code)
  }
  const tokens = await redeem(rig, site, code)
  t.match(replay, { status: 400 })
  t.equal(await isActive(rig, site, tokens.access_token), false)
  t.match(await refresh(rig, site, tokens.refresh_token), { status: 400, error: 'invalid_grant' })
  t.equal(
    (await database.db.selectFrom('oidcArtifact').select('model').where('grantHash', 'is not', null).execute()).length,
    0
  )
})

eachDatabase(t, 'a code is used up by a token that has no row, and by a request that fails', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site', 'client_secret_basic', { grant_types: ['authorization_code'] })
  const browser = new Browser()

  const forJwt = (await authorize(rig, browser, site, { resource: jwtApi, scope: 'openid read' })).get('code')
  const answers = await Promise.all(ten.map(() => redeem(rig, site, forJwt)))
  t.equal(answers.filter(({ status }) => status === 200).length, 1)
  t.match(answers.find(({ status }) => status === 200)?.access_token, /^ey.*\..*\./)
  t.match(await redeem(rig, site, forJwt), { status: 400, error: 'invalid_grant' })
  t.same(await listEvents(database), ['token.code-replayed site used_before'])

  const code = (await authorize(rig, browser, site)).get('code')
  rig.hooks.account = () => false
  t.match(await redeem(rig, site, code), { status: 400 })
  delete rig.hooks.account
  t.match(await redeem(rig, site, code), { status: 400, error: 'invalid_grant' })
})

eachDatabase(t, 'a rotating refresh token used ten times at once ends its line', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'app', 'none')
  const tokens = await signIn(rig, new Browser(), site)
  const next = await refresh(rig, site, tokens.refresh_token)
  t.equal(next.status, 200)
  t.not(next.refresh_token, tokens.refresh_token)

  const answers = await Promise.all(ten.map(() => refresh(rig, site, next.refresh_token)))
  const given = answers.filter(({ status }) => status === 200)
  t.equal(given.length, 1)
  const api = await registerSite(database, 'api')
  for (const { access_token: access, refresh_token: again } of [...given, next]) {
    t.match(await refresh(rig, site, again), { status: 400, error: 'invalid_grant' })
    t.equal(await isActive(rig, api, access), false)
  }
  t.same(await listEvents(database), ['token.refresh-reused app used_before'])
})

eachDatabase(t, 'an old refresh token ends its line', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'app', 'none')
  const first = await signIn(rig, new Browser(), site)
  const second = await refresh(rig, site, first.refresh_token)
  t.match(await refresh(rig, site, first.refresh_token), { status: 400 })
  t.match(await refresh(rig, site, second.refresh_token), { status: 400 })
  t.same(await listEvents(database), ['token.refresh-reused app used_before'])
})

eachDatabase(t, 'what another client presents, or its own client gives back, is recorded', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const thief = await registerSite(database, 'thief')
  const code = (await authorize(rig, new Browser(), site)).get('code')
  t.match(await redeem(rig, thief, code), { status: 400, error: 'invalid_grant' })
  t.match(await redeem(rig, site, code), { status: 400, error: 'invalid_grant' })
  t.same(await listEvents(database), ['token.code-replayed site another_client'])
  const [event] = await database.db.selectFrom('auditEvent').select('actor').execute()
  t.equal(event?.actor, 'client:thief')

  const tokens = await signIn(rig, new Browser(), site)
  for (const token of [tokens.access_token, tokens.refresh_token, tokens.refresh_token, 'unknown']) {
    t.equal((await post(rig, '/token/revocation', site, { token })).status, 200)
  }
  t.same((await listEvents(database)).slice(1), ['token.revoked site null'], 'with its whole grant, once')
})

eachDatabase(t, 'a session ended in the middle of a request gives nothing', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const browser = new Browser()
  await signIn(rig, browser, site)
  const endSession = async (): Promise<void> => {
    const { uid } = await database.db
      .selectFrom('oidcArtifact')
      .select('uid')
      .where('model', '=', 'Session')
      .executeTakeFirstOrThrow()
    await database.db.transaction().execute((trx) => revokeSession(trx, String(uid)))
  }

  rig.hooks.loadingGrant = async () => {
    delete rig.hooks.loadingGrant
    await endSession()
  }
  t.equal((await authorize(rig, browser, site)).get('error'), 'login_required')
  t.equal(
    (await database.db.selectFrom('oidcArtifact').select('model').execute()).length,
    0,
    'and the session is not brought back'
  )

  await signIn(rig, browser, site)
  const code = (await authorize(rig, browser, site)).get('code')
  rig.hooks.issuingRefreshToken = async () => {
    delete rig.hooks.issuingRefreshToken
    await endSession()
  }
  const tokens = await redeem(rig, site, code)
  t.equal(await isActive(rig, site, tokens.access_token), false)
  t.equal((await database.db.selectFrom('oidcArtifact').select('model').execute()).length, 0)
})

eachDatabase(t, 'a refresh under way loses against a revocation', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const tokens = await signIn(rig, new Browser(), site)
  t.equal((await refresh(rig, site, tokens.refresh_token)).status, 200)
  await post(rig, '/token/revocation', site, { token: tokens.refresh_token })
  t.match(await refresh(rig, site, tokens.refresh_token), { status: 400, error: 'invalid_grant' })
  t.equal(await isActive(rig, site, tokens.access_token), false, 'RFC 7009 §2.1: the access tokens of the grant too')
})

eachDatabase(t, 'statements of each request', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const app = await registerSite(database, 'app', 'none')
  const browser = new Browser()
  await signIn(rig, browser, site)
  const appTokens = await signIn(rig, browser, app)
  await clientCredentials(rig, site)

  const count = async (name: string, expected: number, work: () => Promise<unknown>): Promise<void> => {
    rig.statements()
    await work()
    t.equal(rig.statements(), expected, name)
  }
  let code: string | null = null
  await count('single sign-on', 2, async () => {
    code = (await authorize(rig, browser, site)).get('code')
  })
  let tokens = appTokens
  await count('code exchange', 3, async () => {
    tokens = await redeem(rig, site, code)
  })
  await count('refresh, not rotating', 2, () => refresh(rig, site, tokens.refresh_token))
  await count('refresh, rotating', 3, () => refresh(rig, app, appTokens.refresh_token))
  await count('introspection', 1, () => isActive(rig, site, tokens.access_token))
  await count('userinfo', 1, () =>
    fetch(`${rig.issuer}/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } })
  )
  await count('client credentials', 1, () => clientCredentials(rig, site))
})

import t from 'tap'
import { sql } from 'kysely'
import type { EndedClientSession } from '../../src/tokens/revocation.ts'
import { eachDatabase, type TestDatabase } from '../support/database.ts'
import { Browser, authorize, isActive, logOut, redeem, refresh, registerSite, signIn, startProvider } from './rig.ts'

interface SessionRow {
  id: string
  uid: string
  authorizations: Record<string, { sid: string; grantId?: string; contextId?: string }>
  left: number
  accountId: string | null
}

async function sessions ({ db }: TestDatabase): Promise<SessionRow[]> {
  const { rows } = await sql<SessionRow>`select id, uid, payload->'authorizations' as authorizations, account_id,
    extract(epoch from expires_at - now())::float8 as left from oidc_artifact where model = 'Session'`.execute(db)
  return rows
}

eachDatabase(t, 'relying sites that use one session at once keep their authorizations', async (t, database) => {
  const rig = await startProvider(t, database)
  const first = await registerSite(database, 'first')
  const sites = await Promise.all(Array.from({ length: 6 }, (_, i) => registerSite(database, `site-${i}`)))
  for (let round = 0; round < 3; round++) {
    const browser = new Browser()
    const account = `sub-${round}`
    await signIn(rig, browser, first, { login_hint: account })
    const all = await Promise.all(sites.map((site) => signIn(rig, browser.tab(), site)))
    t.ok(all.every(({ status }) => status === 200))
    const session = (await sessions(database)).find(({ accountId }) => accountId === account)
    t.same(Object.keys(session?.authorizations ?? {}).sort(), ['first', ...sites.map(({ clientId }) => clientId)])
    t.ok(
      Object.values(session?.authorizations ?? {}).every(({ grantId }) => grantId === undefined),
      'grants are not kept'
    )
  }
})

eachDatabase(t, 'tabs that log in again at once leave one session', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const other = await registerSite(database, 'other')
  const browser = new Browser()
  await signIn(rig, browser, site)
  const [before] = await sessions(database)
  // a tab may meet the identifier that another one just renewed: the library then asks to begin again
  const tabs = await Promise.allSettled(
    [site, other, site].map((client) => authorize(rig, browser.tab(), client, { prompt: 'login' }))
  )
  t.ok(tabs.some(({ status }) => status === 'fulfilled'))
  // a tab that comes with the identifier of a moment ago has no session and may begin one: never a second row of this
  // one
  const after = (await sessions(database)).filter(({ uid }) => uid === before?.uid)
  t.equal(after.length, 1)
  t.not(after[0]?.id, before?.id, 'with a new identifier (session fixation)')
  t.equal(after[0]?.authorizations['site']?.sid, before?.authorizations['site']?.sid)
})

eachDatabase(
  t,
  'two tabs renew the identifier at the same time: one row, both authorizations',
  async (t, database) => {
    const rig = await startProvider(t, database)
    const site = await registerSite(database, 'site')
    const other = await registerSite(database, 'other')
    const browser = new Browser()
    await signIn(rig, browser, site)
    const old = browser.copy()
    // both have found the session and renewed its identifier before either saves it
    let waiting = 0
    let go = (): void => {}
    const both = new Promise<void>((resolve) => {
      go = resolve
    })
    rig.hooks.loadingGrant = async (ctx) => {
      if (!ctx.oidc.route.includes('resume')) return
      if (++waiting === 2) go()
      await both
    }
    const codes = await Promise.all(
      [site, other].map(async (client) =>
        (await authorize(rig, browser.tab(), client, { prompt: 'login' })).get('code')
      )
    )
    delete rig.hooks.loadingGrant
    t.equal((await redeem(rig, site, codes[0] ?? null)).status, 200)
    t.equal((await redeem(rig, other, codes[1] ?? null)).status, 200)
    const rows = await sessions(database)
    t.equal(rows.length, 1)
    t.same(Object.keys(rows[0]?.authorizations ?? {}).sort(), ['other', 'site'])
    t.equal((await authorize(rig, old, site, { prompt: 'none' })).get('error'), 'login_required')
  }
)

eachDatabase(t, 'a request that renews the identifier is not undone by one that does not', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const other = await registerSite(database, 'other')
  const browser = new Browser()
  await signIn(rig, browser, site)
  const slow = browser.copy()
  rig.hooks.loadingGrant = async () => {
    delete rig.hooks.loadingGrant
    await authorize(rig, browser, site, { prompt: 'login' })
  }
  t.ok((await authorize(rig, slow, other)).get('code'))
  t.ok((await authorize(rig, browser, site, { prompt: 'none' })).get('code'), 'the new identifier is good')
  t.equal((await authorize(rig, slow, site, { prompt: 'none' })).get('error'), 'login_required', 'the old one is not')
  const rows = await sessions(database)
  t.equal(rows.length, 1)
  t.same(Object.keys(rows[0]?.authorizations ?? {}).sort(), ['other', 'site'])
})

eachDatabase(t, 'single sign-on writes the session only when it must', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const browser = new Browser()
  await signIn(rig, browser, site)
  const statements = async (): Promise<number> => {
    rig.statements()
    await authorize(rig, browser, site)
    return rig.statements()
  }
  t.equal(await statements(), 2, 'find the session, insert the code')
  await sql`update oidc_artifact set expires_at = expires_at - interval '100 seconds' where model = 'Session'`.execute(
    database.db
  )
  t.equal(await statements(), 2, 'less than a tenth of the idle time')
  await sql`update oidc_artifact set expires_at = expires_at - interval '100 seconds' where model = 'Session'`.execute(
    database.db
  )
  t.equal(await statements(), 3, 'more than a tenth')
  t.ok(((await sessions(database))[0]?.left ?? 0) > 1800)
  t.equal(await statements(), 2)

  await sql`update oidc_artifact set expires_at = now() + interval '60 seconds',
    payload = payload || jsonb_build_object('startedAt', floor(extract(epoch from now())) - 43200 + 500)
      where model = 'Session'`.execute(database.db)
  t.equal(await statements(), 3)
  t.ok(((await sessions(database))[0]?.left ?? 0) <= 500, 'never past the absolute end')

  await sql`update oidc_artifact set expires_at = now() + interval '60 seconds',
    payload = payload || jsonb_build_object('startedAt', floor(extract(epoch from now())) - 43200 + 60)
      where model = 'Session'`.execute(database.db)
  t.equal(await statements(), 2, 'at the absolute end there is nothing to move')
  t.ok(((await sessions(database))[0]?.left ?? 0) <= 60)
  await sql`update oidc_artifact set expires_at = now() - interval '1 second' where model = 'Session'`.execute(
    database.db
  )
  t.equal((await authorize(rig, browser, site, { prompt: 'none' })).get('error'), 'login_required')
})

eachDatabase(t, 'logout ends everything of the session, and says for which sites', async (t, database) => {
  const rig = await startProvider(t, database)
  const ended: EndedClientSession[] = []
  rig.hooks.sessionsEnded = async (list) => {
    ended.push(...list)
  }
  const site = await registerSite(database, 'site')
  const app = await registerSite(database, 'app', 'none')
  const browser = new Browser()
  const tokens = await signIn(rig, browser, site)
  const appTokens = await signIn(rig, browser, app)
  const stolen = browser.copy()
  const code = (await authorize(rig, browser, site)).get('code')
  const elsewhere = await signIn(rig, new Browser(), site)
  const [session] = (await sessions(database)).filter(({ authorizations }) => 'app' in authorizations)

  t.equal((await logOut(rig, browser)).status, 303)
  t.equal(await isActive(rig, site, tokens.access_token), false)
  t.match(await refresh(rig, site, tokens.refresh_token), { status: 400 })
  t.match(await refresh(rig, app, appTokens.refresh_token), { status: 400 })
  t.match(await redeem(rig, site, code), { status: 400 })
  t.equal(
    (await authorize(rig, stolen, site, { prompt: 'none' })).get('error'),
    'login_required',
    'a copied cookie is dead'
  )
  t.equal(await isActive(rig, site, elsewhere.access_token), true, 'other sessions live')
  t.same(
    ended
      .map(({ clientId, sid, accountId, sessionUid }) => ({ clientId, sid, accountId, sessionUid }))
      .sort((a, b) => (a.clientId < b.clientId ? -1 : 1)),
    ['app', 'site'].map((clientId) => ({
      clientId,
      sid: session?.authorizations[clientId]?.sid,
      accountId: 'sub-1',
      sessionUid: session?.uid
    }))
  )
})

eachDatabase(t, 'a logout whose consequences cannot be written does not happen', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const browser = new Browser()
  const tokens = await signIn(rig, browser, site)
  rig.provider.on('server_error', () => {})
  rig.hooks.sessionsEnded = async () => {
    throw new Error('outbox')
  }
  t.equal((await logOut(rig, browser)).status, 500)
  t.equal(await isActive(rig, site, tokens.access_token), true)
  t.equal((await sessions(database)).length, 1)
})

eachDatabase(t, 'logout at one site leaves the session and the others', async (t, database) => {
  const rig = await startProvider(t, database)
  const ended: EndedClientSession[] = []
  rig.hooks.sessionsEnded = async (list) => {
    ended.push(...list)
  }
  const site = await registerSite(database, 'site')
  const other = await registerSite(database, 'other')
  const browser = new Browser()
  const tokens = await signIn(rig, browser, site)
  const otherTokens = await signIn(rig, browser, other)
  const before = (await sessions(database))[0]
  t.equal((await logOut(rig, browser, false, tokens.id_token)).status, 303)
  t.equal(await isActive(rig, site, tokens.access_token), false)
  t.match(await refresh(rig, site, tokens.refresh_token), { status: 400 })
  t.equal(await isActive(rig, other, otherTokens.access_token), true)
  t.match(ended, [{ clientId: 'site', sid: before?.authorizations['site']?.sid }])
  t.same(Object.keys((await sessions(database))[0]?.authorizations ?? {}), ['other'])
  t.ok((await authorize(rig, browser, site, { prompt: 'none' })).get('code'), 'signing in there again is allowed')
  t.not(
    (await sessions(database))[0]?.authorizations['site']?.sid,
    before?.authorizations['site']?.sid,
    'under a new sid'
  )
})

import t from 'tap'
import { sql } from 'kysely'
import { hashGrantId } from '../../src/tokens/artifact-repository.ts'
import {
  revokeAccount,
  revokeClient,
  revokeContext,
  revokeGrantHash,
  revokeSession,
  type EndedClientSession
} from '../../src/tokens/revocation.ts'
import { eachDatabase, type TestDatabase } from '../support/database.ts'
import {
  Browser,
  authorize,
  isActive,
  redeem,
  refresh,
  registerSite,
  signIn,
  startProvider,
  type Rig,
  type Site,
  type TokenResponse
} from '../oidc/rig.ts'

const inTransaction = (
  { db }: TestDatabase,
  work: (trx: Parameters<typeof revokeSession>[0]) => Promise<EndedClientSession[]>
): Promise<EndedClientSession[]> => db.transaction().execute(work)
const clientsOf = (ended: EndedClientSession[]): string[] => ended.map(({ clientId }) => clientId).sort()

async function sessionOf (
  { db }: TestDatabase,
  account: string
): Promise<{ uid: string; sids: Record<string, string> }> {
  const {
    rows: [row]
  } = await sql<{
    uid: string
    authorizations: Record<string, { sid: string }>
  }>`select uid, payload->'authorizations' as authorizations
    from oidc_artifact where model = 'Session' and account_id = ${account} order by expires_at`.execute(db)
  return {
    uid: row?.uid ?? '',
    sids: Object.fromEntries(Object.entries(row?.authorizations ?? {}).map(([clientId, { sid }]) => [clientId, sid]))
  }
}

async function alive (rig: Rig, site: Site, tokens: TokenResponse): Promise<boolean> {
  const active = await isActive(rig, site, tokens.access_token)
  // a refresh token is looked at, not used
  if ((await isActive(rig, site, tokens.refresh_token)) !== active) throw new Error('half alive')
  return active
}

eachDatabase(t, 'by account, by session', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const other = await registerSite(database, 'other')
  const desk = new Browser()
  const atDesk = await signIn(rig, desk, site, { login_hint: 'sub-a' })
  const atDeskToo = await signIn(rig, desk, other)
  const deskSession = await sessionOf(database, 'sub-a')
  const onPhone = await signIn(rig, new Browser(), site, { login_hint: 'sub-a' })
  const somebody = await signIn(rig, new Browser(), site, { login_hint: 'sub-b' })

  const others = await inTransaction(database, (trx) => revokeAccount(trx, 'sub-a', deskSession.uid))
  t.same(clientsOf(others), ['site'], 'other devices only')
  t.equal(await alive(rig, site, onPhone), false)
  t.equal(await alive(rig, site, atDesk), true)

  const ended = await inTransaction(database, (trx) => revokeSession(trx, deskSession.uid))
  t.same(Object.fromEntries(ended.map(({ clientId, sid }) => [clientId, sid])), deskSession.sids)
  t.equal(await alive(rig, site, atDesk), false)
  t.equal(await alive(rig, other, atDeskToo), false)
  t.equal((await authorize(rig, desk, site, { prompt: 'none' })).get('error'), 'login_required')

  t.equal(await alive(rig, site, somebody), true)
  t.same(clientsOf(await inTransaction(database, (trx) => revokeAccount(trx, 'sub-b'))), ['site'])
  t.equal(await alive(rig, site, somebody), false)
  t.equal((await database.db.selectFrom('oidcArtifact').select('model').execute()).length, 0)
})

eachDatabase(t, 'by context: what was done for others goes on', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const other = await registerSite(database, 'other')
  const browser = new Browser()
  rig.hooks.context = { id: 'dlg_1', role: 'agent' }
  const asAgent = await signIn(rig, browser, site)
  const { sids } = await sessionOf(database, 'sub-1')
  rig.hooks.context = { id: 'self' }
  const asSelf = await signIn(rig, browser, other)

  // the site's own session outlives our tokens and our idle time
  await sql`update oidc_artifact set expires_at = now() - interval '1 second'
    where model in ('AccessToken', 'RefreshToken')
    and context_id = 'dlg_1'`.execute(database.db)
  await sql`delete from oidc_artifact where expires_at < now()`.execute(database.db)
  t.equal(await alive(rig, site, asAgent), false)

  const ended = await inTransaction(database, (trx) => revokeContext(trx, 'dlg_1'))
  t.match(ended, [{ clientId: 'site', sid: sids['site'], accountId: 'sub-1', contextId: 'dlg_1' }])
  t.equal(ended.length, 1)
  t.equal(await alive(rig, other, asSelf), true)
  const { sids: left } = await sessionOf(database, 'sub-1')
  t.same(Object.keys(left).filter((name) => left[name] !== undefined), ['other'], 'the session has no sid there')
  t.same(await inTransaction(database, (trx) => revokeContext(trx, 'dlg_1')), [])

  rig.hooks.context = { id: 'dlg_1', role: 'agent' }
  const again = await signIn(rig, browser, site)
  t.not((await sessionOf(database, 'sub-1')).sids['site'], sids['site'])
  t.same(clientsOf(await inTransaction(database, (trx) => revokeContext(trx, 'dlg_1'))), ['site'])
  t.equal(await alive(rig, site, again), false)
  t.match(await refresh(rig, site, again.refresh_token), { status: 400 })
})

eachDatabase(t, 'by client, by grant', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const other = await registerSite(database, 'other')
  const browser = new Browser()
  const tokens = await signIn(rig, browser, site)
  const otherTokens = await signIn(rig, browser, other)
  const code = (await authorize(rig, browser, site)).get('code')

  t.match(await inTransaction(database, (trx) => revokeClient(trx, 'site')), [
    { clientId: 'site', accountId: 'sub-1' }
  ])
  t.equal(await alive(rig, site, tokens), false)
  t.match(await redeem(rig, site, code), { status: 400 })
  t.equal(await alive(rig, other, otherTokens), true)
  t.same(Object.keys((await sessionOf(database, 'sub-1')).sids), ['other'])

  const again = await signIn(rig, browser, other)
  const {
    rows: [row]
  } = await sql<{ grantId: string }>`select payload->>'grantId' as grant_id from oidc_artifact
    where model = 'RefreshToken' order by expires_at desc limit 1`.execute(database.db)
  const grantHash = hashGrantId(row?.grantId ?? '')
  t.same(clientsOf(await inTransaction(database, (trx) => revokeGrantHash(trx, grantHash))), ['other'])
  t.equal(
    (await Promise.all([again, otherTokens].map((each) => alive(rig, other, each)))).filter(Boolean).length,
    1,
    'one grant, not the other'
  )
})

eachDatabase(t, 'a revocation that is rolled back did not happen', async (t, database) => {
  const rig = await startProvider(t, database)
  const site = await registerSite(database, 'site')
  const tokens = await signIn(rig, new Browser(), site)
  await t.rejects(
    database.db.transaction().execute(async (trx) => {
      await revokeAccount(trx, 'sub-1')
      throw new Error('audit')
    }),
    { message: 'audit' }
  )
  t.equal(await alive(rig, site, tokens), true)
})

eachDatabase(t, 'every revocation has its index', async (t, { db }) => {
  const conditions = {
    oidc_artifact_grant: "grant_hash = 'x'",
    oidc_artifact_session: "session_uid = 'x'",
    oidc_artifact_account: "account_id = 'x'",
    oidc_artifact_context: "context_id = 'x'",
    oidc_artifact_client: "client_id = 'x'",
    oidc_artifact_session_row: "model = 'Session' and uid = 'x'",
    oidc_artifact_user_code: "user_code = 'x'",
    oidc_artifact_expiry: 'expires_at < now()'
  }
  await db.transaction().execute(async (trx) => {
    await sql`set local enable_seqscan = off`.execute(trx)
    for (const [index, condition] of Object.entries(conditions)) {
      const { rows } = await sql<
        Record<string, string>
      >`explain ${sql.raw(`select id from oidc_artifact where ${condition}`)}`.execute(trx)
      t.match(JSON.stringify(rows), new RegExp(`${index}\\b`), index)
    }
  })
})

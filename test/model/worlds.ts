/** Where walks take place: one process on the embedded database, or two on PostgreSQL. */
import { hash } from 'argon2'
import type { Kysely } from 'kysely'
import type { Test } from 'tap'
import type { Database } from '../../src/database/schema.ts'
import { testPostgres } from '../support/database.ts'
import { demoParty, RelyingParty, startKora, startProcesses, type SandboxClient } from '../support/driver/index.ts'
import { people, sites, type Handle, type SiteName } from './login-model.ts'
import type { Person, World } from './login-walk.ts'

/** Strangers and friends come from one address, more often than people do. */
const env = { LOGIN_STARTS_PER_ADDRESS: '1000000' }

/** Each gets a password of their own, so that somebody else's opens nothing. */
async function preparePeople (db: Kysely<Database>, sandbox: SandboxClient): Promise<Record<Handle, Person>> {
  const accounts = await sandbox.accounts()
  const found = await Promise.all(
    people.map(async (handle) => {
      const account = accounts.find((one) => one.handle === handle)
      if (account === undefined) throw new Error(`no account ${handle}`)
      const { person_id: id, cert_no: number, name } = account
      const password = `Walk-of-${handle}-2026`
      const passwordHash = await hash(password, { memoryCost: 4096, timeCost: 3, parallelism: 1 })
      await db.updateTable('person').set({ passwordHash }).where('id', '=', id).execute()
      return [handle, { id, account: number, name, password }] as const
    })
  )
  return Object.fromEntries(found) as Record<Handle, Person>
}

async function listPhones (db: Kysely<Database>): Promise<Map<string, string>> {
  const rows = await db.selectFrom('device').select(['id', 'personId']).where('personId', 'is not', null).execute()
  return new Map(rows.map(({ id, personId }) => [id, personId ?? '']))
}

export async function startWorld (t: Test): Promise<World> {
  const kora = await startKora(t, { env })
  const parties = await Promise.all(
    sites.map(async (site) => [site, await demoParty(kora, site, { scope: chooseScope(site) })] as const)
  )
  return {
    issuer: kora.issuer,
    db: kora.inside.services.db,
    newBrowser: () => kora.newBrowser(),
    sandbox: () => kora.sandbox,
    sites: Object.fromEntries(parties) as Record<SiteName, RelyingParty>,
    people: await preparePeople(kora.inside.services.db, kora.sandbox),
    phones: await listPhones(kora.inside.services.db)
  }
}

/** Each request goes to the other process than the one before. */
export async function startWorldOfTwo (t: Test, databaseUrl: string): Promise<World> {
  const database = await testPostgres(t, databaseUrl, 2)
  const kora = await startProcesses(t, {
    instances: 2,
    databaseUrl: database.url ?? '',
    env: { ...env, DATABASE_POOL_SIZE: '8' }
  })
  let turn = 0
  const either = (): number => turn++ % 2
  const clients = await kora.sandbox(0).clients()
  const parties = await Promise.all(
    sites.map(async (site) => {
      const client = clients.find((one) => one.client_id === site)
      // as stored: each process adds the address of its own demo site
      const { metadata } = await database.db
        .selectFrom('client')
        .select('metadata')
        .where('clientId', '=', site)
        .executeTakeFirstOrThrow()
      const party = await RelyingParty.discover({
        issuer: kora.issuer,
        clientId: site,
        secret: client?.client_secret ?? null,
        redirectUri: (metadata as { redirect_uris?: string[] }).redirect_uris?.at(-1) ?? '',
        fetch: kora.fetchVia(either),
        scope: chooseScope(site)
      })
      return [site, party] as const
    })
  )
  return {
    issuer: kora.issuer,
    db: database.db,
    newBrowser: () => kora.newBrowser(either),
    sandbox: () => kora.sandbox(either()),
    sites: Object.fromEntries(parties) as Record<SiteName, RelyingParty>,
    people: await preparePeople(database.db, kora.sandbox(0)),
    phones: await listPhones(database.db)
  }
}

/** A site for people only cannot ask for organizations. */
const chooseScope = (site: SiteName): string =>
  site === 'demo-site' || site === 'demo-tax' ? 'openid profile organization' : 'openid profile'

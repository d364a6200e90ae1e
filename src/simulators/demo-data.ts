/**
 * Demo data: persons and organizations in every state, the demo relying sites, their resource servers. Written once
 * into an empty database; in a database that has any client nothing is overwritten but the demo site's own addresses.
 */
import { createHash } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import { maximumRedirectUris } from '../domain/client/uri.ts'
import type { Database } from '../database/schema.ts'
import { inTransaction } from '../database/transaction.ts'
import type { SimulatorsDeps } from './deps.ts'
import { derivedEnd } from '../domain/identity/id-validity.ts'
import { incrementEpoch } from '../tokens/cache-epoch.ts'
import { insertPerson } from '../records/persons/index.ts'
import { demoClients, demoGrants, demoResourceServers, type DemoClient } from './demo-clients.ts'
import { demoOrganizations } from './demo-organizations.ts'
import { demoPassword, demoPeople } from './demo-people.ts'
import { insertDemoOrganization } from './demo-seed.ts'

/**
 * Returns whether anything was written. Hashes one password for all persons and organizations, before the transaction.
 */
export async function seedDemoData (deps: SimulatorsDeps, site: string): Promise<boolean> {
  const any = async (db: Pick<Transaction<Database>, 'selectFrom'>): Promise<boolean> =>
    (await db
      .selectFrom('client')
      .select('clientId')
      .where(sql<boolean>`policy->>'ownService' is distinct from 'true'`)
      .limit(1)
      .executeTakeFirst()) !== undefined
  if (await any(deps.db)) {
    await inTransaction(deps.db, async (trx) => {
      await moveDemoClients(trx, site)
    })
    return false
  }
  const passwordHash = await deps.hasher.hash(demoPassword)
  return await inTransaction(deps.db, async (trx) => {
    // two processes may find the database empty at the same moment
    await sql`select pg_advisory_xact_lock(hashtext('kora.demo-data'))`.execute(trx)
    if (await any(trx)) return false
    const ids = await insertPeople(trx, deps, passwordHash)
    await trx
      .insertInto('resourceServer')
      .values([...demoResourceServers])
      .execute()
    await insertClients(trx, demoClients(site))
    for (const organization of demoOrganizations) {
      if (organization.account) await insertDemoOrganization(trx, deps, { organization, people: ids, passwordHash })
    }
    return true
  })
}

/**
 * The demo site may have another port than at the last start: its clients follow, and keep the latest of their
 * addresses. Missing purposes of an older version are added, because without them a client is refused; missing clients
 * too, where there is demo data.
 */
async function moveDemoClients (trx: Transaction<Database>, site: string): Promise<void> {
  let moved = false
  const isDemo =
    (await trx.selectFrom('client').select('clientId').where('clientId', '=', 'demo-site').executeTakeFirst()) !==
    undefined
  for (const client of demoClients(site)) {
    const { clientId, metadata, policy } = client
    const row = await trx
      .selectFrom('client')
      .select(['metadata', 'policy'])
      .where('clientId', '=', clientId)
      .executeTakeFirst()
    if (row === undefined) {
      if (!isDemo) continue
      await insertClients(trx, [client])
      moved = true
      continue
    }
    if (!('client_uri' in metadata)) continue
    const before = row.metadata as Record<string, unknown>
    const purposes = (row.policy as { purposes?: Record<string, string> }).purposes ?? {}
    const complete = Object.keys(policy.purposes ?? {}).every((name) => Object.hasOwn(purposes, name))
    if (before['client_uri'] === site && complete) continue
    const addresses = Object.fromEntries(
      ['redirect_uris', 'post_logout_redirect_uris'].map((name) => [
        name,
        [
          ...new Set([
            ...((metadata[name] as string[] | undefined) ?? []),
            // the addresses of a pairwise client share a host, or it needs a sector (OIDC Core §8.1)
            ...(metadata['subject_type'] === 'pairwise' ? [] : ((before[name] as string[] | undefined) ?? []))
          ])
        ].slice(0, maximumRedirectUris)
      ])
    )
    const { client_uri: home, backchannel_logout_uri: backchannel } = metadata
    await trx
      .updateTable('client')
      .set({
        metadata: JSON.stringify({ ...before, ...addresses, client_uri: home, backchannel_logout_uri: backchannel }),
        policy: JSON.stringify({
          ...(row.policy as object),
          homeUri: policy.homeUri,
          purposes: { ...policy.purposes, ...purposes }
        })
      })
      .where('clientId', '=', clientId)
      .execute()
    moved = true
  }
  if (moved) await incrementEpoch(trx, 'clients')
}

/** Of the demo APIs that are there. */
async function insertGrants (trx: Transaction<Database>, clientId: string): Promise<void> {
  const there = (await trx.selectFrom('resourceServer').select('identifier').execute()).map((row) => row.identifier)
  const grants = demoGrants(clientId).filter(({ resource }) => there.includes(resource))
  if (grants.length === 0) return
  await trx
    .insertInto('clientResource')
    .values(grants)
    .onConflict((conflict) => conflict.columns(['clientId', 'resource']).doNothing())
    .execute()
}

/** Ids by handle. */
async function insertPeople (
  trx: Transaction<Database>,
  { crypto, clock }: SimulatorsDeps,
  passwordHash: string
): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const person of demoPeople) {
    const verified = person.state === 'face-verified'
    const { id } = await insertPerson(trx, crypto, {
      person: {
        status:
        person.state === 'locked' || person.state === 'disabled' || person.state === 'unactivated'
          ? person.state
          : 'active',
        name: person.name,
        ...(person.nameBo === undefined ? {} : { nameBo: person.nameBo }),
        certType: 'resident_id',
        certNo: person.certNo,
        phone: `+86${person.phone}`,
        phoneVerifiedAt: new Date(clock.now()),
        ...(person.state === 'unactivated' ? {} : { passwordHash }),
        ...(verified
          ? {
              assuranceLevel: 3,
              identityVerifiedAt: new Date(clock.now()),
              faceVerifiedAt: new Date(clock.now()),
              certValidFrom: person.validFrom,
              certValidTo: derivedEnd(
                person.validFrom,
                person.term === 'long' ? 'long' : (Number(person.term) as 5 | 10 | 20)
              ),
              certTerm: person.term
            }
          : {})
      }
    })
    ids.set(person.handle, id)
  }
  return ids
}

async function insertClients (trx: Transaction<Database>, clients: DemoClient[]): Promise<void> {
  for (const client of clients) {
    await trx
      .insertInto('client')
      .values({
        clientId: client.clientId,
        status: 'live',
        metadata: JSON.stringify(client.metadata),
        policy: JSON.stringify(client.policy)
      })
      .onConflict((conflict) => conflict.column('clientId').doNothing())
      .execute()
    await insertGrants(trx, client.clientId)
    if (client.secret === null) continue
    await trx
      .insertInto('clientSecret')
      .values({
        id: `sec_${client.clientId}`,
        clientId: client.clientId,
        secretHash: createHash('sha256').update(client.secret).digest('base64url'),
        hint: client.secret.slice(-4)
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute()
  }
}

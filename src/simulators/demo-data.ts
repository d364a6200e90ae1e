/**
 * Demo data: persons and organizations in every state, the demo relying sites, their resource servers. Written once
 * into an empty database; a database that has any client is left alone, so nothing is ever overwritten.
 */
import { createHash } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { Database } from '../database/schema.ts'
import type { Services } from '../services.ts'
import { derivedEnd } from '../domain/id-validity.ts'
import { insertPerson } from '../features/persons/index.ts'
import { userCentreClientId } from '../features/user-centre/index.ts'
import { demoClients, demoResourceServers, type DemoClient } from './demo-clients.ts'
import { demoOrganizations } from './demo-organizations.ts'
import { demoPassword, demoPeople } from './demo-people.ts'
import { insertDemoOrganization } from './demo-seed.ts'

/** Returns whether anything was written. Hashes one password for all persons and organizations, before the transaction. */
export async function seedDemoData (services: Services, site: string): Promise<boolean> {
  const any = await services.db.selectFrom('client').select('clientId').where('clientId', '<>', userCentreClientId).limit(1).executeTakeFirst()
  if (any !== undefined) return false
  const passwordHash = await services.hasher.hash(demoPassword)
  await services.db.transaction().execute(async (trx) => {
    const ids = await insertPeople(trx, services, passwordHash)
    await insertClients(trx, demoClients(site))
    await trx.insertInto('resourceServer').values([...demoResourceServers]).execute()
    for (const organization of demoOrganizations) {
      if (organization.account) await insertDemoOrganization(trx, services, organization, ids, passwordHash)
    }
  })
  return true
}

/** Ids by handle. */
async function insertPeople (trx: Transaction<Database>, { crypto, clock }: Services, passwordHash: string): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const person of demoPeople) {
    const verified = person.state === 'face-verified'
    const { id } = await insertPerson(trx, crypto, {
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
            identityVerifiedAt: new Date(clock.now()),
            faceVerifiedAt: new Date(clock.now()),
            certValidFrom: person.validFrom,
            certValidTo: derivedEnd(person.validFrom, person.term === 'long' ? 'long' : Number(person.term) as 5 | 10 | 20),
            certTerm: person.term
          }
        : {})
    })
    ids.set(person.handle, id)
  }
  return ids
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

/** Browsers that stand for a person behind an organization's password, after scan + identity + face in that browser. */
import { sql } from 'kysely'
import type { Db, Trx } from './repository.ts'

const trustedBrowserDays = 30

export async function isTrustedBrowser (
  db: Db,
  { organizationId, personId, browserHash }: { organizationId: string; personId: string; browserHash: string }
): Promise<boolean> {
  const row = await db
    .selectFrom('trustedBrowser')
    .select('personId')
    .where('organizationId', '=', organizationId)
    .where('browserHash', '=', browserHash)
    .where('personId', '=', personId)
    .where('revokedAt', 'is', null)
    .where('expiresAt', '>', sql<Date>`now()`)
    .executeTakeFirst()
  return row !== undefined
}

/** Whether this browser stands for anybody behind this organization's password. It then has counters of its own. */
export async function isBrowserOfOrganization (db: Db, organizationId: string, browserHash: string): Promise<boolean> {
  const row = await db
    .selectFrom('trustedBrowser')
    .select('personId')
    .where('organizationId', '=', organizationId)
    .where('browserHash', '=', browserHash)
    .where('revokedAt', 'is', null)
    .where('expiresAt', '>', sql<Date>`now()`)
    .executeTakeFirst()
  return row !== undefined
}

export async function trustBrowser (
  trx: Trx,
  { organizationId, personId, browserHash }: { organizationId: string; personId: string; browserHash: string }
): Promise<void> {
  const expiresAt = sql<Date>`now() + make_interval(days => ${trustedBrowserDays})`
  await trx
    .insertInto('trustedBrowser')
    .values({ organizationId, personId, browserHash, expiresAt })
    .onConflict((conflict) =>
      conflict
        .columns(['organizationId', 'browserHash', 'personId'])
        .doUpdateSet({ createdAt: sql<Date>`now()`, expiresAt, revokedAt: null })
    )
    .execute()
}

/** Ends all of an organization, or only a person's or one browser. Returns how many ended. */
export async function revokeTrustedBrowsers (
  trx: Db,
  of: { organizationId: string; personId?: string; browserHash?: string }
): Promise<number> {
  let query = trx
    .updateTable('trustedBrowser')
    .set({ revokedAt: sql<Date>`now()` })
    .where('organizationId', '=', of.organizationId)
    .where('revokedAt', 'is', null)
    .where('expiresAt', '>', sql<Date>`now()`)
  if (of.personId !== undefined) query = query.where('personId', '=', of.personId)
  if (of.browserHash !== undefined) query = query.where('browserHash', '=', of.browserHash)
  return (await query.returning('browserHash').execute()).length
}

/** The present ones of one person, for the user center. */
export async function listTrustedBrowsers (
  db: Db,
  personId: string
): Promise<
  Array<{ organizationId: string; organizationName: string; browserHash: string; createdAt: Date; expiresAt: Date }>
> {
  return await db
    .selectFrom('trustedBrowser as b')
    .innerJoin('organization as o', 'o.id', 'b.organizationId')
    .select(['b.organizationId', 'o.name as organizationName', 'b.browserHash', 'b.createdAt', 'b.expiresAt'])
    .where('b.personId', '=', personId)
    .where('b.revokedAt', 'is', null)
    .where('b.expiresAt', '>', sql<Date>`now()`)
    .orderBy('b.createdAt', 'desc')
    .execute()
}

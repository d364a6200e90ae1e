/**
 * How staff find a person whose name is encrypted: a keyed digest of name and last four characters of the document
 * number. The table alone reveals nothing. Several people may share a digest, so it never proves anything.
 */
import { sql, type Kysely, type Transaction } from 'kysely'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Database } from '../../database/schema.ts'
import { normaliseName } from '../../domain/identity/person-name.ts'

type Db = Kysely<Database> | Transaction<Database>

const digested = (name: string, lastFour: string): string =>
  `${normaliseName(name).toLowerCase()}:${lastFour.toUpperCase()}`
const computeDigest = (crypto: Pick<FieldCrypto, 'blindIndex'>, name: string, lastFour: string): string =>
  crypto.blindIndex('person.desk', digested(name, lastFour))

/** One digest for each spelling of the name. */
export function computeNameIndexes (
  crypto: Pick<FieldCrypto, 'blindIndex'>,
  { name, nameBo, certNo }: { name: string; nameBo?: string | null | undefined; certNo: string }
): string[] {
  const lastFour = certNo.slice(-4)
  return [
    ...new Set([name, nameBo ?? ''].filter((one) => one !== '').map((one) => computeDigest(crypto, one, lastFour)))
  ]
}

/**
 * Ids of at most `limit` people with this name and these last four characters. People of unfinished applications are
 * not found.
 */
export async function personIdsByDeskIndex (
  db: Db,
  {
    crypto,
    name,
    lastFour,
    limit = 20
  }: { crypto: Pick<FieldCrypto, 'blindIndexes'>; name: string; lastFour: string; limit?: number | undefined }
): Promise<string[]> {
  const rows = await db
    .selectFrom('person')
    .select('id')
    .where(sql<boolean>`desk_index && ${crypto.blindIndexes('person.desk', digested(name, lastFour))}::text[]`)
    .where('identityState', '=', 'established')
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(({ id }) => id)
}

/**
 * Fills in the digests of at most `limit` people that were stored before digests existed. Continues where it stopped,
 * on any number of processes. Returns how many were filled in.
 */
export async function fillDeskIndexes (db: Kysely<Database>, crypto: FieldCrypto, limit = 500): Promise<number> {
  const rows = await db
    .selectFrom('person')
    .select(['id', 'nameEnc', 'nameBoEnc', 'certNoEnc', 'identityState'])
    .where('deskIndex', 'is', null)
    .orderBy('id')
    .limit(limit)
    .execute()
  if (rows.length === 0) return 0
  const filled = rows.map(({ id, nameEnc, nameBoEnc, certNoEnc, identityState }) => {
    if (identityState === 'erased') return { id, digests: [] }
    const open = (column: string, value: string): string => crypto.decrypt('person', column, id, value)
    return {
      id,
      digests: computeNameIndexes(crypto, {
        name: open('name_enc', nameEnc),
        nameBo: nameBoEnc === null ? null : open('name_bo_enc', nameBoEnc),
        certNo: open('cert_no_enc', certNoEnc)
      })
    }
  })
  await sql`
    update person p set desk_index = array(select jsonb_array_elements_text(e.digests))
      from jsonb_to_recordset(${JSON.stringify(filled)}::jsonb) as e (id text, digests jsonb)
     where p.id = e.id and p.desk_index is null`.execute(db)
  return rows.length
}

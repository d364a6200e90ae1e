/** S18: what a change of the master key has to encrypt again. */
import { sql } from 'kysely'
import t from 'tap'
import { encryptedTables } from '../../src/database/encrypted-columns.ts'
import { testDatabase } from '../support/database.ts'

/** Tables of former versions, which this one does not use: their rows have ended. */
const former = ['admin_login', 'admin_session', 'user_centre_login', 'user_centre_session']

await t.test('S18: every encrypted column is in the list', async (t) => {
  const { db } = await testDatabase(t)
  const { rows } = await sql<{ place: string }>`select table_name || '.' || column_name as place
    from information_schema.columns where table_schema = current_schema() and column_name like '%\_enc'
    order by 1`.execute(db)
  const places = rows.map(({ place }) => place).filter((place) => !former.includes(place.split('.')[0]!))
  t.same(
    encryptedTables.flatMap(({ table, columns }) => columns.map((column) => `${table}.${column}`)).sort(),
    places.sort()
  )
})

import { sql, type Kysely } from 'kysely'

/** How far the journal of a register has been read, by whichever process had the turn. */
const statements = [
  `create table register_journal (
    register text primary key,
    position bigint,
    turn_at timestamptz not null default now()
  )`
]

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

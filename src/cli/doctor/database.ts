/** The database: there, new enough, up to date, fast, safe against a power cut, and with the right role. */
import { sql, type Kysely } from 'kysely'
import {
  findUnboundRole,
  findUnvalidated,
  grantStatements,
  isPermissionDenied,
  pendingMigrations,
  RoleNotBound,
  type Database
} from '../../database/index.ts'
import type { Config } from '../../ports/config.ts'
import { describeCause, fail, ok, warn, type Finding } from './finding.ts'

const oldest = 140000

/** The first finding says whether the rest makes sense. */
export async function checkDatabase (
  db: Kysely<Database>,
  kind: 'pglite' | 'postgres',
  config: Config
): Promise<Finding[]> {
  const isProduction = config.environment === 'production'
  const where = kind === 'pglite' ? 'embedded database' : 'PostgreSQL'
  let version: { number: number; text: string }
  try {
    const {
      rows: [row]
    } = await sql<{
      number: string
      text: string
    }>`select current_setting('server_version_num') as number, current_setting('server_version') as text`.execute(db)
    version = { number: Number(row?.number), text: row?.text ?? '' }
  } catch (error) {
    return [
      fail(
        'database',
        `${where} cannot be reached (${describeCause(error)})`,
        kind === 'pglite'
          ? 'Look at DATA_DIR.'
          : 'Is it running, and are address, account and password in DATABASE_URL right?'
      )
    ]
  }
  const milliseconds = await latency(db)
  const findings = [
    version.number >= oldest
      ? ok('database', `${where} ${version.text}`)
      : fail('database', `${where} ${version.text} is too old`, 'Use PostgreSQL 14 or newer.'),
    milliseconds < 5
      ? ok('database-latency', `${milliseconds.toFixed(1)} ms for an empty statement`)
      : warn(
        'database-latency',
          `${milliseconds.toFixed(1)} ms for an empty statement`,
          'A login takes about thirty statements. Put Kora and its database closer together.'
      )
  ]
  const pending = await pendingMigrations(db).catch((error: unknown) => {
    if (isPermissionDenied(error)) return null
    throw error
  })
  // this role has no rights: it cannot even see which migrations were applied
  if (pending === null) return [...findings, await checkRole(db, isProduction)]
  findings.push(
    pending.length === 0
      ? ok('migrations', 'the tables are up to date')
      : fail('migrations', `not applied yet: ${pending.join(', ')}`, 'Run: kora migrate')
  )
  if (pending.length === 0) findings.push(await checkConstraints(db))
  findings.push(await checkClock(db))
  if (kind === 'pglite') {
    findings.push(
      warn(
        'durability',
        'the embedded database does not wait for the disk',
        'Not safe against a power cut. Set DATABASE_URL for anything that matters.'
      )
    )
    return findings
  }
  return [
    ...findings,
    ...(await checkServer(db, config)),
    ...(pending.length === 0 ? [await checkRole(db, isProduction)] : [])
  ]
}

/** Rows older than a rule may break it; only people who know the facts can correct them. */
async function checkConstraints (db: Kysely<Database>): Promise<Finding> {
  const left = await findUnvalidated(db)
  if (left.length === 0) return ok('constraints', 'every row keeps the rules of its table')
  const [first] = left
  const names = left.map(({ table, name }) => `${name} (${table})`)
  return warn(
    'constraints',
    `broken by old rows, or not checked: ${names.join(', ')}`,
    'Run: kora migrate. If it names them again, look at the rows that break the rule, mend them and run it again. ' +
      `${first?.name}: ${first?.definition.replace(/ NOT VALID$/, '')}`
  )
}

async function latency (db: Kysely<Database>): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < 5; n++) {
    const before = performance.now()
    await sql`select 1`.execute(db)
    times.push(performance.now() - before)
  }
  return times.sort((a, b) => a - b)[2] ?? 0
}

async function checkClock (db: Kysely<Database>): Promise<Finding> {
  const before = Date.now()
  const {
    rows: [row]
  } = await sql<{ ms: string }>`select extract(epoch from clock_timestamp()) * 1000 as ms`.execute(db)
  const after = Date.now()
  const skew = Math.max(Number(row?.ms) - after, before - Number(row?.ms), 0)
  return clockFinding('clock-database', skew, 'database')
}

/** @param skew milliseconds */
export function clockFinding (check: string, skew: number, whose: string): Finding {
  const message = `the clock of the ${whose} is ${skew < 1000 ? 'right' : `${(skew / 1000).toFixed(1)} s off`}`
  const advice =
    'Tokens carry the time of the process and expire by the time of the database: let NTP keep every machine.'
  if (skew >= 5000) return fail(check, message, advice)
  return skew >= 2000 ? warn(check, message, advice) : ok(check, message)
}

async function checkServer (db: Kysely<Database>, config: Config): Promise<Finding[]> {
  const { rows } = await sql<{ name: string; setting: string }>`select name, setting from pg_settings
    where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'synchronous_standby_names', 'max_connections',
      'server_encoding')`.execute(db)
  const setting = (name: string): string => rows.find((row) => row.name === name)?.setting ?? ''
  const findings: Finding[] = []
  const unsafe = ['fsync', 'synchronous_commit', 'full_page_writes'].filter((name) => setting(name) === 'off')
  findings.push(
    unsafe.length > 0
      ? fail(
        'durability',
          `${unsafe.join(', ')} off: after a power cut used codes and revoked delegations come back`,
          `Set ${unsafe.map((name) => `${name} = on`).join(', ')} in postgresql.conf.`
      )
      : setting('synchronous_standby_names') === ''
        ? warn(
          'durability',
          'waits for its own disk, but there is no synchronous standby',
          'If this server is lost, so is what it confirmed last. Set synchronous_standby_names.'
        )
        : ok('durability', `waits for its disk and for ${setting('synchronous_standby_names')}`)
  )
  if (setting('server_encoding') !== 'UTF8') {
    findings.push(
      fail(
        'encoding',
        `the database is in ${setting('server_encoding')}`,
        'Names need UTF8: create the database with encoding UTF8.'
      )
    )
  }
  findings.push(
    config.databasePoolSize * 2 < Number(setting('max_connections'))
      ? ok('connections', `up to ${config.databasePoolSize} for each process, of ${setting('max_connections')}`)
      : warn(
        'connections',
          `up to ${config.databasePoolSize} for each process, of ${setting('max_connections')} in all`,
          'Two processes already take all of them. Lower DATABASE_POOL_SIZE or raise max_connections.'
      )
  )
  return findings
}

/** The role must not be able to switch off the protection of the audit trail. */
async function checkRole (db: Kysely<Database>, isProduction: boolean): Promise<Finding> {
  const {
    rows: [row]
  } = await sql<{ role: string; mayDelete: boolean; mayAdd: boolean; mayMove: boolean }>`
    select current_user as role, has_column_privilege('audit_head', 'first_sequence', 'update') as may_move,
      has_table_privilege('audit_event', 'delete') as may_delete, has_table_privilege('audit_event',
        'insert') as may_add`.execute(db)
  const advice =
    'Give the application a role of its own: create role kora_app login password …, then as the owner: kora migrate ' +
    '--grant-to kora_app'
  if (row === undefined) return warn('role', 'unknown', advice)
  if (!row.mayAdd) {
    return fail(
      'role',
      `${row.role} cannot add audit events: every act is refused`,
      `As the owner: kora migrate --grant-to ${row.role} (${grantStatements(row.role).length} statements)`
    )
  }
  const unbound = await findUnboundRole(db)
  if (unbound !== null) {
    const { message } = new RoleNotBound(unbound.role, unbound.why)
    return (isProduction ? fail : warn)('role', message, advice)
  }
  return row.mayDelete || row.mayMove
    ? warn(
      'role',
        `${row.role} may ${row.mayDelete ? 'delete audit events' : 'move the beginning of the chain'}`,
        advice
    )
    : ok('role', `${row.role} can only add to the audit trail`)
}

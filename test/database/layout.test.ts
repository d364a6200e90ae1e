/**
 * src/database/layout.ts says of every table of the migrated database how it lies, and what it says is true. Tables
 * made from now on can be divided by their keys.
 *
 * `UPDATE_DOCS=1 node test/database/layout.test.ts` writes docs/tables.md.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { sql, type Kysely } from 'kysely'
import t from 'tap'
import {
  beforeTheRule,
  dividedKinds,
  foreignKeysBeforeTheRule,
  layout,
  type TableKind,
  type TableLayout
} from '../../src/database/layout.ts'
import { eachDatabase } from '../support/database.ts'
import { readColumns, readForeignKeys, readIndexes, readPrimaryKeys, type ForeignKey } from './catalog.ts'

const inSnakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const tables = new Map<string, Required<TableLayout>>(
  Object.entries(layout as Record<string, TableLayout>).map(([name, { otherKeys = [], ...rest }]) => [
    inSnakeCase(name),
    { ...rest, key: rest.key.map(inSnakeCase), otherKeys: otherKeys.map(inSnakeCase) }
  ])
)
const isDivided = (table: string): boolean => dividedKinds.includes(tables.get(table)?.kind ?? 'reference')
const exceptions = Object.keys(beforeTheRule).map(inSnakeCase)

/** To a small table, or along the key that both are divided by. */
function isAllowed ({ table, columns, target, targetColumns }: ForeignKey): boolean {
  if (!isDivided(table) || tables.get(target)?.kind === 'reference') return true
  return columns[0] === tables.get(table)?.key[0] && targetColumns[0] === tables.get(target)?.key[0]
}

/** First columns of indexes, without those that order by time or serve a foreign key to a small table. */
async function readOtherKeys (db: Kysely<any>): Promise<(table: string) => string[]> {
  const [columns, foreignKeys] = [await readColumns(db), await readForeignKeys(db)]
  const [indexes, primaryKeys] = [await readIndexes(db), await readPrimaryKeys(db)]
  return (table) => {
    const isTime = (column: string): boolean =>
      columns.some((one) => one.table === table && one.column === column && one.type === 'timestamp with time zone')
    const servesReference = (column: string): boolean =>
      foreignKeys.some(
        (one) => one.table === table && one.columns[0] === column && tables.get(one.target)?.kind === 'reference'
      )
    const known = [primaryKeys.get(table)?.[0], ...(tables.get(table)?.key ?? [])]
    const first = indexes.filter((index) => index.table === table).map((index) => index.columns[0] ?? '')
    return [...new Set(first)]
      .filter((column) => !known.includes(column) && !isTime(column) && !servesReference(column))
      .sort()
  }
}

await eachDatabase(t, 'every table has its place, and every place its table', async (t, { db }) => {
  const columns = await readColumns(db)
  t.strictSame([...tables.keys()].sort(), [...new Set(columns.map(({ table }) => table))].sort())
  for (const [table, { key, otherKeys }] of tables) {
    for (const column of [...key, ...otherKeys]) {
      t.ok(columns.some((one) => one.table === table && one.column === column), `${table}.${column} is there`)
    }
  }
})

await eachDatabase(t, 'a divided table is asked by its primary key and by nothing else', async (t, { db }) => {
  const primaryKeys = await readPrimaryKeys(db)
  const findOtherKeys = await readOtherKeys(db)
  const unruly: string[] = []
  for (const [table, { key, otherKeys }] of tables) {
    if (!isDivided(table)) continue
    t.strictSame(findOtherKeys(table), [...otherKeys].sort(), `${table} is looked up by these columns`)
    const primary = primaryKeys.get(table) ?? []
    if (otherKeys.length > 0 || !key.every((column) => primary.includes(column))) unruly.push(table)
  }
  t.strictSame(unruly.sort(), [...exceptions].sort(), 'none but those that were made before the rule')
})

await eachDatabase(t, 'foreign keys lead to small tables or along the key, and have an index', async (t, { db }) => {
  const foreignKeys = await readForeignKeys(db)
  const unruly = foreignKeys.filter((one) => !isAllowed(one)).map(({ name }) => name)
  t.strictSame(unruly.sort(), [...foreignKeysBeforeTheRule])
  t.strictSame(foreignKeys.filter(({ indexed }) => !indexed).map(({ name }) => name), [])
})

await eachDatabase(t, 'expired rows are found by an index', async (t, { db }) => {
  const { rows } = await sql<{ table: string }>`
    select c.relname as table from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'expires_at'
     where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace`.execute(db)
  const indexes = await readIndexes(db)
  for (const { table } of rows) {
    if (!/^deleted (when it has expired|a day after it expired)$/.test(tables.get(table)?.end ?? '')) continue
    t.ok(indexes.some((index) => index.table === table && index.columns[0] === 'expires_at'), table)
  }
})

const kinds: Record<TableKind, string> = {
  reference: 'Small; written by those who run the service. Every part of a divided database has all rows.',
  person: 'Grows with the number of people.',
  organization: 'Grows with the number of organizations.',
  login: 'Written at every login or request, deleted after it.',
  history: 'Grows with every login or act, as long as the service runs.',
  work: 'Written by staff, wizards and pages, few at a time.'
}

function renderPage (): string {
  const names = (list: readonly string[]): string => list.map((name) => `\`${name}\``).join(', ')
  const section = (kind: TableKind): string[] => [
    `## ${kind}`,
    '',
    kinds[kind],
    '',
    '| table | a row is | looked up by | also by | rows |',
    '|---|---|---|---|---|',
    ...[...tables]
      .filter(([, one]) => one.kind === kind)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([table, { row, key, otherKeys, end }]) =>
        `| \`${table}\` | ${row} | ${names(key)} | ${names(otherKeys)} | ${end} |`),
    ''
  ]
  return [
    '# Tables',
    '',
    'This page is generated from `src/database/layout.ts` by `UPDATE_DOCS=1 node test/database/layout.test.ts`.',
    '',
    'Tables of the kinds person, organization, login and history can be divided by the first column that they are ' +
      'looked up by. For a new table of these kinds the rule is: its primary key has the columns that it is looked ' +
      'up by, it is looked up by nothing else, and its foreign keys lead only to small tables or along the same key. ' +
      'Older tables are also looked up by other columns.',
    '',
    ...(Object.keys(kinds) as TableKind[]).flatMap(section),
    '## Made before the rule',
    '',
    ...Object.entries(beforeTheRule).map(([table, reason]) => `- \`${inSnakeCase(table)}\`: ${reason}`),
    '',
    `Foreign keys made before the rule: ${names(foreignKeysBeforeTheRule)}.`,
    ''
  ].join('\n')
}

await t.test('docs/tables.md shows it', async (t) => {
  const page = new URL('../../docs/tables.md', import.meta.url)
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, renderPage())
  t.equal(readFileSync(page, 'utf8'), renderPage())
})

/**
 * The types of src/database/schema say what the migrated database has: tables, columns, null, types, and the words of
 * every column that a check limits. The compiler compares: one line for each statement about the types.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Kysely } from 'kysely'
import { eachDatabase } from '../support/database.ts'
import t from 'tap'
import { readColumns, readVocabularies, type Column } from './catalog.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

const preface = `import type { Insertable, Selectable } from 'kysely'
import type { Database } from '../../../src/database/schema.ts'
type Row<T extends keyof Database> = Selectable<Database[T]>
type New<T extends keyof Database> = Insertable<Database[T]>
type Not<A extends boolean> = A extends true ? false : true
type And<A extends boolean, B extends boolean> = A extends true ? B : false
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
type Within<A, B> = [A] extends [B] ? true : false
type Optional<T, K extends keyof T> = {} extends Pick<T, K> ? true : false
type Holds<A extends true> = A
`

/** What a value of the type is read as (value-types.ts). */
const scalars: Record<string, string> = {
  text: 'string',
  date: 'string',
  smallint: 'number',
  integer: 'number',
  bigint: 'number',
  real: 'number',
  boolean: 'boolean',
  'timestamp with time zone': 'Date'
}

const inCamelCase = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
const union = (words: string[]): string => words.map((word) => `'${word}'`).join(' | ') || 'never'

interface Statement {
  about: string
  /** A type that is `true` when the statement holds. */
  type: string
}

function statementsAbout (column: Column, words: string[] | undefined): Statement[] {
  const [table, name] = [inCamelCase(column.table), inCamelCase(column.column)]
  const read = `Row<'${table}'>['${name}']`
  const value = `Exclude<${read}, null>`
  const about = `${column.table}.${column.column}`
  const scalar = scalars[column.type]
  return [
    {
      about: `${about} ${column.nullable ? 'may' : 'must not'} be null`,
      type: column.type === 'jsonb' ? `Within<${read}, unknown>` : `Same<Within<null, ${read}>, ${column.nullable}>`
    },
    {
      about: `${about} is ${words === undefined ? column.type : union(words)}`,
      type:
        words !== undefined
          ? `Same<${value}, ${union(words)}>`
          : scalar !== undefined
            ? `Same<${value}, ${scalar}>`
            : column.type === 'bytea'
              ? `And<Within<Buffer, ${value}>, Within<${value}, Uint8Array>>`
              : column.type === 'jsonb'
                ? `Not<Within<${value}, string>>`
                : column.type === 'text[]'
                  ? `Within<${value}, string[]>`
                  : 'false'
    },
    ...(column.nullable || column.hasDefault
      ? []
      : [{ about: `${about} must be given: it has no default`, type: `Not<Optional<New<'${table}'>, '${name}'>>` }]),
    ...(column.nullable || column.type === 'jsonb'
      ? []
      : [{ about: `${about} cannot be given null`, type: `Not<Within<null, New<'${table}'>['${name}']>>` }])
  ]
}

async function readStatements (db: Kysely<any>): Promise<Statement[]> {
  const [columns, vocabularies] = [await readColumns(db), await readVocabularies(db)]
  const tables = [...new Set(columns.map(({ table }) => table))]
  const missing = (a: string, b: string): string => `Same<Exclude<${a}, ${b}>, never>`
  return [
    { about: 'every table has a type', type: missing(union(tables.map(inCamelCase)), 'keyof Database') },
    { about: 'every type has a table', type: missing('keyof Database', union(tables.map(inCamelCase))) },
    ...tables.flatMap((table) => {
      const names = union(columns.filter((one) => one.table === table).map(({ column }) => inCamelCase(column)))
      const keys = `keyof Database['${inCamelCase(table)}']`
      return [
        { about: `${table}: every column is in the type`, type: missing(names, keys) },
        { about: `${table}: the type has no other columns`, type: missing(keys, names) }
      ]
    }),
    ...columns.flatMap((column) => statementsAbout(column, vocabularies.get(`${column.table}.${column.column}`)))
  ]
}

/** What the compiler does not agree to. */
function findFalse (statements: Statement[], folder: string): string[] {
  mkdirSync(folder, { recursive: true })
  try {
    const lines = statements.map(({ type }, n) => `export type Statement${n} = Holds<${type}>`)
    writeFileSync(join(folder, 'statements.ts'), preface + lines.join('\n') + '\n')
    const settings = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { typeRoots: [join(root, 'node_modules/@types')], noUnusedLocals: false },
      include: ['statements.ts']
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
    // the runner adds its loader to NODE_OPTIONS, and the compiler does not start with it
    const command = ['-u', 'NODE_OPTIONS', join(root, 'node_modules/.bin/tsc'), '-p', folder, '--pretty', 'false']
    const { stdout, status } = spawnSync('env', command, {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}` }
    })
    const before = preface.split('\n').length
    const found = [...stdout.matchAll(/^(.+?)\((\d+),\d+\): (.*)$/gm)].map(([line, file, number]) =>
      file?.endsWith('statements.ts') === true ? (statements[Number(number) - before]?.about ?? line) : line)
    return status === 0 || found.length > 0 ? [...new Set(found)] : [`the compiler failed: ${stdout}`]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

await eachDatabase(t, 'the types say what the database has', async (t, { db, kind }) => {
  const statements = await readStatements(db)
  t.ok(statements.length > 1000)
  const folder = join(root, 'test/.cache', `schema-types-${kind}-${process.pid}`)
  t.strictSame(findFalse(statements, folder), [])

  // that a difference is noticed
  const wrong = [
    { about: 'null', type: "Same<Within<null, Row<'person'>['phoneEnc']>, false>" },
    { about: 'words', type: "Same<Row<'person'>['status'], 'active'>" },
    { about: 'columns', type: "Same<Exclude<keyof Database['setting'], 'name'>, never>" }
  ]
  t.strictSame(findFalse(wrong, folder), ['null', 'words', 'columns'])
})

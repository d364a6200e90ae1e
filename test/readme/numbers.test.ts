/**
 * docs/numbers.md is generated from constants of the source; `UPDATE_DOCS=1 node test/readme/numbers.test.ts` writes
 * it. The rows are in numbers.ts.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { numberGroups } from './numbers.ts'
import { fillNumbers, readNumber } from './source-number.ts'

const page = new URL('../../docs/numbers.md', import.meta.url)

const generate = (): string => [
  '# Numbers',
  'Limits and lifetimes. This page is generated from the constants in the files that it names, by ' +
    '`test/readme/numbers.test.ts`.',
  ...numberGroups.flatMap(({ heading, rows, notes = [] }) => [
    `## ${heading}`,
    [
      '| what | value | file |',
      '|---|---|---|',
      ...rows.map(([what, value, file]) => `| ${what} | ${fillNumbers(value, file)} | \`${file}\` |`)
    ].join('\n'),
    ...notes
  ])
].join('\n\n') + '\n'

t.test('docs/numbers.md shows the constants of the source', async (t) => {
  if (process.env['UPDATE_DOCS'] !== undefined) writeFileSync(page, generate())
  const shown = generate()
  t.equal(readFileSync(page, 'utf8'), shown)
  t.same(
    shown.split('\n').filter((line) => line.startsWith('|') && line.split('|').some((cell) => cell.length > 160)),
    [],
    'no cell is longer than 160 characters'
  )
})

t.test('a number is found by its name, and only by it', async (t) => {
  t.equal(readNumber('src/oidc/configuration.ts', 'lifetimes.refreshToken'), 2_592_000, 'arithmetic')
  t.equal(readNumber('src/tokens/signing-keys.ts', 'publicMaxAge'), 3600, 'another constant of the file')
  t.throws(() => readNumber('src/oidc/configuration.ts', 'lifetimes.nothing'), /no constant/)
  t.throws(() => readNumber('src/oidc/configuration.ts', 'nothing'), /no constant/)
  t.throws(() => readNumber('src/oidc/configuration.ts', 'routes.token'), 'not a number')
  t.throws(() => readNumber('src/oidc/nothing.ts', 'lifetimes'), { code: 'ENOENT' })
})

import t from 'tap'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beginsPlainly, drawIdentifier, newIdentifier } from '../../src/domain/identifier.ts'

const source = fileURLToPath(new URL('../../src/', import.meta.url))

t.test('what begins with - or _ is drawn again', async (t) => {
  const draws = ['-abc', '_abc', '--', '', 'a-b_c', 'never']
  t.equal(
    drawIdentifier(() => draws.shift() ?? ''),
    'a-b_c'
  )
  t.same(draws, ['never'])
  for (const plain of ['a', 'Z-', '0_']) t.equal(beginsPlainly(plain), true, plain)
  for (const other of ['-a', '_a', '', '.a', ' a']) t.equal(beginsPlainly(other), false, JSON.stringify(other))
})

t.test('random identifiers', async (t) => {
  const made = Array.from({ length: 5000 }, () => newIdentifier(16))
  t.same(
    made.filter((identifier) => !/^[A-Za-z0-9][\w-]{21}$/.test(identifier)),
    []
  )
  t.equal(new Set(made).size, made.length)
  const beginnings = new Set(made.map(([first]) => first))
  t.equal(beginnings.size, 62, 'any letter and any digit')
  t.match(newIdentifier(12, 'adm_'), /^adm_[\w-]{16}$/)
})

t.test('nothing else in the source makes them', async (t) => {
  const files = (await readdir(source, { recursive: true })).filter((name) => name.endsWith('.ts'))
  const others: string[] = []
  for (const file of files) {
    if (/randomBytes\([^()]*\)\s*\.toString\('base64url'\)/.test(await readFile(join(source, file), 'utf8'))) {
      others.push(file)
    }
  }
  t.same(others, ['domain/identifier.ts'])
})

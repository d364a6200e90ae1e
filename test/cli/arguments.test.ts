import t from 'tap'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { readArguments, WrongUse } from '../../src/cli/arguments.ts'

const folder = fileURLToPath(new URL('../../src/cli/', import.meta.url))

const grammar = {
  options: {
    json: { type: 'boolean' },
    reason: { type: 'string' },
    id: { type: 'string' },
    file: { type: 'string', short: 'f' }
  },
  actions: { list: 0, show: 1, export: Infinity },
  identifiers: ['id']
} as const
const read = (...args: string[]): { values: object; positionals: string[] } => {
  const { values, positionals } = readArguments(args, grammar)
  return { values: { ...values }, positionals }
}

t.test('options and positionals in any order', async (t) => {
  t.same(read(), { values: {}, positionals: [] })
  t.same(read('--json', 'show', '--reason', 'a b', 'x'), {
    values: { json: true, reason: 'a b' },
    positionals: ['show', 'x']
  })
  t.same(read('-f', '-', '--reason=-x', 'list'), { values: { file: '-', reason: '-x' }, positionals: ['list'] })
  t.same(read('-fx', 'show', '--', '--json'), { values: { file: 'x' }, positionals: ['show', '--json'] })
  t.same(read('export', '-a', 'b', '--json', '--c', '-f', 'd'), {
    values: { json: true, file: 'd' },
    positionals: ['export', '-a', 'b', '--c']
  })
  t.same(read('show', '--reason=x', '--constructor'), {
    values: { reason: 'x' },
    positionals: ['show', '--constructor']
  })
  t.same(read('--id', '--x=y'), { values: { id: '--x=y' }, positionals: [] })
})

t.test('what no identifier belongs to is read strictly', async (t) => {
  const wrong = [
    ['list', '-a'],
    ['show', 'x', '-a'],
    ['-a', 'show'],
    ['constructor', '-a'],
    ['--reason'],
    ['--id'],
    ['show', 'x', '--reason', '--json'],
    ['--reason', '-x'],
    ['--id', '--json'],
    ['--id', '-f'],
    ['--id', '--'],
    ['--json=1'],
    ['--colour', 'red']
  ]
  for (const args of wrong) {
    try {
      t.fail(`${args.join(' ')} was read as ${JSON.stringify(read(...args))}`)
    } catch (error) {
      t.ok(error instanceof WrongUse, args.join(' '))
    }
  }
  t.throws(() => readArguments(['x'], { options: {} }), { message: /x/ })
  t.throws(() => readArguments(['--colour', 'red'], { options: {} }), { message: /--colour/ })
})

t.test('any identifier in its place', async (t) => {
  const identifier = fc
    .stringMatching(/^[A-Za-z0-9_-]{3,43}$/)
    .filter((text) => !['--json', '--reason', '--id', '--file'].includes(text))
  fc.assert(
    fc.property(identifier, identifier, (one, two) => {
      const { values, positionals } = read('show', one, '--id', two, '--json')
      return JSON.stringify([values, positionals]) === JSON.stringify([{ id: two, json: true }, ['show', one]])
    })
  )
  t.pass()
})

t.test('every command reads its arguments here', async (t) => {
  const others: string[] = []
  for (const name of await readdir(folder)) {
    if (
      name.endsWith('.ts') &&
      /parseArgs\(|args\.(?:indexOf|find|at|slice)\(|args\[/.test(await readFile(join(folder, name), 'utf8'))
    ) {
      others.push(name)
    }
  }
  t.same(others, ['arguments.ts'])
})

/**
 * No dead code: every exported function, constant and class of src is reached from an entry through code of src, and
 * what only its own file uses is not exported unless a test looks at it. What lies ready for something else is listed
 * here, each with its reason.
 */
import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import t from 'tap'

/** Where programs begin: what these files do when they are loaded is alive. */
const entries = [
  'src/main.ts',
  'src/cli/kora.ts',
  'src/records/audit/event-table.ts',
  'src/records/clients/picture-worker.ts'
]

/** Reached by nothing in src, and kept. */
const kept: Record<string, string> = {
  'src/database/layout.ts layout': 'the rule for new tables, which its test compares with the database',
  'src/database/layout.ts dividedKinds': 'the same',
  'src/database/layout.ts beforeTheRule': 'the same',
  'src/database/layout.ts foreignKeysBeforeTheRule': 'the same',
  'src/simulators/registers/signed-service.ts registerFaults': 'every fault of the simulator, for the adapters’ tests'
}

interface Name {
  file: string
  name: string
}

interface Source {
  /** Top-level declarations, by name, each with the words of its text. */
  declarations: Map<string, Set<string>>
  /** Words of statements that run when the file is loaded. */
  run: Set<string>
  exported: Set<string>
  /** Local name → what it stands for in another file. `*` = all of it. */
  imported: Map<string, Name>
  /** Exported name → what it passes on. */
  passedOn: Map<string, Name>
  /** Files that it passes on as a whole. */
  wholes: string[]
  /** What it takes as a type only: `typeof` of a value. */
  typed: Name[]
}

const root = new URL('../../', import.meta.url)
const nameOf = ({ file, name }: Name): string => `${file} ${name}`
const wordsIn = (text: string): Set<string> => new Set(text.match(/[A-Za-z_$][\w$]*/g))

function read (file: string): Source {
  const text = readFileSync(new URL(file, root), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '$1')
  const source: Source = {
    declarations: new Map(),
    run: new Set(),
    exported: new Set(),
    imported: new Map(),
    passedOn: new Map(),
    wholes: [],
    typed: []
  }
  const resolve = (path: string): string => posix.normalize(posix.join(posix.dirname(file), path))
  // a statement begins in the first column and goes on until the next one does
  for (const chunk of text.split(/^(?=[A-Za-z])/m)) {
    const from = /^(import|export)\s+(type\s)?([^'"]*?)\s*from\s*'(\.[^']+)'/.exec(chunk)
    const [, keyword, onlyTypes, what = '', path = ''] = from ?? []
    if (from !== null) {
      const list = /\{([^}]*)\}/.exec(what)?.[1]?.split(',') ?? []
      if (onlyTypes !== undefined) {
        const names = what.startsWith('*') ? ['*'] : list.map((part) => /\w+/.exec(part)?.[0] ?? '')
        source.typed.push(...names.map((name) => ({ file: resolve(path), name })))
        continue
      }
      if (what === '*') source.wholes.push(resolve(path))
      const all = /^\*\s+as\s+(\w+)$/.exec(what)?.[1]
      if (all !== undefined) source.imported.set(all, { file: resolve(path), name: '*' })
      for (const part of list) {
        const typed = /^\s*type\s+(\w+)/.exec(part)?.[1]
        if (typed !== undefined) source.typed.push({ file: resolve(path), name: typed })
        const [, name, as] = /^\s*(?!type\s)(\w+)(?:\s+as\s+(\w+))?\s*$/.exec(part) ?? []
        if (name === undefined) continue
        const other = { file: resolve(path), name }
        ;(keyword === 'export' ? source.passedOn : source.imported).set(as ?? name, other)
      }
      continue
    }
    const declared = /^(export\s+)?(?:async\s+)?(?:function\*?|const|let|class)\s+(\w+)/.exec(chunk)
    const words = wordsIn(chunk)
    for (const [, path = ''] of chunk.matchAll(/\bimport\(\s*'(\.[^']+)'\s*\)/g)) {
      const label = `import ${path}`
      source.imported.set(label, { file: resolve(path), name: '*' })
      words.add(label)
    }
    if (declared === null) {
      if (!/^(?:export\s+)?(?:declare|interface|type|import)\b/.test(chunk)) words.forEach((word) => source.run.add(word))
      continue
    }
    const [, exported, name = ''] = declared
    words.delete(name)
    source.declarations.set(name, words)
    if (exported !== undefined) source.exported.add(name)
  }
  return source
}

const files = globSync('src/**/*.ts', { cwd: root.pathname }).sort()
const others = globSync('{test,bench,examples,migrations}/**/*.ts', { cwd: root.pathname })
const sources = new Map([...files, ...others].map((file) => [file, read(file)]))

/** Everything that these files lead to. */
function reachFrom (beginnings: readonly string[], more: Name[]): Set<string> {
  const reached = new Set<string>()
  const loaded = new Set<string>()
  const waiting = [...more]
  const follow = (file: string, source: Source, words: Iterable<string>): void => {
    for (const word of words) {
      const other = source.imported.get(word)
      if (other !== undefined) waiting.push(other)
      else if (source.declarations.has(word)) waiting.push({ file, name: word })
    }
  }
  const load = (file: string): void => {
    const source = sources.get(file)
    if (source === undefined || loaded.has(file)) return
    loaded.add(file)
    follow(file, source, source.run)
  }
  beginnings.forEach(load)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { file, name } = next
    const source = sources.get(file)
    if (source === undefined || reached.has(nameOf(next))) continue
    reached.add(nameOf(next))
    load(file)
    if (name === '*') {
      for (const one of [...source.exported, ...source.passedOn.keys()]) waiting.push({ file, name: one })
    }
    const other = source.passedOn.get(name)
    if (other !== undefined) waiting.push(other)
    else if (!source.declarations.has(name)) for (const one of source.wholes) waiting.push({ file: one, name })
    follow(file, source, source.declarations.get(name) ?? [])
  }
  return reached
}

const exportsOf = (file: string): Name[] =>
  [...(sources.get(file)?.exported ?? [])].map((name) => ({ file, name }))

t.test('everything exported is reached from an entry', async (t) => {
  const migrations = others.filter((file) => file.startsWith('migrations/')).map((file) => ({ file, name: '*' }))
  const listed = Object.keys(kept).map((text) => ({ file: text.split(' ')[0] ?? '', name: text.split(' ')[1] ?? '' }))
  const alive = reachFrom(entries, migrations)
  t.ok(alive.size > 2000, `${alive.size} names`)
  const withKept = reachFrom(entries, [...migrations, ...listed])
  const dead = files.flatMap(exportsOf).map(nameOf).filter((name) => !withKept.has(name))
  t.same(dead, [], 'wire it, remove it, or list it with a reason')
  t.same(Object.keys(kept).filter((name) => alive.has(name)), [], 'listed, and no longer dead')
})

t.test('what only its own file uses is not exported, unless a test looks at it', async (t) => {
  const asked = new Set<string>()
  for (const [, { imported, passedOn, typed }] of sources) {
    for (const { file, name } of [...imported.values(), ...passedOn.values(), ...typed]) {
      if (name === '*') exportsOf(file).forEach((one) => asked.add(nameOf(one)))
      else for (const one of [file, ...(sources.get(file)?.wholes ?? [])]) asked.add(nameOf({ file: one, name }))
    }
  }
  t.same(files.flatMap(exportsOf).map(nameOf).filter((name) => !asked.has(name)), [])
})

t.test('an index passes on only what another file takes from it', async (t) => {
  const taken = new Set<string>()
  for (const [, { imported, passedOn }] of sources) {
    for (const other of [...imported.values(), ...passedOn.values()]) taken.add(nameOf(other))
  }
  const idle = files.flatMap((file) =>
    [...(sources.get(file)?.passedOn.keys() ?? [])]
      .map((name) => nameOf({ file, name }))
      .filter((name) => !taken.has(name) && !taken.has(`${file} *`))
  )
  t.same(idle, [])
})

// A template is not typed: what it reads from its model must be declared by the code beside it or by a shared part.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const files = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' }).map((name) => `src/${name}`)
const read = (name: string): string => readFileSync(new URL(name, root), 'utf8')

/** Members by folder: of interfaces, types and object literals. */
const declared = new Map<string, Set<string>>()
for (const name of files.filter((one) => one.endsWith('.ts'))) {
  const members = declared.get(dirname(name)) ?? new Set<string>()
  for (const [, member = ''] of read(name).matchAll(/(?<![.\w])(\w+)\??:/g)) members.add(member)
  declared.set(dirname(name), members)
}

/** A partial gets its model from the `include` that names it. */
const handed = new Set(
  files
    .filter((name) => name.endsWith('.eta'))
    .flatMap((name) => [...read(name).matchAll(/(?:include|layout)\('[^']+',\s*\{([^}]*)/g)])
    .flatMap(([, members = '']) => [...members.matchAll(/(\w+)\s*:|(?<=[{,]\s*)(\w+)(?=\s*[,}])/g)])
    .map(([, named, short]) => named ?? short ?? '')
)

/** The folder itself, what it lies in up to its room, and the shared models of pages. */
function * listFolders (name: string): Generator<string> {
  for (let folder = dirname(name); folder !== 'src'; folder = dirname(folder)) yield folder
  yield 'src/http'
}

t.test('what a template reads is declared beside it', async (t) => {
  const unknown: string[] = []
  let reads = 0
  for (const name of files.filter((one) => one.endsWith('.eta'))) {
    const known = new Set([...listFolders(name)].flatMap((folder) => [...(declared.get(folder) ?? [])]))
    for (const [, member = ''] of read(name).matchAll(/\bit\.(\w+)/g)) {
      reads++
      if (!known.has(member) && !handed.has(member)) unknown.push(`${name}: it.${member}`)
    }
  }
  t.same([...new Set(unknown)], [])
  t.ok(reads > 500, 'templates were found')
})

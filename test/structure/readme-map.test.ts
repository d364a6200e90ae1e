/** README's map of the source, and the paths and links of all documents, are what is in the repository. */
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const foldersOf = (path: string): string[] =>
  readdirSync(new URL(path, root), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)

t.test('the map names every folder of src, and nothing else', async (t) => {
  const [, map = ''] = /## The house\n\n```\n([\s\S]*?)```/.exec(read('README.md')) ?? []
  const inSource = map.split('\n').filter((line) => line.startsWith('  ')).map((line) => line.slice(2, 26)).join(' ')
  const folders = [...inSource.matchAll(/([\w-]+)\//g)].map(([, name = '']) => name)
  t.same(folders.sort(), foldersOf('src').sort())
  for (const [, file = ''] of inSource.matchAll(/([\w-]+\.ts)/g)) t.ok(existsSync(new URL(`src/${file}`, root)), file)
  const top = map.split('\n').find((line) => line.startsWith('migrations/')) ?? ''
  for (const [, folder = ''] of top.matchAll(/([\w-]+)\//g)) t.ok(existsSync(new URL(folder, root)), folder)
})

t.test('every path that the documents name exists', async (t) => {
  const documents = ['README.md', ...globSync('docs/**/*.md', { cwd: root })]
  for (const document of documents) {
    for (const [, path = ''] of read(document).matchAll(/`((?:src|test|docs|examples)\/[\w./-]+)`/g)) {
      t.ok(existsSync(new URL(path, root)), `${document}: ${path}`)
    }
    for (const [, link = ''] of read(document).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      t.ok(existsSync(new URL(link, new URL(document, root))), `${document}: ${link}`)
    }
  }
  for (const document of ['docs/glossary.md', 'docs/numbers.md']) {
    for (const [, path = ''] of read(document).matchAll(/\| `([a-z]+\/[\w./-]+)` \|/g)) {
      t.ok(existsSync(new URL(path, root)) || existsSync(new URL(`src/${path}`, root)), `${document}: ${path}`)
    }
  }
})

t.test('the architecture page names every floor', async (t) => {
  const page = read('docs/architecture.md')
  for (const folder of foldersOf('src')) t.ok(page.includes(`\`${folder}/\``), folder)
})

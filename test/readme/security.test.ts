/** docs/security.md: each promise names a test that exists and has the promise's identifier in a name. */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/security.md', root), 'utf8')

t.test('every promise has its test', async (t) => {
  const promises = [...page.matchAll(/^\| ([A-Z]\d+) [^|]+\| `(test\/[^`]+)` \|$/gm)]
  t.ok(promises.length > 20)
  for (const [, id = '', file = ''] of promises) {
    const path = new URL(file, root)
    if (!existsSync(path)) t.fail(`${id}: ${file} does not exist`)
    else t.match(readFileSync(path, 'utf8'), new RegExp(`(test|eachDatabase|withPostgres)\\([^'"\`]*['"\`]${id}\\b`), id)
  }
})

t.test('what keeps a clause exists', async (t) => {
  const named = [...page.matchAll(/`((?:src|test)\/[\w./-]+)`/g)].map(([, path = '']) => path)
  t.ok(named.length > 30)
  t.same(named.filter((path) => !existsSync(new URL(path, root))), [])
})

/**
 * Some tables are read and written in one place: no other code names them, in a statement or as a label of an encrypted
 * value.
 */
import { globSync, readFileSync } from 'node:fs'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const files = globSync('src/**/*.ts', { cwd: root.pathname }).sort()

const inCamelCase = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())

/** Files outside of these folders that name one of the tables. */
function findNaming (tables: string[], allowed: RegExp): string[] {
  const names = new RegExp(`\\b(${tables.flatMap((name) => [name, inCamelCase(name)]).join('|')})\\b`)
  return files.filter((file) => !allowed.test(file) && names.test(readFileSync(new URL(file, root), 'utf8')))
}

t.test('only src/tokens and src/database name the tables of the protocol', async (t) => {
  t.ok(findNaming(['oidc_artifact'], /^$/).includes('src/tokens/artifact-repository.ts'), 'the search finds them')
  t.same(findNaming(['oidc_artifact'], /^src\/(tokens|database)\//), [])
})

t.test('only their record names the tables of the sites of Kora itself', async (t) => {
  t.same(findNaming(['own_site_login', 'own_site_session'], /^src\/(records\/own-sites|database)\//), [])
})

t.test('nothing reads the tables that were given up', async (t) => {
  const former = ['user_centre_login', 'user_centre_session', 'admin_login', 'admin_session']
  t.same(findNaming(former, /^src\/database\//), [])
})

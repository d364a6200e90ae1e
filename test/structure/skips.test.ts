/** A test that cannot run here says so in one way: by the helpers of test/support. */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../../', import.meta.url))

const ways = {
  'a test skipped by itself': /(?<!\.)\bskip\b\s*[:},]|\bt(?:est)?\.skip\b|\bplan\(0/,
  'a test left to do': /\btodo\b\s*:|\bt(?:est)?\.todo\b/,
  'a question whether this is CI': /env(?:\.CI\b|\['CI'\])/,
  'a search for Chromium': /\bchromium\.launch\b|\/usr\/bin\/chromium/
}

const helpers = new Set(['test/support/needs.ts', 'test/support/chromium.ts'])
// not of the suite: it runs where no Node.js was installed, and tells which of its parts that decides
const apart = new Set(['test/first-start/first-start.ts', 'test/structure/skips.test.ts'])

t.test('no test is skipped but by withNeed, withPostgres and withChromium', async (t) => {
  const files = globSync('test/**/*.ts', { cwd: root }).filter((file) => !helpers.has(file) && !apart.has(file))
  t.ok(files.length > 200)
  for (const file of files) {
    const lines = readFileSync(root + file, 'utf8').split('\n')
    for (const [way, pattern] of Object.entries(ways)) {
      for (const [at, line] of lines.entries()) if (pattern.test(line)) t.fail(`${file}:${at + 1}: ${way}: ${line.trim()}`)
    }
  }
})

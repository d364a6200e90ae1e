/**
 * Message keys: what a template or a handler names exists, every key is named by something, and all languages have
 * the same keys with the same placeholders.
 */
import { globSync, readFileSync } from 'node:fs'
import t from 'tap'
import { catalogues, consoleCatalogues } from '../../src/http/messages.ts'

const root = new URL('../../', import.meta.url)
const keys = new Set([...Object.keys(catalogues['zh-CN']), ...Object.keys(consoleCatalogues['zh-CN'])])

const read = (pattern: string): Array<{ file: string; text: string }> =>
  globSync(pattern, { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((file) => !file.endsWith('message-keys.ts'))
    .sort()
    .map((file) => ({
      file,
      text: readFileSync(new URL(file, root), 'utf8')
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .replace(/(^|\s)\/\/.*$/gm, '$1')
    }))

const templates = [...read('src/**/*.eta'), ...read('views/**/*.eta')]
const code = read('src/**/*.ts')

/** First arguments of `t(…)` and `t.code(…)`, the parentheses in balance. */
function firstArguments (text: string): string[] {
  const found: string[] = []
  for (const { index, 0: opening } of text.matchAll(/(?<![\w.$])t(?:\.code)?\(/g)) {
    let depth = 1
    let at = index + opening.length
    const from = at
    for (; depth > 0 && at < text.length; at++) {
      const letter = text[at] ?? ''
      if (letter === "'" || letter === '`') at = text.indexOf(letter, at + 1)
      else if ('([{'.includes(letter)) depth++
      else if (')]}'.includes(letter)) depth--
      else if (letter === ',' && depth === 1 && !opening.includes('code')) break
    }
    found.push(text.slice(from, at))
  }
  return found
}

const literals = (text: string): string[] => [...text.matchAll(/'([^'\n]*)'/g)].map((match) => match[1] ?? '')
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

const heads = new Set([...keys].map((key) => key.split('.')[0]))
const rest = '[\\w.:#-]+'

/** Keys that are put together: `a.${b}.c`, 'a.' + b + '.c' and h.label('a', b), as patterns. */
function patterns (text: string): string[] {
  const joined = [...text.matchAll(/'([a-z][\w-]*\.[\w.-]*)' \+ (?:[\w.[\]]+ \+ '([._][\w.-]*)')?/g)].map(
    ([, before = '', after = '']) => `${escaped(before)}${rest}${escaped(after)}`
  )
  const filled = [...text.matchAll(/`([a-z][\w-]*\.[\w.-]*\$\{[^`]*)`/g)].map(([, body = '']) =>
    body
      .split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/)
      .map(escaped)
      .join(rest)
  )
  const labels = [...text.matchAll(/h\.label\('(\w+)'/g)].map(([, group = '']) => `${group}\\.${rest}`)
  return [...joined, ...filled, ...labels].filter((pattern) => heads.has(/^[\w-]+/.exec(pattern)?.[0]))
}

t.test('what a template names exists', async (t) => {
  let seen = 0
  for (const { file, text } of templates) {
    for (const named of firstArguments(text)) {
      // what follows ?, : or stands alone is a key; a comparison is not
      const compared = /[=!]== '[^']*'|includes\('[^']*'\)|\['\w+'[^\]]*\]\.includes/g
      for (const literal of literals(named.replace(compared, ''))) {
        if (!/\.\w|\w\./.test(literal)) continue
        seen++
        // the beginning or the end of a key that is put together
        const exists = named.includes(`'${literal}' +`)
          ? [...keys].some((key) => key.startsWith(literal))
          : keys.has(literal) || [...keys].some((key) => literal.startsWith('.') && key.endsWith(literal))
        if (!exists) t.fail(`${file}: ${literal}`)
      }
    }
  }
  t.ok(seen > 500, `${seen} in ${templates.length} templates`)
})

t.test('what a handler puts together exists', async (t) => {
  for (const { file, text } of code) {
    for (const argument of firstArguments(text)) {
      for (const literal of literals(argument)) {
        if (!/^[\w-]+\.[\w.-]+$/.test(literal) || !heads.has(literal.split('.')[0])) continue
        if (!keys.has(literal)) t.fail(`${file}: ${literal}`)
      }
      for (const pattern of patterns(argument)) {
        const whole = new RegExp(`^${pattern}$`)
        if (![...keys].some((key) => whole.test(key))) t.fail(`${file}: ${pattern}`)
      }
    }
  }
})

t.test('every key is named', async (t) => {
  const all = [...templates, ...code]
  const named = new Set(all.flatMap(({ text }) => [...literals(text), ...(text.match(/[\w-]+/g) ?? [])]))
  const made = all.flatMap(({ text }) => patterns(text))
    .filter((pattern) => !/^fault\\\./.test(pattern))
    .map((pattern) => new RegExp(`^${pattern}$`))
  const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  // codes that are put together: `uscc_${code}`, `${code}_suggested`
  const codes = code.flatMap(({ text }) =>
    [...text.matchAll(/`((?:[a-z_]+_)?\$\{[^`/ ]*?\}(?:_[a-z_$.{}]+)?)`/g)]
      .map((match) => match[1] ?? '')
      .filter((body) => /[a-z]_|_[a-z]/.test(body.replace(/\$\{[^}]*\}/g, '')))
      .map((body) => new RegExp(`^${body.replace(/\$\{[^}]*\}/g, '(\\w+)')}$`))
  )
  const isCode = (word: string): boolean =>
    [word, camel(word), word.toUpperCase()].some((form) => named.has(form)) ||
    codes.some((made) => made.exec(word)?.slice(1).every((part) => part !== word && isCode(part)) === true)
  const unused = [...keys].filter((key) => {
    if (named.has(key) || made.some((pattern) => pattern.test(key))) return false
    // fault.<field>.<code>: the code comes from the rules of the domain
    return !(key.startsWith('fault.') && isCode(key.slice(key.lastIndexOf('.') + 1)))
  })
  t.same(unused, [])
})

t.test('all languages have the same keys and placeholders', async (t) => {
  const placeholders = (text = ''): string => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort().join()
  const compare = (catalogue: typeof catalogues, locales: Array<keyof typeof catalogues>): void => {
    const chinese = catalogue['zh-CN']
    for (const locale of locales) {
      const other = catalogue[locale]
      t.same(Object.keys(other).sort(), Object.keys(chinese).sort(), locale)
      t.same(
        Object.keys(chinese).filter((key) => placeholders(chinese[key]) !== placeholders(other[key])),
        [],
        `${locale}: placeholders`
      )
      const empty = Object.keys(other).filter((key) => (other[key] ?? '').trim() === '')
      t.same(empty.filter((key) => chinese[key] !== ''), [], `${locale}: empty`)
    }
  }
  compare(catalogues, ['bo', 'en'])
  compare(consoleCatalogues, ['en'])
})

import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import type { FastifyRequest } from 'fastify'
import { at, startKora, words } from '../../support/driver/index.ts'
import { enter } from '../user-center/support.ts'
import { csvCell, formatCsv, buildPage, readList, returnPath } from '../../../src/journeys/console/index.ts'
import { consoleCatalogues } from '../../../src/http/messages.ts'
import { signInAs } from './support.ts'

t.test('cells that a spreadsheet would run are text (T090)', async (t) => {
  for (const cell of [
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\0=1',
    ' =1',
    '\n@x',
    '＝1+1',
    '＋1',
    '－1',
    '＠x',
    '　＝1'
  ]) {
    t.equal(csvCell(cell).replace(/^"/, '').startsWith("'"), true, JSON.stringify(cell))
  }
  t.same(
    [csvCell('a,b'), csvCell('say "x"'), csvCell(-5), csvCell(null), csvCell(true), csvCell('张三')],
    ['"a,b"', '"say ""x"""', '-5', '', 'true', '张三']
  )
  t.equal(formatCsv(['a', 'b'], [['1', 2]]), '\ufeffa,b\r\n1,2\r\n')
})

t.test('lists: filters and cursor in the address; what is no cursor of ours is the first page', async (t) => {
  const request = (query: Record<string, unknown>): FastifyRequest =>
    ({ url: '/admin/things?x=1', query }) as FastifyRequest
  const first = readList(request({ state: ' open ', other: 'x', bad: ['a'] }), ['state', 'bad'], ['time', 'number'])
  t.same(first.filters, { state: 'open', bad: '' })
  t.same([first.after, first.limit, first.csv], [null, 51, false])
  const rows = Array.from({ length: 51 }, (_, n) => ({ at: '2026-01-01T00:00:00.000Z', n }))
  const { rows: shown, pager } = buildPage(first, rows, (row) => [row.at, String(row.n)])
  t.equal(shown.length, 50)
  const cursor = new URL(pager.nextHref ?? '', 'http://x').searchParams.get('after')
  t.match(pager.nextHref, /^\/admin\/things\?state=open&after=/)
  t.same(readList(request({ after: cursor }), ['state'], ['time', 'number']).after, ['2026-01-01T00:00:00.000Z', '49'])
  t.equal(buildPage(first, rows.slice(0, 50), (row) => [row.at]).pager.nextHref, null, 'no page after the last')
  const made = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  for (const after of [
    '',
    'x',
    made({}),
    made(['2026-01-01T00:00:00.000Z']),
    made(['now', '1']),
    made(['2026-13-01T00:00:00.000Z', '1']),
    made(['2026-01-01T00:00:00.000Z', '-1']),
    made(['2026-01-01T00:00:00.000Z', 1]),
    'a'.repeat(600),
    ['a']
  ]) {
    t.equal(readList(request({ after }), [], ['time', 'number']).after, null, JSON.stringify(after).slice(0, 60))
  }
})

t.test('where a sign-in may lead back to: pages of the console, nothing else (T071)', async (t) => {
  for (const path of ['/admin', '/admin/clients', '/admin/accounts?role=system&after=abc', '/admin/keys/a.b-c']) {
    t.equal(returnPath(path), path)
  }
  for (const path of [
    '',
    '//evil.example',
    '/admin//evil',
    '/adminx',
    'https://evil.example/admin',
    '/admin\\evil',
    '/admin/../me',
    '/admin/..%2f',
    '/admin?x=<script>',
    '/admin#x',
    '/admin/\r\nx',
    null,
    ['/admin'],
    '/admin/' + 'a'.repeat(600)
  ]) {
    const back = returnPath(path)
    t.equal(new URL(back, 'http://kora.test').pathname.startsWith('/admin'), true, String(path).slice(0, 40))
    t.equal(new URL(back, 'http://kora.test').host, 'kora.test')
  }
  t.equal(returnPath('/admin/../me'), '/admin')
})

t.test('both languages of the console have the same messages and the same placeholders', async (t) => {
  const holes = (text: string | undefined): string[] =>
    [...(text ?? '').matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).sort()
  const [zh, en] = [consoleCatalogues['zh-CN'], consoleCatalogues.en]
  t.same(
    Object.keys(zh).filter((key) => !(key in en)),
    []
  )
  t.same(
    Object.keys(en).filter((key) => !(key in zh)),
    []
  )
  t.same(
    Object.keys(zh).filter((key) => holes(zh[key]).join() !== holes(en[key]).join()),
    []
  )
  t.same(
    Object.entries(zh).filter(([, text]) => text.includes('登陆')),
    []
  )
})

t.test('messages of the console: in order, and few in one file', async (t) => {
  const folder = new URL('../../../src/journeys/console/', import.meta.url)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'))
  t.ok(files.length > 20)
  for (const file of files) {
    const keys = Object.keys(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as object)
    t.same(keys, [...keys].sort(), `${file} is in order`)
    t.ok(keys.length <= 300, `${file} has ${keys.length} messages`)
  }
})

t.test('the overview counts what happened; the search leads where the role may go', async (t) => {
  const kora = await startKora(t)
  await enter(kora, 'zhuoma')
  const { browser } = await signInAs(kora, 'audit')
  const home = await browser.go(`${kora.issuer}/admin`)
  t.match(words(home.text), /登录 1 成功的登录/)
  t.match(words(home.text), /登录中的会话 1 用户的登录会话；管理员会话 1 个/)
  t.match(home.text, /<svg class="chart" role="img" aria-labelledby="p-funnel"/)
  t.match(words(home.text), /剩余短信 10000 少于 1000 条时提醒购买/)
  const find = async (who: typeof browser, q: string): Promise<string> =>
    at(
      await who.submit(
        await who.go(`${kora.issuer}/admin`),
        { q },
        { form: (form) => form.action.endsWith('/search') }
      )
    )
  t.equal(await find(browser, '9f3c 21ab 77d0'), '/admin/audit', 'a trace id as it stands on error pages')
  const { browser: system, id } = await signInAs(kora, 'system')
  t.equal(await find(system, '9f3c21ab77d0'), '/admin/search', 'not for who may not read the trail')
  t.equal(await find(system, id), `/admin/accounts/${id}`)
  t.equal(await find(system, '540103199511214029'), '/admin/search', 'numbers of people are looked for elsewhere')
  t.equal(await find(system, '<script>'), '/admin/search')
})

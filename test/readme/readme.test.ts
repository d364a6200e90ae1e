import t from 'tap'
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { runCode } from '../../src/cli/code.ts'
import { freePort, startKora, submitPassword } from '../support/driver/index.ts'

const root = new URL('../../', import.meta.url)
const text = async (name: string): Promise<string> => await readFile(new URL(name, root), 'utf8')

t.test('the README shows the snippet that is tested, and only files that exist', async (t) => {
  const readme = await text('README.md')
  t.ok(readme.includes(await text('examples/quick-start.mjs')), 'the snippet is examples/quick-start.mjs to the letter')
  for (const [, target = ''] of readme.matchAll(/\]\(([^)#]+)\)/g)) {
    if (!/^https?:/.test(target)) t.ok(existsSync(new URL(target, root)), target)
  }
})

t.test('every setting of the README and of .env.example is read by the configuration, and the other way round', async (t) => {
  const source = await text('src/config.ts')
  const read = new Set([...source.matchAll(/(?:text|integer|choice|flag|vendor)(?:<[^>]*>)?\('([A-Z_]+)'/g)].flatMap(([, name = '']) =>
    new RegExp(`vendor\\('${name}'`).test(source) ? [`${name}_URL`, `${name}_KEY_ID`, `${name}_SECRET`] : [name]))
  const example = await text('.env.example')
  const readme = await text('README.md')
  for (const name of read) {
    t.match(example, new RegExp(`\\b${name}=`), `.env.example has ${name}`)
    t.ok(readme.includes(name) || readme.includes(`…${name.slice(name.lastIndexOf('_', name.length - (name.endsWith('_KEY_ID') ? 4 : 1)))}`), `README has ${name}`)
  }
})

t.test('the snippet logs somebody in, unmodified', async (t) => {
  const kora = await startKora(t)
  const port = await freePort()
  const child = spawn(process.execPath, [new URL('examples/quick-start.mjs', root).pathname], {
    env: { ...process.env, ISSUER: kora.issuer, PORT: String(port) }, stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill())
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => { resolve() })
    child.once('exit', () => { reject(new Error('the snippet ended')) })
  })
  const person = await kora.sandbox.account('zhuoma')
  const browser = kora.newBrowser()
  const login = await browser.go(`http://127.0.0.1:${port}/`)
  const end = await submitPassword(browser, login, { account: person.phone, password: person.password })
  t.match(end.text, /次仁卓玛 is signed in/)
  t.match(end.text, /urn:kora:loa:2/)
})

t.test('the command of the README logs somebody in, and the pages that it names are there', async (t) => {
  const kora = await startKora(t)
  const readme = await text('README.md')
  const command = /^npm run kora -- code (.+)$/m.exec(readme)?.[1] ?? ''
  let out = ''
  t.equal(await runCode([...command.split(' '), '--issuer', kora.issuer], { out: (line) => { out += line }, progress: () => {} }, {}), 0)
  t.match(out, /次仁卓玛/)
  const paths = new Set([...readme.matchAll(/localhost:3000(\/developers[\w/]*)/g)].map(([, path = '']) => path))
  t.equal(paths.size, 3)
  for (const path of paths) t.equal((await kora.newBrowser().request(`${kora.issuer}${path}`)).status, 200, path)
})

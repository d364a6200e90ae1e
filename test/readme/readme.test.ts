import t from 'tap'
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { runCode } from '../../src/cli/code.ts'
import { secretSettings, settings } from '../../src/settings.ts'
import { demoOrganizations } from '../../src/simulators/demo-organizations.ts'
import { demoPassword, demoPeople } from '../../src/simulators/demo-people.ts'
import { link, scan, toCode } from '../journeys/user-center/support.ts'
import {
  at,
  freePort,
  scanAndReturn,
  startKora,
  submitOrganization,
  submitPassword,
  words
} from '../support/driver/index.ts'

const root = new URL('../../', import.meta.url)
const text = async (name: string): Promise<string> => await readFile(new URL(name, root), 'utf8')

t.test('the README shows the snippet that is tested, and only files that exist', async (t) => {
  const readme = await text('README.md')
  t.ok(
    readme.includes(await text('examples/quick-start.mjs')),
    'the snippet is examples/quick-start.mjs to the letter'
  )
  for (const [, target = ''] of readme.matchAll(/\]\(([^)#]+)\)/g)) {
    if (!/^https?:/.test(target)) t.ok(existsSync(new URL(target, root)), target)
  }
})

t.test('.env.example has every setting, and no other', async (t) => {
  const example = await text('.env.example')
  // secrets stand there as files
  const names = Object.keys(settings).map((name) => secretSettings.some((secret) => secret === name) ? `${name}_FILE` : name)
  for (const name of names) t.match(example, new RegExp(`\\b${name}=`), name)
  for (const [, name = ''] of example.matchAll(/\b([A-Z][A-Z_]+)=/g)) {
    t.ok(names.includes(name) || names.includes(`${name}_FILE`), `${name} is a setting`)
  }
})

t.test('the snippet logs somebody in, unmodified', async (t) => {
  const kora = await startKora(t)
  const port = await freePort()
  const child = spawn(process.execPath, [new URL('examples/quick-start.mjs', root).pathname], {
    env: { ...process.env, ISSUER: kora.issuer, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill())
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => {
      resolve()
    })
    child.once('exit', () => {
      reject(new Error('the snippet ended'))
    })
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
  const command = /^ *npm run kora -- code (.+)$/m.exec(readme)?.[1] ?? ''
  let out = ''
  t.equal(
    await runCode(
      [...command.split(' '), '--issuer', kora.issuer],
      {
        out: (line) => {
          out += line
        },
        progress: () => {}
      },
      {}
    ),
    0
  )
  t.match(out, /次仁卓玛/)
  const paths = new Set([...readme.matchAll(/localhost:3000(\/developers[\w/]*)/g)].map(([, path = '']) => path))
  t.equal(paths.size, 4)
  for (const path of paths) t.equal((await kora.newBrowser().request(`${kora.issuer}${path}`)).status, 200, path)
})

t.test(
  'the chapter about organizations: its accounts are those of the demo data, and its steps lead where it says',
  async (t) => {
    const chapter = await text('docs/tour-organizations.md')
    const quoted = [...chapter.matchAll(/`([^`]+)`/g)].map(([, value = '']) => value)
    const known = new Set([
      demoPassword,
      ...demoOrganizations.map(({ uscc }) => uscc),
      ...demoPeople.flatMap(({ certNo, phone }) => [certNo, phone])
    ])
    t.same(
      quoted.filter((value) => !known.has(value)),
      [],
      'everything to be typed exists'
    )
    const [, company = '', deji = '', temple = '', renzeng = ''] = quoted
    const stateOf = (uscc: string, agent: string) =>
      demoOrganizations.find((one) => one.uscc === uscc)?.delegations.find((one) => one.agent === agent)?.state
    t.same(
      [stateOf(company, 'deji'), stateOf(temple, 'renzeng'), stateOf(quoted.at(-1) ?? '', 'deji')],
      ['active', 'submitted', 'rejected']
    )
    t.same(
      ['active', 'suspended', 'expired'].filter(
        (state) =>
          !demoOrganizations.some(({ delegations }) =>
            delegations.some((one) => one.agent === 'dawa' && one.state === state)
          )
      ),
      []
    )
    t.same(
      demoOrganizations
        .flatMap(({ delegations }) => delegations.filter(({ agent }) => agent === 'pingcuo').map(({ state }) => state))
        .filter((state) => state !== 'revoked'),
      []
    )

    const kora = await startKora(t)
    const enter = async (
      address: string,
      uscc: string,
      role: 'legal_representative' | 'agent',
      person: string,
      account?: string
    ) => {
      const browser = kora.newBrowser()
      let page = await submitOrganization(browser, await browser.go(address), { uscc, password: demoPassword, role })
      if (account !== undefined) page = await browser.submit(page, { account })
      return { browser, page: await scanAndReturn(browser, kora.sandbox, page, person, () => false) }
    }
    t.match(
      words((await enter(`${kora.site}/login`, company, 'legal_representative', 'zhuoma')).page.text),
      /代表单位办理/,
      '1'
    )
    t.match(
      words((await enter(`${kora.site}/login`, company, 'agent', 'deji', deji)).page.text),
      /代表单位办理.*代理人/,
      '2'
    )
    const { browser, page } = await enter(`${kora.issuer}/me/agents`, temple, 'legal_representative', 'awang')
    t.equal(at(page), '/me/agents')
    const approved = await scan(kora, browser, await toCode(browser, await browser.go(link(page, '通过'))), 'awang')
    t.match(words(approved.page.text), /审核成功/, '3')
    t.equal(demoPeople.find(({ handle }) => handle === 'renzeng')?.phone, renzeng)
    t.match(words((await enter(`${kora.site}/login`, temple, 'agent', 'renzeng')).page.text), /代表单位办理.*代理人/)
  }
)

import t from 'tap'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { command as apply } from '../../src/cli/apply.ts'
import { command as client } from '../../src/cli/client.ts'
import { command as resourceServer } from '../../src/cli/resource-server.ts'
import { findClient } from '../../src/records/clients/index.ts'
import { findResourceServer } from '../../src/records/resource-servers/index.ts'
import { eachDatabase } from '../support/database.ts'
import { registryOn } from '../records/clients/support.ts'

const argsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')
const identifier = 'https://api.example.gov.cn/fund'

await eachDatabase(t, 'S4 kora resource-server, and APIs in the file of kora apply', async (t, database) => {
  const deps = registryOn(database)
  t.capture(console, 'error', () => {})
  type Command = typeof client | typeof apply | typeof resourceServer
  const run = async (command: Command, line: string): Promise<{ code: number; out: string }> => {
    const out: string[] = []
    const code = await command.run(argsOf(line), deps, (text) => {
      out.push(text)
    })
    return { code, out: out.join('\n') }
  }
  const json = async (command: Command, line: string): Promise<any> =>
    JSON.parse((await run(command, `${line} --json`)).out)

  await run(client, 'create --id fund-api --name 接口 --kind resource --reason x')
  t.match(
    await json(
      resourceServer,
      `create ${identifier} --name 公积金接口 --name-en Fund --scope "fund:read=查询|བོད|Read" --scope fund:write=提取 ` +
        '--minimum-level 2 --introspector fund-api --reason "ticket 1" --operator lhamo'
    ),
    {
      identifier,
      version: 1,
      names: { 'zh-CN': '公积金接口', en: 'Fund' },
      scopes: { 'fund:read': { 'zh-CN': '查询', bo: 'བོད', en: 'Read' }, 'fund:write': { 'zh-CN': '提取' } },
      minimumLevel: 2
    }
  )
  t.match(await run(resourceServer, `create ${identifier} --name x --scope a=b --reason x`), { code: 1, out: /already/ })
  t.match(await run(resourceServer, 'create fund --name x --scope a=b --reason x'), { code: 1, out: /identifier/ })
  for (const wrong of ['sing', 'show', 'show urn:x', 'create', `create ${identifier} --name x`, `disable ${identifier}`,
    'list x', 'list --status gone', `change ${identifier} --scope x --reason y`]) {
    t.equal((await run(resourceServer, wrong)).code, 2, wrong)
  }
  t.match((await json(resourceServer, 'list --text 公积金')).resource_servers, [{ identifier, clients: 0 }])
  t.match(await json(resourceServer, `change ${identifier} --ttl 300 --remove-scope fund:write --reason x`), {
    outcome: 'changed',
    version: 2
  })

  const dir = t.testdir()
  const file = join(dir, 'clients.yaml')
  const clients = (scopes: string): string => `
clients:
  - client_id: fund
    kind: server
    metadata: { redirect_uris: ['https://gjj.gov.cn/cb'], scope: openid }
    policy: { names: { zh-CN: 公积金 }, resources: { '${identifier}': { scopes: [${scopes}] } } }
`
  const exported = (await run(resourceServer, 'export')).out
  await writeFile(file, exported)
  t.equal((await run(apply, `-f ${file} --diff`)).code, 0, 'what was exported is what is there')
  t.equal((await run(apply, `-f ${file} --prune --reason x`)).code, 2, 'a file without clients ends none')

  await writeFile(file, exported.replace('scopes:', 'scopes:\n      fund:write: { zh-CN: 提取 }') + clients('fund:write'))
  t.match(await json(apply, `-f ${file} --diff`), {
    differences: [
      { identifier, action: 'change' },
      { clientId: 'fund', action: 'create', second: ['api_scope'] }
    ]
  })
  t.match(await run(apply, `-f ${file} --reason x`), { code: 4, out: /approvals\/chg_/ })
  t.same((await findClient(database.db, 'fund'))?.policy.resources, {}, 'S8: nobody gives it alone')
  t.equal((await run(apply, `-f ${file} --reason x --emergency`)).code, 0)
  t.match((await findClient(database.db, 'fund'))?.policy.resources, { [identifier]: { scopes: ['fund:write'] } })
  t.match(await json(resourceServer, `show ${identifier}`), {
    clients: [{ client_id: 'fund', scopes: ['fund:write'], machineScopes: [] }],
    introspectors: ['fund-api'],
    changes: [{ act: 'changed' }, { act: 'changed' }, { act: 'created', actor: 'operator:lhamo', reason: 'ticket 1' }]
  })
  const all = `${exported.replace('scopes:', 'scopes:\n      fund:write: { zh-CN: 提取 }')}\n${(await run(client, 'export')).out}`
  await writeFile(file, all)
  t.equal((await run(apply, `-f ${file} --diff`)).code, 0, 'APIs and clients there and back')

  await writeFile(file, exported.replace('opaque', 'jwt') + clients('fund:sell'))
  t.match(await run(apply, `-f ${file} --reason x`), { code: 1, out: /line \d+: \/(resource_servers|clients)/ })
  await writeFile(file, 'resource_servers: 5')
  t.match(await run(apply, `-f ${file} --reason x`), { code: 1, out: /resource_servers/ })
  await writeFile(file, 'resource_servers: [{ identifier: urn:x, colour: 1 }, 7]')
  t.match(await run(apply, `-f ${file} --reason x`), { code: 1, out: /resource_servers\/0\/colour[\s\S]*resource_servers\/1/ })

  const guide = await readFile(new URL('../../docs/resource-servers.md', import.meta.url), 'utf8')
  await writeFile(file, (/```yaml\n([\s\S]*?)```/.exec(guide)?.[1] ?? '').replaceAll(identifier, 'urn:guide'))
  t.match(await json(apply, `-f ${file} --diff`), {
    differences: [
      { identifier: 'urn:guide', action: 'create' },
      { clientId: 'fund-site', action: 'create' }
    ]
  })
  t.match(await run(resourceServer, `change ${identifier} --token-format jwt --reason x`), {
    code: 4,
    out: /tokens cannot be revoked[^]*approvals\/chg_/
  })
  t.equal((await findResourceServer(database.db, identifier))?.tokenFormat, 'opaque')
  t.equal((await run(resourceServer, `change ${identifier} --token-format jwt --reason x --emergency`)).code, 0)
  t.match(await run(resourceServer, `delete ${identifier} --reason x`), { code: 1, out: /fund fund-api/ })
  t.match(await run(resourceServer, `disable ${identifier} --reason x`), { code: 0, out: /disabled/ })
  t.match(await run(resourceServer, `enable ${identifier} --reason x`), { code: 0, out: /active/ })
  await run(resourceServer, 'create urn:unused --name x --scope a=b --reason x')
  t.equal((await run(resourceServer, 'delete urn:unused --reason x')).code, 0)
})

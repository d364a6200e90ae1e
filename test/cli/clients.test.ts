import t from 'tap'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { write } from '../../src/database/transaction.ts'
import { command as apply } from '../../src/cli/apply.ts'
import { command as client } from '../../src/cli/client.ts'
import { findClient } from '../../src/records/clients/index.ts'
import { describeClient } from '../../src/journeys/user-center/site.ts'
import { ensureOwnClient } from '../../src/oidc/own-client.ts'
import { eachDatabase } from '../support/database.ts'
import { act, registryOn } from '../records/clients/support.ts'
import { storeLogo } from '../../src/records/clients/logo.ts'
import { PNG } from 'pngjs'

const argsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')

eachDatabase(t, 'kora client and kora apply', async (t, database) => {
  const services = registryOn(database)
  await ensureOwnClient({ db: services.db, crypto: database.crypto }, describeClient(services.config.issuer))
  const errors = t.capture(console, 'error', () => {})
  const run = async (command: typeof client | typeof apply, line: string): Promise<{ code: number; out: string }> => {
    const out: string[] = []
    return {
      code: await command.run(argsOf(line), services, (text) => {
        out.push(text)
      }),
      out: out.join('\n')
    }
  }
  const json = async (command: typeof client | typeof apply, line: string): Promise<any> =>
    JSON.parse((await run(command, `${line} --json`)).out)
  const dir = t.testdir()
  const file = join(dir, 'clients.yaml')

  const made = await json(
    client,
    'create --id fund --name 公积金查询 --kind server --redirect https://gjj.gov.cn/cb --scope "openid profile" --purpose ' +
      'profile=显示姓名 --reason "ticket 1" --operator lhamo'
  )
  t.match(made, {
    client_id: 'fund',
    client_secret: /^[\w-]{43}$/,
    status: 'test',
    issuer: 'https://sso.example.gov.cn'
  })
  t.match(await run(client, 'create --id fund --name x --kind machine --reason y'), { code: 1, out: /already/ })
  t.match(await run(client, 'create --name x --kind server --redirect http://gjj.gov.cn/cb --reason y'), {
    code: 1,
    out:
      '/metadata/redirect_uris/0 must begin with https:// — received http://gjj.gov.cn/cb, expected ' +
      'https://gjj.gov.cn/cb'
  })
  t.match(await json(client, 'show fund'), {
    client_id: 'fund',
    version: 1,
    secrets: [{ hint: made.client_secret.slice(-4) }],
    changes: [{ act: 'created', actor: 'operator:lhamo', reason: 'ticket 1' }]
  })
  t.match((await json(client, 'list --host gjj.gov.cn')).clients, [{ client_id: 'fund' }])
  t.match(await json(client, 'rotate-secret fund --reason yearly'), {
    client_secret: String,
    previous: { ends_at: String }
  })
  t.match(await run(client, 'rotate-secret fund --reason yearly'), { code: 1, out: /Two secrets/ })
  for (const wrong of [
    'sing',
    'show',
    'show nobody',
    'create --reason x',
    'create --name x --kind server',
    'list x',
    'disable fund',
    'rotate-secret fund --grace-days x --reason y',
    'list --colour'
  ]) {
    t.equal((await run(client, wrong)).code, 2, wrong)
  }
  t.match(errors().at(-1)?.args, [/kora client list/])

  // there and back
  await write(services, storeLogo, { act, clientId: 'fund', file: PNG.sync.write(new PNG({ width: 4, height: 4 })) })
  await run(
    client,
    'create --id gate --name 入口 --kind native --redirect cn.gov.example.gate:/cb --status draft --reason x'
  )
  const exported = (await run(client, 'export')).out
  t.notMatch(exported, /kora-user-centre|secret[^_]|logo/)
  await writeFile(file, exported)
  t.same(await run(apply, `-f ${file} --diff --prune`), { code: 0, out: 'No differences.' })
  t.same(await json(apply, `-f ${file} --reason nothing`), { applied: [], unchanged: 2, secrets: [], waiting: [] })

  // a change, a new client, and one that is gone
  const edited = `${exported.replace('https://gjj.gov.cn/cb', 'https://gjj.gov.cn/callback').replace(/ {2}- client_id: gate[\s\S]*$/, '')}
  - client_id: tax
    kind: machine
    policy: { names: { zh-CN: 电子税务 } }
`
  await writeFile(file, edited)
  const diff = await run(apply, `-f ${file} --diff --prune`)
  t.equal(diff.code, 3)
  t.match(
    diff.out,
    '~ fund (公积金查询): change\n  - /metadata/redirect_uris: "https://gjj.gov.cn/cb"\n  + /metadata/redirect_uris: ' +
      '"https://gjj.gov.cn/callback"\n+ tax (电子税务): create'
  )
  t.match(diff.out, /- gate \(入口\): delete/)
  t.equal(await findClient(services.db, 'tax'), null, '--diff changes nothing')
  t.match(await json(apply, `-f ${file} --prune --reason "release 12" --operator lhamo`), {
    applied: [{ clientId: 'fund' }, { clientId: 'tax', action: 'create' }, { clientId: 'gate', action: 'delete' }],
    secrets: [{ client_id: 'tax' }]
  })
  t.match(await findClient(services.db, 'fund'), {
    metadata: { redirect_uris: ['https://gjj.gov.cn/callback'] },
    policy: { logo: /^logo_/ }
  })
  t.equal(await findClient(services.db, 'gate'), null)
  t.same(
    await run(apply, `-f ${file} --prune --diff`),
    { code: 0, out: 'No differences.' },
    'once more changes nothing'
  )
  await run(client, 'disable tax --reason x')
  t.match(await findClient(services.db, 'tax'), { status: 'disabled' })

  // one bad entry: nothing is changed, and its line is named
  const bad: Array<[string, RegExp]> = [
    [
      edited.replace('https://gjj.gov.cn/callback', 'http://gjj.gov.cn/x').replace('电子税务', '税务'),
      /^line \d+: \/clients\/0\/metadata\/redirect_uris\/0 must begin with https/
    ],
    [edited.replace('kind: machine', 'kind: robot'), /^line \d+: \/clients\/1\/kind is not one of/],
    [edited.replace('client_id: tax', 'client_id: fund'), /client_id is there twice/],
    [edited.replace('client_id: tax', 'client_id: kora-user-centre'), /own services/],
    [edited.replace('kind: machine', 'kind: machine\n    status: draft'), /status cannot be reached/],
    [
      edited.replace('kind: machine', 'kind: machine\n    colour: red'),
      /^line \d+: \/clients\/1\/colour is not a known member/
    ],
    ['clients:\n  - client_id: a\n   kind: x', /^line 3: the file is not readable/],
    ['clients: 3', /must be a list/],
    [`${edited}\nclients: []`, /not readable/]
  ]
  for (const [text, expected] of bad) {
    await writeFile(file, text)
    const { code, out } = await run(apply, `-f ${file} --reason x`)
    t.equal(code, 1, out)
    t.match(out, expected)
  }
  const line = edited.split('\n').findIndex((text) => text.includes('kind: machine')) + 1
  await writeFile(file, edited.replace('kind: machine', 'kind: robot'))
  t.match((await json(apply, `-f ${file} --reason x`)).faults, [
    { line, field: '/clients/1/kind', code: 'not_one_of', received: 'robot' }
  ])
  t.match(await findClient(services.db, 'fund'), { version: 3, policy: { names: { 'zh-CN': '公积金查询' } } })

  // S8: what one person may not decide alone is marked, and waits in the console; a name is no approval
  const powers = `clients:
  - client_id: plain
    kind: machine
    policy: { names: { zh-CN: 普通 } }
  - client_id: gateway
    kind: resource
    policy: { names: { zh-CN: 网关 }, introspects: ['*'] }
`
  await writeFile(file, powers)
  t.match((await run(apply, `-f ${file} --diff`)).out, '+ gateway (网关): create\n  ! may introspect every token')
  t.match((await json(apply, `-f ${file} --diff`)).differences, [
    { reasons: [], second: [] },
    { reasons: ['introspects_all'], second: ['introspects_all'] }
  ])
  t.equal((await run(apply, `-f ${file} --reason x --agreed-by pema`)).code, 2, 'nobody is believed by name')
  const waiting = async (): Promise<string[]> =>
    (
      await services.db
        .selectFrom('pendingChange')
        .select(['kind', 'subject', 'requestedBy'])
        .where('state', '=', 'pending')
        .orderBy('createdAt')
        .execute()
    ).map(({ kind, subject, requestedBy }) => `${kind} ${subject} ${requestedBy}`)
  const applied = await run(apply, `-f ${file} --reason "ticket 9" --operator lhamo`)
  t.equal(applied.code, 4, applied.out)
  t.match(applied.out, /\/admin\/approvals\/chg_/)
  t.same(await waiting(), ['client.change gateway operator:lhamo'])
  t.same((await findClient(services.db, 'gateway'))?.policy.introspects, [], 'made without it')
  t.match((await json(client, 'show plain')).changes, [{ reason: 'ticket 9', actor: 'operator:lhamo' }])
  t.equal((await run(apply, `-f ${file} --reason "ticket 9" --operator lhamo`)).code, 4, 'the same again')
  t.equal((await waiting()).length, 1)
  const alone =
    'create --name 公积金 --kind server --redirect https://gjj.gov.cn/cb --scope "openid identity" --purpose ' +
    'identity=核对 --status live --reason "ticket 10" --operator lhamo'
  const lesser = await json(client, alone)
  t.equal(lesser.waiting.length, 2)
  t.match(await findClient(services.db, lesser.client_id), { status: 'test', metadata: { scope: 'openid' } })
  t.same((await waiting()).slice(1), [
    `client.change ${lesser.client_id} operator:lhamo`,
    `client.status ${lesser.client_id} operator:lhamo`
  ])
  t.equal((await run(client, 'enable plain --reason x')).code, 4)
  t.match(await findClient(services.db, 'plain'), { status: 'test' })

  // where no security administrator is left
  const urgent = await json(client, `${alone} --emergency`)
  t.match(await findClient(services.db, urgent.client_id), { status: 'live', metadata: { scope: 'openid identity' } })
  t.equal((await run(client, `rotate-secret ${urgent.client_id} --reason x`)).code, 4)
  t.equal((await json(client, `show ${urgent.client_id}`)).secrets.length, 1)
  t.equal((await run(client, `rotate-secret ${urgent.client_id} --emergency --reason x`)).code, 0)
  t.equal((await json(client, `show ${urgent.client_id}`)).secrets.length, 2)
  t.equal((await run(apply, `-f ${file} --reason "ticket 11" --emergency`)).code, 0)
  t.same(await run(apply, `-f ${file} --diff`), { code: 0, out: 'No differences.' })
  const alarms = await services.db
    .selectFrom('auditEvent')
    .select(['actor', 'reason'])
    .where('type', '=', 'change.unapproved')
    .execute()
  t.equal(alarms.length, 3)
  await services.db
    .insertInto('adminAccount')
    .values({
      id: 'adm_security1',
      loginName: 'sec',
      displayName: 'sec',
      role: 'security',
      status: 'active',
      createdBy: 'x',
      passwordHash: null,
      totpSecretEnc: null
    })
    .execute()
  t.equal((await run(client, `${alone} --emergency`)).code, 2, 'somebody is there')

  for (const wrong of ['', '-f', '-f /nowhere --diff', `-f ${file}`, '--force']) {
    t.equal((await run(apply, wrong)).code, 2, wrong)
  }
})

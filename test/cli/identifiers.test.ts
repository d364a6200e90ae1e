/** What stands in an identifier's place is one, also when it begins like an option: older identifiers do. */
import t from 'tap'
import { sql } from 'kysely'
import { command as client } from '../../src/cli/client.ts'
import { runCode } from '../../src/cli/code.ts'
import { command as counterCode } from '../../src/cli/counter-code.ts'
import { command as delegation } from '../../src/cli/delegation.ts'
import { command as keys } from '../../src/cli/keys.ts'
import { command as migrate } from '../../src/cli/migrate.ts'
import { startKora } from '../support/driver/index.ts'

const forms = ['-abc', '--abc', '-r', '---', '_abc']
const kora = await startKora(t)
const { services } = kora.inside
const { db } = services
t.capture(console, 'error', () => {})
const printed = t.capture(console, 'log', () => {})

type Run = (...args: string[]) => Promise<{ code: number; out: string }>
const runOf =
  (command: { run: (args: string[], all: typeof services, print: (line: string) => void) => Promise<number> }): Run =>
    async (...args) => {
      const out: string[] = []
      return {
        code: await command.run(args, services, (line) => {
          out.push(line)
        }),
        out: out.join('\n')
      }
    }

/** A copy of a row with other values in some columns. */
async function copy (table: string, where: Record<string, string>, values: Record<string, unknown>): Promise<void> {
  await sql`insert into ${sql.table(table)} select (jsonb_populate_record(null::${sql.table(table)},
    to_jsonb(x) || ${JSON.stringify(values)}::jsonb)).*
    from ${sql.table(table)} x where to_jsonb(x) @> ${JSON.stringify(where)}::jsonb`.execute(db)
}

t.test('kora keys', async (t) => {
  const run = runOf(keys)
  const longAgo = { state: 'retired', private_enc: '', retired_at: '2026-01-01T00:00:00Z' }
  for (const [act, word] of [
    ['remove', 'Removed'],
    ['emergency', 'Removed']
  ] as const) {
    for (const form of forms) {
      const [kid, other] = [`${form}${act}`, `${form}${act}2`]
      for (const made of [kid, other]) {
        await copy('signing_key', { alg: 'ES256', state: 'active' }, { ...longAgo, kid: made })
      }
      t.match(await run(act, kid, '--reason', 'test'), { code: 0, out: `${word} ${kid}` })
      t.match(
        await run(act, '--reason', 'test', '--json', other),
        { code: 0, out: `"removed":"${other}"` },
        'behind the options'
      )
    }
    for (const wrong of [
      ['--reason', 'x'],
      ['--json', '--reason=x'],
      ['-a', '-b', '--reason', 'x'],
      ['-a', '--reason', '--json'],
      ['-a', '--reason'],
      ['--', '--reason', 'x']
    ]) {
      t.equal((await run(act, ...wrong)).code, 2, wrong.join(' '))
    }
  }
  for (const wrong of [['--abc'], ['list', '-abc'], ['publish', '-abc', '--reason', 'x']]) {
    t.equal((await run(...wrong)).code, 2, wrong.join(' '))
  }
})

t.test('kora client', async (t) => {
  const run = runOf(client)
  for (const form of forms) {
    await copy('client', { client_id: 'demo-site' }, { client_id: form })
    t.match(JSON.parse((await run('show', form, '--json')).out), { client_id: form })
    t.match(JSON.parse((await run('rotate-secret', '--grace-days', '1', form, '--reason', 'test', '--json')).out), {
      client_id: form
    })
    t.match(await run('disable', form, '--reason', 'test'), { code: 0, out: `${form} is disabled.` })
    t.match(await run('enable', form, '--reason', 'test'), { code: 4, out: 'waits for' }, 'going live needs two')
    await db.updateTable('client').set({ status: 'live' }).where('clientId', '=', form).execute()
    t.match(await run('list', '--text', form), { code: 0, out: form })
    t.match(
      await run('create', '--id', form, '--name', 'x', '--kind', 'machine', '--reason', 'x'),
      { code: 1, out: form },
      'no new one'
    )
  }
  const exported = await run('export', ...forms, 'demo-public')
  t.equal(exported.code, 0)
  t.equal(exported.out.match(/client_id: /g)?.length, forms.length + 1)
  for (const wrong of [
    ['show', '--json'],
    ['create', '--id', '--json'],
    ['create', '--id'],
    ['list', '-abc'],
    ['show', '-a', '-b'],
    ['-abc']
  ]) {
    t.equal((await run(...wrong)).code, 2, wrong.join(' '))
  }
})

t.test('kora delegation', async (t) => {
  const run = runOf(delegation)
  const { id } = await db.selectFrom('delegation').select('id').where('state', '=', 'active').executeTakeFirstOrThrow()
  let now = id
  for (const form of forms) {
    await db.updateTable('delegation').set({ id: form }).where('id', '=', now).execute()
    now = form
    t.match(JSON.parse((await run('show', '--json', form)).out), { id: form })
    t.equal((await run('revoke', form)).code, 2, 'no reason')
  }
  t.match(await run('revoke', now, '--reason', 'test', '--json'), { code: 0, out: JSON.stringify({ revoked: now }) })
  for (const wrong of [
    ['show', '--json'],
    ['list', '-abc'],
    ['show', '-a', '-b']
  ]) {
    t.equal((await run(...wrong)).code, 2, wrong.join(' '))
  }
})

t.test('kora code', async (t) => {
  for (const form of forms) {
    let progress = ''
    const code = await runCode(
      ['--issuer', kora.issuer, '--client-id', form, '--sandbox-person', 'zhuoma'],
      {
        out: () => {},
        progress: (line) => {
          progress += line
        }
      },
      {}
    )
    t.equal(code, 1, 'Kora knows no such native client')
    t.match(progress, `client_id=${form}&`)
  }
  t.equal(await runCode(['--client-id', '--json'], { out: () => {}, progress: () => {} }, {}), 2)
})

t.test('kora counter-code', async (t) => {
  const { cert_no: account } = await kora.sandbox.account('laoren')
  for (const form of forms) {
    const code = await counterCode.run(
      ['--account', account, '--staff', form, '--reason', 'no-camera', '--json'],
      services
    )
    t.equal(code, 0)
    const { code_id: id } = JSON.parse(String(printed().at(-1)?.args[0])) as { code_id: string }
    t.match(await db.selectFrom('counterCode').select('issuedBy').where('id', '=', id).executeTakeFirst(), {
      issuedBy: `staff:${form}`
    })
  }
  for (const wrong of [
    ['--staff', '--reason', 'x', '--account', account],
    ['--staff', 'x', '--reason', 'x', '--account'],
    ['--staff', 'x', '--reason', '', '--account', account],
    ['--stuff', 'x'],
    ['-abc']
  ]) {
    t.equal(await counterCode.run(wrong, services), 2, wrong.join(' '))
  }
})

t.test('kora migrate', async (t) => {
  for (const form of forms) t.equal(await migrate.run(['--grant-to', form], services), 1, 'there is no such role')
  t.equal(await migrate.run(['--grant-to', '--json'], services), 2)
})

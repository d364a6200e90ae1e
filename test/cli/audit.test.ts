import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { command } from '../../src/cli/audit.ts'
import { createAudit, sealBatch, type Checkpoint } from '../../src/records/audit/index.ts'
import { ensureSigningKeys } from '../../src/tokens/signing-keys.ts'
import { eachDatabase, type TestDatabase } from '../support/database.ts'

async function chain ({ db, crypto }: TestDatabase, length: number, daysAgo = 0): Promise<Checkpoint | null> {
  const audit = createAudit({ crypto, now: () => Date.now() - daysAgo * 86_400_000 })
  await db.transaction().execute(async (trx) => {
    for (let i = 1; i <= length; i++) {
      await audit.record(trx, { type: 'login.failed', reason: `r${i}`, details: { i } })
    }
  })
  return (await sealBatch(db, crypto)).checkpoint
}

interface Commands {
  run: (...args: string[]) => Promise<{ code: number; out: string }>
  alone: (...args: string[]) => Promise<{ code: number | null; out: string }>
  folder: string
}

function commands (t: Test, database: TestDatabase): Commands {
  const folder = mkdtempSync(join(tmpdir(), 'kora-audit-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  t.capture(console, 'error', () => {})
  const services = {
    db: database.db,
    crypto: database.crypto,
    audit: createAudit(database),
    config: { issuer: 'https://sso.example' } as never
  }
  const call = async <C>(work: (print: (line: string) => void) => Promise<C>): Promise<{ code: C; out: string }> => {
    const lines: string[] = []
    return {
      code: await work((line) => {
        lines.push(line)
      }),
      out: lines.join('\n')
    }
  }
  return {
    folder,
    run: async (...args) => await call(async (print) => await command.run(args, services, print)),
    alone: async (...args) => await call(async (print) => await command.runWithoutServices(args, print))
  }
}

eachDatabase(t, 'verify says whether and where', async (t, database) => {
  const kept = (await chain(database, 8))!
  const { run, alone } = commands(t, database)
  t.match(await run('verify'), { code: 0, out: /whole: 8 events, sequence 1 to 8/ })
  t.match(await run(), { code: 0, out: /No checkpoint was given/ })
  t.match(
    await run('verify', '--from', '2', '--to', '4', '--checkpoint', `${kept.sequence}:${kept.hash}:${kept.mac}`),
    { code: 0, out: /3 events(?!.*No checkpoint)/s }
  )
  t.match(JSON.parse((await run('verify', '--json')).out), { ok: true, checked: 8 })
  for (const wrong of [
    ['--from', '0'],
    ['--from', 'x'],
    ['--checkpoint', '1:2'],
    ['--nonsense'],
    ['stray'],
    ['export'],
    ['export', '--reason', 'x', '--from', '2026-99-99'],
    ['archive', '--reason', 'x']
  ]) {
    t.match(await run(...wrong), { code: 2, out: '' }, wrong.join(' '))
  }
  t.match(await alone('verify'), { code: null }, 'the chain needs the database')
  for (const table of ['audit_event', 'audit_checkpoint']) {
    await sql`alter table ${sql.table(table)} disable trigger
    all`.execute(database.db)
  }
  await sql`delete from audit_event where sequence = 5`.execute(database.db)
  t.match(await run('verify'), { code: 1, out: /broken: 1 fault in 7 events.*\n {2}missing at sequence 5/ })
  await t.rejects(run('export', '--reason', 'inspection'), /event 5 is missing/)
})

eachDatabase(t, 'an exported file is checked without the database, to the line', async (t, database) => {
  const { db, crypto } = database
  await ensureSigningKeys(db, crypto, { algs: ['ES256'] })
  await chain(database, 8)
  const { run, alone, folder } = commands(t, database)
  const file = join(folder, 'all.jsonl')
  t.match(await run('export', '--reason', 'inspection 2026/3', '--operator', 'lhamo', '--out', file), {
    code: 0,
    out: 'Exported 8 events, sequence 1 to 8.'
  })
  t.equal(statSync(file).mode & 0o777, 0o600, 'for its owner only')
  t.match(await run('export', '--reason', 'again', '--out', file), { code: 2 }, 'nothing is overwritten')
  t.match(
    await db
      .selectFrom('auditEvent')
      .select(['actor', 'reason'])
      .where('type', '=', 'audit.exported')
      .orderBy('id')
      .executeTakeFirst(),
    { actor: 'operator:lhamo', reason: 'inspection 2026/3' }
  )

  const jwks = join(folder, 'jwks.json')
  writeFileSync(
    jwks,
    JSON.stringify({
      keys: (await db.selectFrom('signingKey').select('publicJwk').execute()).map(({ publicJwk }) => publicJwk)
    })
  )
  t.match(await alone('verify', '--file', file, '--jwks', jwks), {
    code: 0,
    out: /whole: 8 events, sequence 1 to 8, .*signature of key .* is valid/
  })
  t.match(await alone('verify', '--file', file), {
    code: 0,
    out: /NOT CHECKED: give --jwks https:\/\/sso.example\/oidc\/jwks/
  })
  t.match(JSON.parse((await alone('verify', '--file', file, '--jwks', jwks, '--json')).out), {
    ok: true,
    signature: 'valid',
    contents: 'unchecked'
  })
  t.match(await alone('verify', '--file', join(folder, 'none')), { code: 2 })
  t.match(await alone('verify', '--file', file, '--jwks', file), { code: 2 })

  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const trailer = lines.at(-1)!
  const [, payload] = JSON.parse(trailer).jws.split('.')
  const moved = lines.map((line, index) => (index === 4 ? lines[5]! : index === 5 ? lines[4]! : line))
  const deeds: Record<string, [string[], RegExp]> = {
    'a reason changed': [
      lines.map((line, index) => (index === 3 ? line.replace('"r4"', '"nothing"') : line)),
      /altered at line 4, sequence 4; 3 events/
    ],
    'one dropped': [lines.filter((_line, index) => index !== 4), /missing at line 5, sequence 5/],
    'two swapped': [moved, /missing at line 5, sequence 5/],
    'the first dropped': [lines.slice(1), /missing at line 8, sequence 1/],
    'the tail cut off': [[...lines.slice(0, 6), trailer], /truncated at line 7, sequence 7/],
    'the trailer cut off': [lines.slice(0, 8), /truncated at line 8, sequence 9/],
    'something added': [[...lines, lines[0]!], /unreadable at line 10/],
    'no JSON': [lines.map((line, index) => (index === 1 ? line.slice(0, -5) : line)), /unreadable at line 2/],
    'another signature': [[...lines.slice(0, 8), trailer.replace(`.${payload}.`, `.${payload}.AAAA`)], /forged/],
    'another trailer shown': [[...lines.slice(0, 8), trailer.replace('"to":8', '"to":9')], /forged/],
    empty: [[], /truncated/]
  }
  const broken = join(folder, 'broken.jsonl')
  for (const [name, [content, expected]] of Object.entries(deeds)) {
    writeFileSync(broken, content.join('\n') + '\n')
    t.match(await alone('verify', '--file', broken, '--jwks', jwks), { code: 1, out: expected }, name)
  }
  writeFileSync(jwks, '{"keys":[]}')
  t.match(
    await alone('verify', '--file', file, '--jwks', jwks),
    { code: 1, out: /forged/ },
    'signed by nobody we know'
  )

  await sealBatch(db, crypto)
  const part = await run('export', '--reason', 'x', '--from', '3', '--to', '5')
  t.equal(part.out.split('\n').length, 4, 'to standard output, three events and the trailer')
  writeFileSync(broken, part.out)
  t.match(await alone('verify', '--file', broken), { code: 0, out: /3 events, sequence 3 to 5/ })
  t.match(await run('export', '--reason', 'x', '--from', '2001-01-01', '--to', '2001-02-01'), { code: 1, out: '' })
  t.match(
    (await run('export', '--reason', 'x', '--from', '2001-01-01', '--out', join(folder, 'time.jsonl'))).out,
    /Exported \d+ events, sequence 1 to/
  )
})

eachDatabase(t, 'archive', async (t, database) => {
  const { db, crypto } = database
  await ensureSigningKeys(db, crypto, { algs: ['ES256'] })
  await sql`alter table audit_event disable trigger audit_event_stamp`.execute(db)
  await sql`alter table audit_event alter column at set default now() - interval '200 days'`.execute(db)
  await chain(database, 5, 200)
  await sql`alter table audit_event alter column at set default now()`.execute(db)
  await sql`alter table audit_event enable trigger audit_event_stamp`.execute(db)
  await chain(database, 3)
  const { run, alone, folder } = commands(t, database)
  const day = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString()
  const file = join(folder, 'archive.jsonl')
  t.match(await run('archive', '--before', day(179), '--out', file, '--reason', 'yearly'), {
    code: 1,
    out: /at least 180 days/
  })
  t.match(await run('archive', '--before', day(190), '--out', file, '--reason', 'yearly', '--operator', 'lhamo'), {
    code: 0,
    out: /Archived 5 events, sequence 1 to 5/
  })
  t.match(await alone('verify', '--file', file), { code: 0, out: /5 events, sequence 1 to 5/ })
  await sealBatch(db, crypto)
  t.match(await run('verify'), { code: 0, out: /sequence 6 to 9/ })
  t.match(
    await db
      .selectFrom('auditEvent')
      .select(['actor', 'reason', 'details'])
      .where('type', '=', 'audit.archived')
      .orderBy('id')
      .executeTakeFirst(),
    { actor: 'operator:lhamo', reason: 'yearly', details: { from: 1, to: 5 } }
  )
  t.match(await run('archive', '--before', day(190), '--out', join(folder, 'second.jsonl'), '--reason', 'yearly'), {
    code: 0,
    out: /no event is that old/
  })
})

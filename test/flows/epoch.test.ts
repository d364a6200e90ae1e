/** S19: a database is restored to an earlier time, and what was ended since is cut off. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import * as oidc from 'openid-client'
import t from 'tap'
import { command } from '../../src/cli/epoch.ts'
import { exportAudit, sealBatch, verifyChain } from '../../src/records/audit/index.ts'
import { arrivedAt, at, demoParty, startKora, submitPassword } from '../support/driver/index.ts'
import { signInAs } from '../journeys/console/support.ts'

const kora = await startKora(t)
const { services } = kora.inside
const { db, crypto } = services
const person = await kora.sandbox.account('zhuoma')
const credentials = { account: person.cert_no, password: person.password }
const party = await demoParty(kora, 'demo-site', { scope: 'openid profile offline_access' })
t.capture(console, 'error', () => {})

/** Tables that a restore brings back, as they are now. */
const tables = ['oidc_artifact', 'own_site_session', 'login_attempt', 'sms_code', 'delegation']
const backUp = async (): Promise<void> => {
  for (const table of tables) {
    await sql.raw(`drop table if exists backup_${table}`).execute(db)
    await sql.raw(`create table backup_${table} as select * from ${table}`).execute(db)
  }
}
const restore = async (): Promise<void> => {
  await sql`set session_replication_role = replica`.execute(db)
  for (const table of tables) {
    await sql.raw(`delete from ${table}`).execute(db)
    await sql.raw(`insert into ${table} select * from backup_${table}`).execute(db)
  }
  await sql`set session_replication_role = origin`.execute(db)
}
const run = async (...args: string[]): Promise<{ code: number; out: string }> => {
  const lines: string[] = []
  const code = await command.run(args, services, (line) => lines.push(line))
  return { code, out: lines.join('\n') }
}
const both = ['--reason', 'restored', '--operator', 'tenzin', '--agreed-by', 'lhamo']
const works = async (use: () => Promise<unknown>): Promise<boolean> =>
  await use().then(
    () => true,
    () => false
  )

await t.test('S19: two people, a reason, and a choice', async (t) => {
  t.match(await run(), { code: 2 })
  t.match(await run('bump', '--delegations', 'keep', '--reason', 'x'), { code: 2 }, 'one person')
  t.match(await run('bump', '--delegations', 'keep', '--reason', 'x', '--operator', 'a', '--agreed-by', 'a'), {
    code: 2
  })
  t.match(await run('bump', ...both), { code: 2 }, 'what of the delegations?')
  t.match(await run('bump', '--delegations', 'perhaps', ...both), { code: 2 })
  t.match(await run('bump', '--events', '/nowhere', '--since', 'yesterday', ...both), { code: 2 })
})

await t.test('S19: what was used or ended after the restored state does not come back', async (t) => {
  const browser = kora.newBrowser()
  const tokens = await party.login(browser, credentials)
  const { browser: desk } = await signInAs(kora, 'audit')
  const other = kora.newBrowser()
  const started = await party.start({ prompt: 'login' })
  const page = await party.visit(other, started)
  const unused = await party.start()
  const code = arrivedAt(party, await party.visit(browser, unused))
  await backUp()
  await oidc.tokenRevocation(party.config, tokens.refresh_token!)
  await party.redeem(unused, code)
  await restore()
  t.ok(await works(async () => await oidc.refreshTokenGrant(party.config, tokens.refresh_token!)), 'alive again')

  const bumped = await run('bump', '--delegations', 'keep', ...both, '--json')
  t.equal(bumped.code, 0)
  t.match(JSON.parse(bumped.out), { suspended: [], lost: null })
  t.notOk(await works(async () => await oidc.refreshTokenGrant(party.config, tokens.refresh_token!)), 'refresh token')
  t.notOk(await works(async () => await oidc.fetchUserInfo(party.config, tokens.access_token, oidc.skipSubjectCheck)))
  t.notOk(await works(async () => await party.redeem(unused, code)), 'code')
  t.match(at(await party.visit(browser, await party.start())), /\/login$/, 'session')
  t.notMatch((await desk.go(`${kora.issuer}/admin/audit`)).url, /\/admin\/audit$/, 'console')
  const late = await submitPassword(other, page, credentials, party.arrived)
  t.notOk(party.arrived(new URL(late.url)), 'a login under way begins again')
  t.ok((await party.login(kora.newBrowser(), credentials)).access_token, 'and people sign in')
  const { details } = await db
    .selectFrom('auditEvent')
    .select('details')
    .where('type', '=', 'epoch.bumped')
    .executeTakeFirstOrThrow()
  t.match(details, { agreedBy: 'lhamo', delegations: 0 })
  const { rows } = await sql<{
    n: number
  }>`select count(*)::int as n from outbox where topic = 'backchannel-logout'`.execute(db)
  t.ok(rows[0]!.n > 0, 'sites are told')
})

await t.test('S19: delegations that the lost events changed are suspended, and no others', async (t) => {
  const active = async (): Promise<string[]> =>
    (await db.selectFrom('delegation').select('id').where('state', '=', 'active').orderBy('id').execute()).map(
      ({ id }) => id
    )
  const [first = '', ...others] = await active()
  t.ok(others.length > 0)
  const since = new Date()
  const { legalRepresentativeId } = await db
    .selectFrom('delegation')
    .innerJoin('organization', 'organization.id', 'delegation.organizationId')
    .select('legalRepresentativeId')
    .where('delegation.id', '=', first)
    .executeTakeFirstOrThrow()
  await backUp()
  await services.audit.recordSingle(db, {
    type: 'delegation.revoked',
    personId: legalRepresentativeId,
    delegationId: first
  })
  await services.audit.recordSingle(db, {
    type: 'device.revoked',
    personId: legalRepresentativeId,
    deviceId: 'dev_lost'
  })
  while ((await sealBatch(db, crypto)).sealed > 0);
  const folder = mkdtempSync(join(tmpdir(), 'kora-epoch-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  let text = ''
  await exportAudit(
    { db, crypto },
    { from: 1, to: Number.MAX_SAFE_INTEGER },
    {
      issuer: kora.issuer,
      write: (lines) => {
        text += lines
      }
    }
  )
  const file = join(folder, 'lost.jsonl')
  writeFileSync(file, text.replace('"delegation.revoked"', '"delegation.proposed"'))
  const events = ['--events', file, '--since', since.toISOString()]
  t.match(await run('bump', ...events, ...both), { code: 2 }, 'a file that somebody changed')
  t.same(await active(), [first, ...others])
  writeFileSync(file, text)
  const bumped = await run('bump', ...events, ...both, '--json')
  t.equal(bumped.code, 0, bumped.out)
  t.match(JSON.parse(bumped.out), { suspended: [first], lost: { look: { 'device.revoked': ['dev_lost'] } } })
  t.same(await active(), others)
  t.match(await run('bump', '--delegations', 'suspend', ...both), { code: 0 })
  t.same(await active(), [])
  while ((await sealBatch(db, crypto)).sealed > 0);
  t.match(await verifyChain(db, crypto), { ok: true })
})

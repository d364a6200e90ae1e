import { sql } from 'kysely'
import t from 'tap'
import {
  addressPattern,
  createAudit,
  findAuditEvent,
  searchAudit,
  type AuditEvent,
  type AuditFilters
} from '../../../src/records/audit/index.ts'
import { eachDatabase } from '../../support/database.ts'

eachDatabase(t, 'search', async (t, { db, crypto }) => {
  const audit = createAudit({ crypto })
  const events: AuditEvent[] = [
    { type: 'login.succeeded', personId: 'p1', clientId: 'tax', address: '10.1.2.3', traceId: 't1' },
    { type: 'login.failed', personId: 'p1', clientId: 'tax', address: '10.1.2.30', traceId: 't2' },
    { type: 'login.failed', clientId: 'fund', address: '2001:db8::1' },
    { type: 'client.updated', actor: 'admin:adm_1', clientId: 'tax', reason: '100%_sure' },
    { type: 'delegation.revoked', personId: 'p2', organizationId: 'o1', delegationId: 'd1', address: '10.10.2.3' }
  ]
  for (const event of events) {
    await db.transaction().execute(async (trx) => {
      await audit.record(trx, event)
    })
  }
  const found = async (filters: AuditFilters): Promise<string[]> =>
    (await searchAudit(db, { crypto, filters, page: { before: null, limit: 50 } })).map(({ type, address }) =>
      address === null ? type : `${type} ${address}`
    )
  t.same((await found({})).length, 5)
  t.same(await found({ personId: 'p1' }), ['login.failed 10.1.2.30', 'login.succeeded 10.1.2.3'], 'newest first')
  t.same(await found({ clientId: 'tax', outcome: 'failure' }), ['login.failed 10.1.2.30'])
  t.same(await found({ type: 'login.' }), [
    'login.failed 2001:db8::1',
    'login.failed 10.1.2.30',
    'login.succeeded 10.1.2.3'
  ])
  t.same(await found({ type: 'login' }), [], 'a name, or a beginning up to a dot')
  t.same(await found({ type: '%.' }), [], 'no wildcards from outside')
  t.same(await found({ actor: 'admin:adm_1' }), ['client.updated'])
  t.same(await found({ organizationId: 'o1' }), ['delegation.revoked 10.10.2.3'])
  t.same(await found({ traceId: 't2' }), ['login.failed 10.1.2.30'])
  t.same(await found({ address: addressPattern('10.1.2.3')! }), ['login.succeeded 10.1.2.3'], 'a whole address is one')
  t.same((await found({ address: addressPattern('10.1')! })).length, 2, 'whole numbers: not 10.10')
  t.same((await found({ address: addressPattern('2001:db8:')! })).length, 1)
  t.same(await found({ actor: "x' or '1'='1" }), [])

  await sql`alter table audit_event disable trigger all`.execute(db)
  await sql`update audit_event set at = now() - interval '2 hours' where person_id = 'p2'`.execute(db)
  const hour = (ago: number): Date => new Date(Date.now() - ago * 3_600_000)
  t.same(await found({ from: hour(3), to: hour(1) }), ['delegation.revoked 10.10.2.3'])
  t.same((await found({ from: hour(1) })).length, 4)

  const pages: number[] = []
  for (let before: number | null = null; ;) {
    const page = await searchAudit(db, { crypto, filters: {}, page: { before, limit: 2 } })
    pages.push(...page.map(({ id }) => id))
    if (page.length < 2) break
    before = page.at(-1)!.id
  }
  t.equal(new Set(pages).size, 5, 'page by page, each once')
  t.equal(pages.at(-1), Math.max(...pages), 'by time, not by id')
  t.same(
    await searchAudit(db, { crypto, filters: {}, page: { before: 99_999, limit: 2 } }),
    [],
    'a row that is not there'
  )

  const [first] = await searchAudit(db, { crypto, filters: { personId: 'p1' }, page: { before: null, limit: 1 } })
  t.match(await findAuditEvent(db, crypto, first!.id), { type: 'login.failed', genuine: true, sequence: null })
  await sql`update audit_event set reason = 'nothing' where id = ${first!.id}`.execute(db)
  t.match(await findAuditEvent(db, crypto, first!.id), { genuine: false }, 'altered')
  t.equal(await findAuditEvent(db, crypto, 99_999), null)
})

t.test('addresses as people type them', async (t) => {
  const cases: Record<string, string | null> = {
    '10.1.2.3': '10.1.2.3',
    ' 10.1. ': '10.1.%',
    10.1: '10.1.%',
    '10.1.0.0/16': '10.1.%',
    '10.0.0.0/8': '10.%',
    '10.1.2.3/32': '10.1.2.3',
    '10.1.0.0/15': null,
    '10.1/16': null,
    300.1: null,
    '2001:DB8:': '2001:db8:%',
    '2001:db8::1': '2001:db8::1',
    '2001:db8::/32': null,
    '%': null,
    localhost: null,
    '': null
  }
  for (const [typed, pattern] of Object.entries(cases)) t.equal(addressPattern(typed), pattern, typed)
})

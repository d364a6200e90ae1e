/** What many do at once, on both databases: services only, so that requests really overlap. */
import t, { type Test } from 'tap'
import { inTransaction } from '../../../src/database/transaction.ts'
import type { Act } from '../../../src/domain/administration/administration.ts'
import { createAudit } from '../../../src/records/audit/index.ts'
import { createApprovals, type Approvals } from '../../../src/records/approvals/requests.ts'
import { withdrawRequestsAbout } from '../../../src/records/approvals/ended-requests.ts'
import {
  findLink,
  linkCodeTries,
  makeLink,
  newLinkCode,
  verifyLinkCode,
  useLink
} from '../../../src/records/administrators/links.ts'
import { adminTranslator, type AdminTranslate } from '../../../src/http/locale.ts'
import { eachDatabase, type TestDatabase } from '../../support/database.ts'

t.setTimeout(300_000)

const act = (actor: Act['actor']): Act => ({ actor, reason: 'test', address: null, traceId: null })
const words = adminTranslator('en')

async function account (
  db: TestDatabase['db'],
  id: string,
  { role = 'counter', status = 'invited' }: { role?: 'counter' | 'security'; status?: 'invited' | 'active' } = {}
): Promise<void> {
  await db
    .insertInto('adminAccount')
    .values({
      id,
      loginName: id.toLowerCase(),
      displayName: id,
      role,
      status,
      passwordHash: null,
      totpSecretEnc: null,
      createdBy: 'test'
    })
    .execute()
}

eachDatabase(
  t,
  'codes of links: forty guesses at once take five tries; the right one among few wrong ones goes on',
  async (t: Test, { db, crypto }) => {
    await account(db, 'adm_subject')
    const link = async (): Promise<{ secret: string; code: string; tokenHash: string }> => {
      const { code, mac } = newLinkCode(crypto)
      const secret = (
        await makeLink(db, 'https://sso.example', {
          purpose: 'reset',
          role: 'counter',
          accountId: 'adm_subject',
          createdBy: 'admin:adm_one',
          codeMac: mac
        })
      ).slice(-43)
      return { secret, code, tokenHash: (await findLink(db, secret, 'none'))?.tokenHash ?? '' }
    }
    const guessed = await link()
    const tries = await Promise.all(
      Array.from(
        { length: 40 },
        async (_, at) =>
          await verifyLinkCode(db, crypto, {
            tokenHash: guessed.tokenHash,
            typed: `BBBBBB${'BCDFGHJKLM'[at % 10] ?? ''}${'BCDF'[at % 4] ?? ''}`,
            browserHash: `browser-${at}`
          })
      )
    )
    t.equal(tries.filter((one) => !one.right && one.counted).length, linkCodeTries)
    t.same(
      await verifyLinkCode(db, crypto, { tokenHash: guessed.tokenHash, typed: guessed.code, browserHash: 'own' }),
      { right: false, counted: false }
    )
    t.equal((await findLink(db, guessed.secret, 'own'))?.codeNeeded, true)

    const good = await link()
    t.equal(await findLink(db, guessed.secret, 'own'), null, 'the newer link ends the older')
    const mixed = await Promise.all(
      [...Array.from({ length: linkCodeTries - 1 }, () => 'BBBBBBBB'), good.code].map(
        async (code) =>
          await verifyLinkCode(db, crypto, { tokenHash: good.tokenHash, typed: code, browserHash: 'own' })
      )
    )
    t.equal(mixed.filter(({ right }) => right).length, 1)
    t.equal(await db.transaction().execute(async (trx) => await useLink(trx, good.tokenHash, 'another')), false)
    const uses = await Promise.all(
      Array.from(
        { length: 8 },
        async () => await db.transaction().execute(async (trx) => await useLink(trx, good.tokenHash, 'own'))
      )
    )
    t.equal(uses.filter(Boolean).length, 1)
  }
)

/** Those who ask and decide in these tests: a request of nobody who stands is not decided. */
async function prepareStanding (db: TestDatabase['db']): Promise<void> {
  for (let at = 0; at < 6; at++) await account(db, `adm_${at}`, { role: 'security', status: 'active' })
  await db
    .insertInto('client')
    .values({
      clientId: 'ops',
      status: 'live',
      metadata: '{}',
      policy: JSON.stringify({ adminScopes: ['kora.clients:write'] })
    })
    .execute()
}

function changesOn ({ db, crypto }: TestDatabase, applied: string[]): Approvals<AdminTranslate> {
  const changes = createApprovals({ db, crypto, audit: createAudit({ crypto }) }, adminTranslator('zh-CN'), {
    'test.thing': { approvers: ['security'], covers: [], scopes: [] }
  })
  changes.register<{ what: string }>('test.thing', {
    describe: async () => ({ title: 'thing', facts: [] }),
    async apply (_trx, { what }, { act }) {
      applied.push(`${what} ${act.actor}`)
      return { ok: true }
    }
  })
  return changes
}

eachDatabase(
  t,
  'what a program asks for: all vouch and decide at once; it happens at most once, and by two',
  async (t: Test, database) => {
    const { db } = database
    await prepareStanding(db)
    for (let round = 0; round < 5; round++) {
      const applied: string[] = []
      const changes = changesOn(database, applied)
      const asked = await inTransaction(
        db,
        async (trx) =>
          await changes.request(trx, {
            kind: 'test.thing',
            payload: { what: 'x' },
            subject: `thing-${round}`,
            act: act('client:ops')
          })
      )
      const digest = (await changes.show(asked.id, words))?.digest ?? ''
      const people = Array.from({ length: 6 }, (_, at) => act(`admin:adm_${at}`))
      await Promise.all(
        people.flatMap((one) => [
          changes.approve(asked.id, { digest, role: 'security', act: one }),
          changes.endorse(asked.id, { digest, role: 'security', act: one }),
          changes.approve(asked.id, { digest, role: 'security', act: one })
        ])
      )
      const row = await db
        .selectFrom('pendingChange')
        .select(['state', 'vouchedBy', 'decidedBy'])
        .where('id', '=', asked.id)
        .executeTakeFirstOrThrow()
      t.ok(applied.length <= 1)
      t.ok(row.vouchedBy)
      t.not(row.vouchedBy, row.decidedBy)
      t.equal(row.state, applied.length === 1 ? 'approved' : 'pending')
    }
  }
)

eachDatabase(
  t,
  'many requests of several people at once: one waits for each of them, and nothing is lost',
  async (t: Test, database) => {
    const { db } = database
    const changes = createApprovals<null>({ ...database, audit: createAudit(database) }, null, {
      'test.list': { approvers: ['security'], covers: [], scopes: [] }
    })
    changes.register<{ list: number[] }>('test.list', {
      describe: async () => ({ title: 'list', facts: [] }),
      merge: (before, next) => ({ list: [...before.list, ...next.list].sort((a, b) => a - b) }),
      apply: async () => ({ ok: true })
    })
    await Promise.all(
      Array.from(
        { length: 20 },
        async (_, n) =>
          await inTransaction(
            db,
            async (trx) =>
              await changes.request(trx, {
                kind: 'test.list',
                payload: { list: [n] },
                subject: 'one thing',
                act: act(`admin:adm_${n % 4}`)
              })
          )
      )
    )
    const rows = await db
      .selectFrom('pendingChange')
      .select(['id', 'requestedBy', 'payloadEnc', 'supersededBy', 'state'])
      .orderBy('requestedBy')
      .execute()
    const waiting = rows.filter(({ state }) => state === 'pending')
    t.same(
      waiting.map(({ requestedBy }) => requestedBy),
      [0, 1, 2, 3].map((n) => `admin:adm_${n}`)
    )
    t.same(
      waiting.map(({ id, payloadEnc }) =>
        JSON.parse(database.crypto.decrypt('pending_change', 'payload_enc', id, payloadEnc))
      ),
      [0, 1, 2, 3].map((n) => ({ list: [n, n + 4, n + 8, n + 12, n + 16] }))
    )
    t.equal(rows.length, 20)
    t.ok(rows.every(({ state, supersededBy }) => (state === 'superseded') === (supersededBy !== null)))
  }
)

eachDatabase(t, 'decided while what it is about is deleted: one of both', async (t: Test, database) => {
  const { db, crypto } = database
  await prepareStanding(db)
  for (let round = 0; round < 5; round++) {
    const applied: string[] = []
    const changes = changesOn(database, applied)
    const subject = `gone-${round}`
    const asked = await inTransaction(
      db,
      async (trx) =>
        await changes.request(trx, {
          kind: 'test.thing',
          payload: { what: subject },
          subject,
          act: act('admin:adm_0')
        })
    )
    const digest = (await changes.show(asked.id, words))?.digest ?? ''
    const [decided, ended] = await Promise.all([
      changes.approve(asked.id, { digest, role: 'security', act: act('admin:adm_1') }),
      db
        .transaction()
        .execute(
          async (trx) =>
            await withdrawRequestsAbout(
              trx,
              { audit: createAudit({ crypto }) },
              { subject, kinds: ['test.thing'], act: act('admin:adm_2') }
            )
        )
    ])
    t.equal(Number(decided.ok) + ended, 1)
    t.equal(applied.length, Number(decided.ok))
  }
})

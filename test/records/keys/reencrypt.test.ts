/** S18: the master key changes beside a serving Kora. */
import { sql } from 'kysely'
import t from 'tap'
import {
  acceptFormerMacs,
  assertMasterKeyFits,
  createFieldCrypto,
  loadPairwiseKey
} from '../../../src/database/index.ts'
import type { FieldCipher, FieldCrypto } from '../../../src/database/field-crypto.ts'
import { createAudit, sealBatch, verifyChain } from '../../../src/records/audit/index.ts'
import { reencrypt } from '../../../src/records/keys/index.ts'
import {
  insertPerson,
  personByCertNo,
  personById,
  personByPhone,
  personIdsByDeskIndex
} from '../../../src/records/persons/index.ts'
import { ensureSigningKeys, loadKeys } from '../../../src/tokens/signing-keys.ts'
import { eachDatabase, testCrypto, type TestDatabase } from '../../support/database.ts'

const formerKey = Buffer.alloc(32, 'test')
const nextKey = Buffer.alloc(32, 'next')
const make = (previous: boolean, cipher: FieldCipher = 'aes-256-gcm'): FieldCrypto =>
  createFieldCrypto({
    masterKey: nextKey,
    keyId: 'k2',
    cipher,
    ...(previous ? { previousKeys: { test: formerKey } } : {})
  })
const act = { actor: 'operator:lhamo', reason: 'yearly', address: null, traceId: null } as const

const certNo = (n: number): string => `5401021990010${String(n).padStart(5, '0')}`
const phone = (n: number): string => `+861390000${String(n).padStart(4, '0')}`
const names = '扎西顿珠 卓玛 次仁 格桑'.split(' ')

async function people ({ db }: Pick<TestDatabase, 'db'>, crypto: FieldCrypto, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let n = 0; n < count; n++) {
    const person = { name: names[n % 4]!, certNo: certNo(n), phone: phone(n), email: `p${n}@example.cn` }
    const { id } = await insertPerson(db, crypto, { person: { ...person, status: 'active', certType: 'resident_id' } })
    ids.push(id)
  }
  return ids
}

/** Whether the person is found in every way and reads the same. */
async function isFound ({ db }: Pick<TestDatabase, 'db'>, crypto: FieldCrypto, n: number): Promise<boolean> {
  const ways = [
    await personByCertNo(db, crypto, { certType: 'resident_id', certNo: certNo(n) }),
    await personByPhone(db, crypto, phone(n))
  ]
  const desk = await personIdsByDeskIndex(db, { crypto, name: names[n % 4]!, lastFour: certNo(n).slice(-4) })
  const id = ways[0]?.id
  const person = id === undefined ? null : await personById(db, crypto, id)
  return ways[1]?.id === id && desk.includes(id ?? '') && person?.name === names[n % 4] && person?.certNo === certNo(n)
}

for (const cipher of ['aes-256-gcm', 'sm4-gcm'] as const) {
  await eachDatabase(
    t,
    `S18: another key (${cipher}), resumed, and the former one is needed no more`,
    async (t, database) => {
      const { db } = database
      const former = testCrypto()
      const both = make(true, cipher)
      await assertMasterKeyFits(db, former)
      const pairwise = former.secretKey('pairwise').export()
      await people(database, former, 25)
      await ensureSigningKeys(db, former, { algs: ['ES256'] })
      const audit = createAudit({ crypto: former })
      await db
        .transaction()
        .execute(async (trx) => await audit.record(trx, { type: 'login.failed', reason: 'before' }))
      await sealBatch(db, former)

      await assertMasterKeyFits(db, both)
      t.ok(await isFound(database, both, 7), 'before anything is encrypted again')
      t.same((await loadPairwiseKey(db, both)).export(), pairwise, 'people keep their subjects at each site')
      await t.rejects(assertMasterKeyFits(db, make(false, cipher)), { name: 'MasterKeyMismatch' })

      const deps = { db, crypto: both, audit: createAudit({ crypto: both }) }
      let seen = 0
      const power = new Error('power cut')
      await t.rejects(
        reencrypt(deps, act, {
          batch: 10,
          onProgress: (rows) => {
            seen = rows
            if (rows >= 20) throw power
          }
        }),
        power
      )
      t.equal(seen, 20)
      t.ok(
        (await Promise.all([3, 24].map(async (n) => await isFound(database, both, n)))).every(Boolean),
        'in between'
      )
      const done = await reencrypt(deps, act, { batch: 10 })
      t.match(done, { complete: true, unreadable: {} })
      t.ok(done.written['person']! < 25, 'what was done is not done again')
      t.same((await reencrypt(deps, act)).written, {}, 'nothing is left')

      const alone = make(false, cipher)
      await assertMasterKeyFits(db, alone)
      await acceptFormerMacs(db, alone)
      for (const n of [0, 7, 24]) t.ok(await isFound(database, alone, n), `person ${n} with the new key alone`)
      t.same((await loadPairwiseKey(db, alone)).export(), pairwise)
      t.equal((await loadKeys(db, alone)).length, 1)
      while ((await sealBatch(db, alone)).sealed > 0);
      t.match(await verifyChain(db, alone), { ok: true }, 'events of before are verified')
      const { rows } = await sql<{ n: number }>`select count(*)::int as n from person
      where name_enc not like '1.%.k2.%' or cert_no_enc not like '1.%.k2.%' or phone_enc not like '1.%.k2.%'`.execute(
          db
        )
      t.equal(rows[0]?.n, 0)
    }
  )
}

eachDatabase(t, 'S18: what changes meanwhile is neither lost nor left behind', async (t, database) => {
  const { db } = database
  await assertMasterKeyFits(db, testCrypto())
  const [first = ''] = await people(database, testCrypto(), 5)
  const both = make(true)
  const write = db
    .updateTable('person')
    .set({ emailEnc: both.encrypt('person', 'email_enc', first, 'new@example.cn') })
    .where('id', '=', first)
  let written: Promise<unknown> | undefined
  const deps = { db, crypto: both, audit: createAudit({ crypto: both }) }
  const done = await reencrypt(deps, act, {
    batch: 2,
    onProgress: () => {
      written ??= write.execute()
    }
  })
  await written
  t.ok(done.complete)
  t.equal((await personById(db, make(false), first))?.email, 'new@example.cn')
})

eachDatabase(
  t,
  'S18: a value that no known key reads is told, and the former key stays needed',
  async (t, database) => {
    const { db } = database
    await assertMasterKeyFits(db, testCrypto())
    await people(database, testCrypto(), 2)
    const stranger = createFieldCrypto({ masterKey: Buffer.alloc(32, 'lost'), keyId: 'k0', cipher: 'aes-256-gcm' })
    const id = 'per_lost'.padEnd(26, 'x')
    await insertPerson(db, stranger, {
      person: { status: 'active', name: '索朗', certType: 'resident_id', certNo: certNo(99) },
      id
    })
    const both = make(true)
    const done = await reencrypt({ db, crypto: both, audit: createAudit({ crypto: both }) }, act)
    t.match(done, { complete: false, unreadable: { person: 1 }, written: { person: 2 } })
    await assertMasterKeyFits(db, both)
    await t.rejects(assertMasterKeyFits(db, make(false)), { name: 'MasterKeyMismatch' })
  }
)

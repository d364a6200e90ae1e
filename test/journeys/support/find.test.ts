import t from 'tap'
import { computeNameIndexes, fillDeskIndexes, insertPerson } from '../../../src/records/persons/index.ts'
import { findPeople, listPeople, personDetail, personHistory } from '../../../src/journeys/support/index.ts'
import { active, certNo, events, people, world } from '../../records/organizations/delegations/support.ts'
import { eachDatabase } from '../../support/database.ts'
import { act } from './support.ts'

eachDatabase(
  t,
  'found by number, phone, id, name with last four; masked; the trail says how, never what',
  async (t, database) => {
    const w = await world(database)
    const { services } = w
    const { sub } = await services.db
      .selectFrom('person')
      .select('sub')
      .where('id', '=', w.lr)
      .executeTakeFirstOrThrow()
    const find = async (text: string, lastFour = '') => await findPeople(services, act(), { text, lastFour })
    for (const [text, lastFour, by] of [
      [people.lhamo.certNo, '', 'cert_no'],
      ['５４０１０２１９９２０３０７８５２４', '', 'cert_no'],
      ['540102 1992 0307 8524', '', 'cert_no'],
      ['13800138001', '', 'phone'],
      ['+86 138 0013 8001', '', 'phone'],
      [w.lr, '', 'id'],
      [sub, '', 'id'],
      ['测试·拉姆', '8524', 'name'],
      ['测试•拉姆', ' 8524 ', 'name']
    ] as const) {
      const found = await find(text, lastFour)
      t.match(
        found,
        { ok: true, by, people: [{ id: w.lr, name: '****姆', certNo: '5****************4', phone: '13*******01' }] },
        text
      )
    }
    t.match(await find('测试·拉姆', '8525'), { ok: true, people: [] })
    t.match(await find('测试·拉姆'), { ok: false, code: 'last_four' })
    t.match(await find('测试·拉姆', '85'), { ok: false, code: 'last_four' })
    t.match(await find(' '), { ok: false, code: 'required' })
    t.match(await find('%'), { ok: false, code: 'unreadable' })
    t.match(await find("' or 1=1 --"), { ok: false, code: 'unreadable' })
    const searched = await events(w, 'person.searched')
    t.equal(searched.length, 10)
    const text = JSON.stringify(searched)
    for (const secret of [people.lhamo.certNo, '拉姆', '13800138001']) t.notMatch(text, secret)
    t.notMatch(text, /(?<![\w-])8524(?![\w-])/, 'nor by itself; in an identifier it may be by chance')
    t.match(searched[0], { actor: 'admin:adm_1', details: { by: 'cert_no', found: 1 } })
  }
)

eachDatabase(
  t,
  'x and X are one number; namesakes with the same last four are all shown, and shown to each other',
  async (t, database) => {
    const w = await world(database)
    const { db, crypto } = database
    const one = await insertPerson(db, crypto, {
      person: {
        status: 'active',
        name: '测试·达瓦',
        certType: 'resident_id',
        certNo: '54010219900307123X',
        nameBo: 'ཟླ་བ།'
      }
    })
    const two = await insertPerson(db, crypto, {
      person: {
        status: 'active',
        name: '测试·达瓦',
        certType: 'passport',
        certNo: 'E1234123X'
      }
    })
    const found = await findPeople(w.services, act(), { text: '测试·达瓦', lastFour: '123x' })
    t.same(found.ok ? found.people.map(({ id }) => id).sort() : [], [one.id, two.id].sort())
    t.match(await findPeople(w.services, act(), { text: 'ཟླ་བ', lastFour: '123X' }), {
      ok: true,
      people: [{ id: one.id }]
    })
    t.same(
      (await personDetail(w.services, act(), one.id))?.namesakes.map(({ id }) => id),
      [two.id]
    )
    t.same((await personDetail(w.services, act(), w.lr))?.namesakes, [])
  }
)

eachDatabase(
  t,
  'rows from before: filled in step by step, whoever does it, and found then; people of unfinished applications are ' +
    'nobody',
  async (t, database) => {
    const w = await world(database)
    const { db, crypto } = database
    for (let n = 0; n < 23; n++) {
      await insertPerson(db, crypto, {
        person: {
          status: 'active',
          name: '测试·旧人',
          certType: 'resident_id',
          certNo: certNo(500 + n)
        }
      })
    }
    await db
      .updateTable('person')
      .set({ certNoIndex: null, identityState: 'provisional' })
      .where('id', '=', w.agent)
      .execute()
    await db.updateTable('person').set({ deskIndex: null }).execute()
    t.match(await findPeople(w.services, act(), { text: '测试·拉姆', lastFour: '8524' }), { ok: true, people: [] })
    t.equal(await fillDeskIndexes(db, crypto, 10), 10)
    const both = await Promise.all([fillDeskIndexes(db, crypto, 10), fillDeskIndexes(db, crypto, 10)])
    t.ok(both.every((n) => n <= 10))
    while ((await fillDeskIndexes(db, crypto, 10)) > 0);
    t.same(await db.selectFrom('person').select('id').where('deskIndex', 'is', null).execute(), [])
    const rows = await db.selectFrom('person').select(['id', 'deskIndex']).execute()
    t.same(rows.find(({ id }) => id === w.lr)?.deskIndex, computeNameIndexes(crypto, people.lhamo))
    t.match(await findPeople(w.services, act(), { text: '测试·拉姆', lastFour: '8524' }), {
      ok: true,
      people: [{ id: w.lr }]
    })
    t.match(await findPeople(w.services, act(), { text: '测试·扎西', lastFour: '2515' }), { ok: true, people: [] })
    t.match(await findPeople(w.services, act(), { text: w.agent, lastFour: '' }), { ok: true, people: [] })
  }
)

eachDatabase(t, 'the list: newest first, by status, page after page, nobody twice', async (t, database) => {
  const w = await world(database)
  const { db, crypto } = database
  for (let n = 0; n < 12; n++) {
    await insertPerson(db, crypto, {
      person: {
        status: n % 3 === 0 ? 'locked' : 'active',
        name: '测试·丹增',
        certType: 'resident_id',
        certNo: certNo(700 + n)
      }
    })
  }
  const seen: string[] = []
  let after: string | undefined
  do {
    const page = await listPeople(w.services, { limit: 5, after })
    seen.push(...page.map(({ id }) => id))
    after = page.at(-1)?.id
  } while (after !== undefined)
  t.equal(seen.length, 14)
  t.equal(new Set(seen).size, 14)
  t.equal((await listPeople(w.services, { status: 'locked' })).length, 4)
  t.same(await listPeople(w.services, { after: 'per_nobody' }), [])
})

eachDatabase(
  t,
  'the detail: masked throughout, in the trail; history without the looks of staff',
  async (t, database) => {
    const w = await world(database)
    const { id } = await active(w)
    const detail = await personDetail(w.services, act(), w.agent)
    t.match(detail, {
      id: w.agent,
      status: 'active',
      name: '****西',
      phone: '13*******02',
      faceTries: { left: 5, perDay: 5 },
      delegations: [{ id, state: 'active' }],
      represents: []
    })
    t.match((await personDetail(w.services, act(), w.lr))?.represents, [{ id: w.organizationId }])
    t.notMatch(JSON.stringify(detail), people.tashi.certNo)
    t.equal(await personDetail(w.services, act(), 'per_nobody'), null)
    t.match(await events(w, 'person.viewed'), [{ personId: w.agent, actor: 'admin:adm_1' }, { personId: w.lr }])
    const lines = await personHistory(w.services, w.lr)
    t.ok(lines.some(({ type }) => type === 'delegation.approved'))
    t.notOk(lines.some(({ type }) => type === 'person.viewed'))
    const [first] = await personHistory(w.services, w.lr, { limit: 1 })
    t.same(await personHistory(w.services, w.lr, { limit: 1, before: first?.id ?? 0 }), lines.slice(1, 2))
  }
)

// Scanning: who, once, guesses, purposes; accept, number matching, confirm, reject and their races.
import t from 'tap'
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { createFieldCrypto } from '../../../src/database/field-crypto.ts'
import { inTransaction } from '../../../src/database/transaction.ts'
import { createScanTickets } from '../../../src/records/scan-tickets/index.ts'
import { eachDatabase } from '../../support/database.ts'
import {
  app,
  codeOf,
  confirm,
  consent,
  events,
  expire,
  granted,
  issuer,
  loginTicket,
  pema,
  person,
  personRow,
  phone,
  ready,
  sandboxOf,
  scanned,
  ticketRow,
  times,
  world,
  type World
} from './support.ts'

const sandbox = await sandboxOf(t)

const web = async (w: World, personId: string) => {
  const id = `dev_${randomBytes(4).toString('hex')}`
  await w.services.db
    .insertInto('device')
    .values({
      id,
      kind: 'web',
      secretHash: id,
      label: 'Browser',
      personId,
      boundAt: sql<Date>`now() - interval '1 day'`
    })
    .execute()
  return phone({ id, kind: 'web', personId, ownerBarred: false })
}

await eachDatabase(t, 'scan', async (t, database) => {
  const w = await world(database, sandbox)

  await t.test('shows who asks, and nothing else is known yet', async (t) => {
    const { view, created } = await scanned(w)
    t.match(view, {
      ticketId: created.ticketId,
      purpose: 'login',
      state: 'scanned',
      context: { clientName: '西藏税务', clientHost: 'tax.example', place: '局域网', browser: 'Windows · Chrome' },
      remaining: ['identity', 'face'],
      number: 'compare',
      checkNumber: created.checkNumber,
      person: { maskedName: '****西', maskedCertNo: '5****************5' },
      accepted: false,
      faceTries: { attempt: 3, day: 5 }
    })
    t.match(view.contextDigest, /^[\w-]{43}$/)
    t.equal((await ticketRow(w, created.ticketId)).scanTokenHash?.length, 43)
  })

  await t.test('two phones at once, twenty times: one gets it, the other learns nothing', async (t) => {
    for (let round = 0; round < 20; round++) {
      const created = await w.tickets.create(loginTicket(w, { address: `10.3.0.${round}` }))
      const results = await times(
        2,
        async (at) => await w.tickets.scan(created.payloadUrl, phone(null, `10.9.0.${at}`))
      )
      const codes = results.map(codeOf).sort()
      if (codes.join() !== 'already_scanned,ok') t.fail(`round ${round}: ${codes.join()}`)
      const loser = results.find((result) => !result.ok)
      t.same(Object.keys(loser ?? {}).sort(), ['code', 'ok'])
      const winner = results.find((result) => result.ok === true)
      if (winner?.ok === true) t.equal(codeOf(await w.tickets.view(winner.scanToken, phone())), 'ok')
      t.equal(await events(w, 'scan-ticket.scanned', created.ticketId), 1)
    }
  })

  await t.test('a token works for its phone only', async (t) => {
    const actor = await app(w)
    const held = await scanned(w, {}, actor)
    for (const other of [phone(), await app(w), await app(w, w.personId)]) {
      t.equal(codeOf(await w.tickets.view(held.scanToken, other)), 'not_found')
      t.equal(
        codeOf(await w.tickets.confirm(held.scanToken, { contextDigest: held.view.contextDigest }, other)),
        'not_found'
      )
      t.equal(codeOf(await w.tickets.reject(held.scanToken, other)), 'not_found')
    }
    t.equal(codeOf(await w.tickets.view('x'.repeat(43), actor)), 'not_found')
    t.equal(codeOf(await w.tickets.view(held.created.ticketId, actor)), 'not_found', 'a ticket id is no scan token')
  })

  await t.test('the phone of somebody else ends the ticket, on both screens', async (t) => {
    const other = await person(w.services, pema)
    const ticket = loginTicket(w)
    const created = await w.tickets.create(ticket)
    t.equal(codeOf(await w.tickets.scan(created.payloadUrl, await app(w, other.id))), 'wrong_person')
    t.match(await w.tickets.status(created.ticketId, ticket.browserHash), { state: 'failed', failure: 'wrong_person' })
    t.equal(await events(w, 'scan-ticket.wrong-person', created.ticketId), 1)
    t.equal(
      codeOf(await w.tickets.scan(created.payloadUrl, await app(w, w.personId))),
      'already_scanned',
      'no second try, not even for the right one'
    )
    const again = await w.tickets.create(loginTicket(w))
    t.equal(codeOf(await w.tickets.scan(again.payloadUrl, await web(w, other.id))), 'wrong_person')
  })

  await t.test('scan login without a password', async (t) => {
    const open = (): Parameters<typeof w.tickets.create>[0] => {
      const { expectedPersonId: nobody, ...ticket } = loginTicket(w, { requires: [] })
      return ticket
    }
    const ticket = open()
    const created = await w.tickets.create(ticket)
    t.equal(codeOf(await w.tickets.scan(created.payloadUrl, phone())), 'device_not_bound')
    t.equal(codeOf(await w.tickets.scan(created.payloadUrl, await app(w))), 'device_not_bound')
    t.equal(
      (await w.tickets.status(created.ticketId, ticket.browserHash))?.state,
      'waiting',
      'the right phone may still come'
    )
    const actor = await app(w, w.personId)
    const { scanToken, view } = granted(await w.tickets.scan(created.payloadUrl, actor))
    t.match(
      { remaining: view.remaining, name: view.person?.maskedName },
      { remaining: [], name: '****西' },
      'a key is enough'
    )
    granted(await w.tickets.confirm(scanToken, { contextDigest: view.contextDigest }, actor))
    t.match(
      await inTransaction(
        w.services.db,
        async (trx) =>
          await w.tickets.consume(trx, created.ticketId, {
            browserHash: ticket.browserHash,
            loginAttemptUid: ticket.loginAttemptUid!,
            purpose: 'login'
          })
      ),
      { personId: w.personId, proofs: [{ kind: 'scan', deviceKey: true, deviceId: actor.device!.id }] }
    )

    const second = await w.tickets.create(open())
    const browser = await web(w, w.personId)
    const held = granted(await w.tickets.scan(second.payloadUrl, browser))
    t.same(held.view.remaining, ['face'], "a phone's browser shows its face each time")
    t.equal(
      codeOf(await w.tickets.confirm(held.scanToken, { contextDigest: held.view.contextDigest }, browser)),
      'face_required'
    )
  })

  await t.test('codes of other hosts, other forms and other purposes', async (t) => {
    const created = await w.tickets.create(loginTicket(w))
    const code = created.payloadUrl.slice(-28)
    const approval = await w.tickets.create(
      loginTicket(w, { purpose: 'approve-delegation', subjectRef: 'delegation:1' })
    )
    const mixed = Buffer.concat([
      Buffer.from(code, 'base64url').subarray(0, 12),
      Buffer.from(approval.payloadUrl.slice(-28), 'base64url').subarray(12)
    ]).toString('base64url')
    for (const payload of [
      `https://evil.example/q/${code}`,
      `${issuer}.evil.example/q/${code}`,
      `${issuer}/q/${mixed}`,
      created.ticketId,
      created.ticketId.slice(3),
      `${issuer}/q/${created.ticketId}`,
      '',
      'a'.repeat(5000),
      `${issuer}/q/${code}\u0000`,
      '%00'
    ]) {
      t.equal(
        codeOf(await w.tickets.scan(payload, phone(null, '10.5.5.5'))),
        'not_found',
        JSON.stringify(payload.slice(0, 60))
      )
    }
    t.equal(codeOf(await w.tickets.scan(code, phone(null, '10.5.5.5'))), 'ok', 'the bare code of this host')
  })

  await t.test('guessing is stopped after twenty', async (t) => {
    const guess = (): string => `${issuer}/q/${randomBytes(21).toString('base64url')}`
    const codes: string[] = []
    for (let i = 0; i < 25; i++) codes.push(codeOf(await w.tickets.scan(guess(), phone(null, '10.6.6.6'))))
    t.same(codes, [...Array(20).fill('not_found'), ...Array(5).fill('too_many_requests')])
    const created = await w.tickets.create(loginTicket(w))
    t.equal(
      codeOf(await w.tickets.scan(created.payloadUrl, phone(null, '10.6.6.6'))),
      'too_many_requests',
      'a right one as well'
    )
    t.equal(codeOf(await w.tickets.scan(created.payloadUrl, await app(w))), 'ok', 'a device has a counter of its own')
  })
})

await eachDatabase(t, 'accept and number matching', async (t, database) => {
  const w = await world(database, sandbox)

  await t.test('the number is entered, three times wrong ends it', async (t) => {
    const held = await scanned(w, { numberEntry: true })
    const { scanToken, actor, created, view } = held
    t.match(view, { number: 'enter', checkNumber: null }, 'the phone is not told')
    const wrong = created.checkNumber === '10' ? '11' : '10'
    const accept = async (checkNumber?: string) =>
      codeOf(
        await w.tickets.accept(
          scanToken,
          { contextDigest: view.contextDigest, ...(checkNumber === undefined ? {} : { checkNumber }) },
          actor
        )
      )
    t.equal(await accept(), 'number_mismatch')
    t.equal(await accept(''), 'number_mismatch')
    t.same([await accept(wrong), await accept(wrong)], ['number_mismatch', 'number_mismatch'])
    t.equal((await ticketRow(w, created.ticketId)).numberTries, 2, 'nothing typed was no guess')
    t.equal(codeOf(await confirm(w, held, wrong)), 'number_exhausted', 'guesses at both doors are one count')
    t.match(await w.tickets.status(created.ticketId, held.ticket.browserHash), {
      state: 'failed',
      failure: 'number_mismatch'
    })
    t.equal(await accept(created.checkNumber), 'number_exhausted')
    t.equal(await events(w, 'scan-ticket.number-mismatch', created.ticketId), 3)
    t.equal(await events(w, 'scan-ticket.failed', created.ticketId), 1)
  })

  await t.test('99 guesses at once are still three', async (t) => {
    const { scanToken, actor, created, view } = await scanned(w, { numberEntry: true })
    const guesses = Array.from({ length: 90 }, (_, i) => String(i + 10))
      .filter((guess) => guess !== created.checkNumber)
      .slice(0, 20)
    await times(
      guesses.length,
      async (at) =>
        await w.tickets.accept(scanToken, { contextDigest: view.contextDigest, checkNumber: guesses[at]! }, actor)
    )
    t.match(await ticketRow(w, created.ticketId), { state: 'failed', numberTries: 3 })
  })

  await t.test('the right one among all of them, sent at once, is not found by trying', async (t) => {
    for (const door of ['accept', 'confirm'] as const) {
      const { scanToken, actor, created, view } = await scanned(
        w,
        { numberEntry: true, requires: [] },
        await app(w, w.personId)
      )
      const wrong = Array.from({ length: 90 }, (_, i) => String(i + 10)).filter(
        (guess) => guess !== created.checkNumber
      )
      const answers = await Promise.all(
        [...wrong, created.checkNumber].map(async (checkNumber) =>
          codeOf(await w.tickets[door](scanToken, { contextDigest: view.contextDigest, checkNumber }, actor))
        )
      )
      t.notOk(answers.includes('ok'), door)
      t.match(
        await ticketRow(w, created.ticketId),
        { state: 'failed', failure: 'number_mismatch', numberTries: 3, acceptedAt: null },
        door
      )
    }
  })

  await t.test('once right it need not be entered again', async (t) => {
    const held = await scanned(w, { numberEntry: true, requires: [] }, await app(w, w.personId))
    const { scanToken, actor, created, view } = held
    t.equal(codeOf(await confirm(w, held)), 'number_mismatch')
    const accepted = granted(
      await w.tickets.accept(scanToken, { contextDigest: view.contextDigest, checkNumber: created.checkNumber }, actor)
    )
    t.match(accepted.view, { accepted: true, state: 'scanned' })
    t.equal(codeOf(await confirm(w, held)), 'ok')
  })

  await t.test('confirming with the number does both', async (t) => {
    const held = await scanned(w, { numberEntry: true, requires: [] }, await app(w, w.personId))
    t.equal(codeOf(await confirm(w, held, held.created.checkNumber)), 'ok')
  })

  await t.test('another digest than that of what is stored', async (t) => {
    const held = await scanned(w)
    const answers = [
      { contextDigest: '' },
      { contextDigest: 'A'.repeat(43) },
      { contextDigest: (await scanned(w)).view.contextDigest }
    ]
    for (const answer of answers) {
      t.equal(codeOf(await w.tickets.accept(held.scanToken, answer, held.actor)), 'digest_mismatch')
      t.equal(codeOf(await w.tickets.confirm(held.scanToken, answer, held.actor)), 'digest_mismatch')
    }
    await sql`update scan_ticket set context = context || '{"clientName":"别的网站"}'::jsonb
      where id = ${held.created.ticketId}`.execute(w.services.db)
    t.equal(codeOf(await confirm(w, held)), 'digest_mismatch', 'what was shown was changed behind the digest')
  })
})

await eachDatabase(t, 'confirm and reject', async (t, database) => {
  const w = await world(database, sandbox)

  await t.test('nothing is confirmed before everything was given', async (t) => {
    const held = await scanned(w)
    t.equal(codeOf(await confirm(w, held)), 'wrong_state', 'identity is missing')
    await sql`update scan_ticket set identity_at = now() where id = ${held.created.ticketId}`.execute(w.services.db)
    t.equal(codeOf(await confirm(w, held)), 'face_required')
    await sql`update scan_ticket set proof = 'face' where id = ${held.created.ticketId}`.execute(w.services.db)
    t.equal(codeOf(await confirm(w, held)), 'face_required', 'a mark without a check behind it')
    t.equal((await w.tickets.status(held.created.ticketId, held.ticket.browserHash))?.state, 'scanned')
  })

  await t.test('twenty confirmations and rejections at once: one end', async (t) => {
    for (let round = 0; round < 4; round++) {
      const held = await scanned(w, { requires: [], address: `10.7.0.${round}` }, await app(w, w.personId))
      const results = await times(20, async (at) =>
        at % 2 === 0 ? await confirm(w, held) : await w.tickets.reject(held.scanToken, held.actor)
      )
      t.equal(results.filter((result) => result.ok && !('again' in result)).length, 1)
      const { ticketId } = held.created
      const { state } = await ticketRow(w, ticketId)
      t.same(
        [...new Set(results.filter((_, at) => at % 2 === (state === 'confirmed' ? 1 : 0)).map(codeOf))],
        ['wrong_state'],
        'who came too late'
      )
      t.equal(
        results.filter((result) => 'again' in result).length,
        state === 'confirmed' ? 9 : 0,
        'R13: confirmed already is no failure'
      )
      t.match(state, /^(confirmed|rejected)$/)
      t.equal(
        (await events(w, 'scan-ticket.confirmed', ticketId)) + (await events(w, 'scan-ticket.rejected', ticketId)),
        1,
        'one event'
      )
      t.equal(await events(w, `scan-ticket.${state}` as 'scan-ticket.confirmed', ticketId), 1, 'of that end')
    }
  })

  await t.test('R13: the answer to a confirmation was lost', async (t) => {
    const held = await scanned(w, { requires: [] }, await app(w, w.personId))
    t.same(await confirm(w, held), { ok: true })
    t.same(await confirm(w, held), { ok: true, again: true })
    const { ticketId } = held.created
    const { scanToken, actor, view } = held
    t.equal(codeOf(await w.tickets.confirm(scanToken, { contextDigest: 'another' }, actor)), 'wrong_state')
    const other = { ...actor, device: actor.device === null ? null : { ...actor.device, id: 'another' } }
    t.equal(codeOf(await w.tickets.confirm(scanToken, { contextDigest: view.contextDigest }, other)), 'not_found')
    await w.services.db.transaction().execute(async (trx) => {
      await w.tickets.consume(trx, ticketId, { browserHash: held.ticket.browserHash, purpose: 'login' })
    })
    t.same(await confirm(w, held), { ok: true, again: true }, 'used by the browser meanwhile')
    t.equal(await events(w, 'scan-ticket.confirmed', ticketId), 1)
    const unused = await scanned(w, { requires: [] }, await app(w, w.personId))
    await confirm(w, unused)
    await sql`update scan_ticket set expires_at = now() where id = ${unused.created.ticketId}`.execute(w.services.db)
    t.equal(codeOf(await confirm(w, unused)), 'expired', 'nobody can use it any more')
  })

  await t.test('declined', async (t) => {
    const held = await ready(w)
    granted(await w.tickets.reject(held.scanToken, held.actor))
    t.match(await w.tickets.status(held.created.ticketId, held.ticket.browserHash), {
      state: 'rejected',
      failure: 'declined'
    })
    t.equal((await ticketRow(w, held.created.ticketId)).identityEnc, null, 'what was typed is gone')
    t.equal(codeOf(await confirm(w, held)), 'wrong_state')
    t.match(
      await personRow(w, w.personId),
      { faceVerifiedAt: null, assuranceLevel: 1 },
      'a passed check alone changes nobody'
    )
  })

  await t.test('every door closes when the time is over or another ticket was made', async (t) => {
    for (const end of ['expired', 'superseded']) {
      const held = await scanned(w)
      if (end === 'expired') await expire(w, held.created.ticketId)
      else await w.tickets.create({ ...held.ticket, address: '10.8.8.8' })
      const { scanToken, actor, view } = held
      const codes = [
        codeOf(await w.tickets.view(scanToken, actor)),
        codeOf(await w.tickets.accept(scanToken, { contextDigest: view.contextDigest }, actor)),
        codeOf(
          await w.tickets.submitIdentity(
            scanToken,
            { certType: '', name: '', certNo: '', validFrom: '', term: '', consent },
            actor
          )
        ),
        codeOf(await w.tickets.beginFace(scanToken, { consent }, actor)),
        codeOf(await w.tickets.faceVerdict(scanToken, 'x', actor)),
        codeOf(await w.tickets.useCounterCode(scanToken, '12345678', actor)),
        codeOf(await confirm(w, held)),
        codeOf(await w.tickets.reject(scanToken, actor))
      ]
      t.same(codes, Array(8).fill('expired'), end)
    }
  })

  await t.test('a device revoked, or given to somebody else, between scan and confirmation', async (t) => {
    const other = await person(w.services, pema)
    for (const [change, code] of [
      [sql`revoked_at = now()`, 'device_not_bound'],
      [sql`person_id = ${other.id}`, 'wrong_person']
    ] as const) {
      const actor = await app(w, w.personId)
      const held = await scanned(w, { requires: [] }, actor)
      await sql`update device set ${change} where id = ${actor.device!.id}`.execute(w.services.db)
      t.equal(codeOf(await confirm(w, held)), code)
    }
  })

  await t.test('a person disabled meanwhile is confirmed nothing', async (t) => {
    const held = await ready(w)
    await sql`update person set status = 'disabled' where id = ${w.personId}`.execute(w.services.db)
    t.equal(codeOf(await confirm(w, held)), 'account_locked')
    t.not((await ticketRow(w, held.created.ticketId)).state, 'confirmed')
    await sql`update person set status = 'active' where id = ${w.personId}`.execute(w.services.db)
  })

  await t.test('no audit, no act', async (t) => {
    const held = await scanned(w, { requires: [] }, await app(w, w.personId))
    const silent = createScanTickets({
      ...w.services,
      audit: {
        ...w.services.audit,
        record: async () => {
          throw new Error('audit is down')
        }
      }
    })
    await t.rejects(silent.confirm(held.scanToken, { contextDigest: held.view.contextDigest }, held.actor))
    await t.rejects(silent.create(loginTicket(w, { browserHash: held.ticket.browserHash })))
    t.equal((await ticketRow(w, held.created.ticketId)).state, 'scanned')
  })
})

await eachDatabase(
  t,
  'S18: a code that was shown before the master key changed is scanned after it',
  async (t, database) => {
    const w = await world(database, sandbox)
    const ticket = loginTicket(w)
    const created = await w.tickets.create(ticket)
    const crypto = createFieldCrypto({
      masterKey: Buffer.alloc(32, 'next'),
      keyId: 'k2',
      cipher: 'aes-256-gcm',
      previousKeys: { test: Buffer.alloc(32, 'test') }
    })
    const changed = createScanTickets({ ...w.services, crypto })
    const shown = await changed.status(created.ticketId, ticket.browserHash)
    t.equal(shown?.payloadUrl?.split('.')[0], created.payloadUrl.split('.')[0], 'the picture stays the same')
    t.equal(codeOf(await changed.scan(created.payloadUrl, phone())), 'ok')
    t.equal(codeOf(await w.tickets.scan((await changed.create(loginTicket(w))).payloadUrl, phone())), 'not_found')
  }
)

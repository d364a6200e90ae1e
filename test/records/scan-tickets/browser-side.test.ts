// The browser side: creation, status, stream, consumption. Both engines; real parallel calls; no waiting for clocks.
import t from 'tap'
import { sql } from 'kysely'
import { inTransaction } from '../../../src/database/transaction.ts'
import { eachDatabase } from '../../support/database.ts'
import {
  age,
  codeOf,
  confirm,
  consume,
  events,
  expire,
  granted,
  issuer,
  loginTicket,
  newBrowser,
  pema,
  person,
  phone,
  ready,
  sandboxOf,
  scanned,
  ticketRow,
  times,
  world,
  app
} from './support.ts'

const sandbox = await sandboxOf(t)

await eachDatabase(t, 'create', async (t, database) => {
  const w = await world(database, sandbox)
  const ticket = loginTicket(w)
  const made = await w.tickets.create(ticket)
  t.match(made.checkNumber, /^[1-9]\d$/)
  t.equal(made.secondsLeft, 180)
  t.match(made.payloadUrl, /^http:\/\/localhost:3000\/q\/[\w-]{28}$/)
  const row = await ticketRow(w, made.ticketId)
  t.notMatch(JSON.stringify(row), new RegExp(made.payloadUrl.slice(-28, -12)), 'neither locator nor code is stored')
  t.match(row.locatorHash, /^[\w-]{43}$/)
  t.notMatch(made.payloadUrl, made.ticketId, 'the id that the page knows does not open the ticket')
  t.equal(await w.tickets.findLatest(ticket.loginAttemptUid!, ticket.browserHash), made.ticketId)
  t.equal(await w.tickets.findLatest(ticket.loginAttemptUid!, newBrowser()), null)

  await t.test('another ticket of the same browser supersedes it', async (t) => {
    const second = await w.tickets.create(ticket)
    t.equal((await w.tickets.status(made.ticketId, ticket.browserHash))?.state, 'superseded')
    t.equal((await w.tickets.status(second.ticketId, ticket.browserHash))?.renewals, 1)
    t.equal(await events(w, 'scan-ticket.superseded', made.ticketId), 1)
    t.equal(codeOf(await w.tickets.scan(made.payloadUrl, phone())), 'expired', 'and nobody can scan it any more')
  })

  await t.test('renewals are counted to three and begin again', async (t) => {
    const fresh = loginTicket(w)
    const renewals: Array<number | undefined> = []
    for (let i = 0; i < 6; i++) {
      renewals.push((await w.tickets.status((await w.tickets.create(fresh)).ticketId, fresh.browserHash))?.renewals)
    }
    t.same(renewals, [0, 1, 2, 3, 0, 1])
    const held = await scanned(w)
    const next = await w.tickets.create(held.ticket)
    t.equal(
      (await w.tickets.status(next.ticketId, held.ticket.browserHash))?.renewals,
      0,
      'after a scan it is no silent renewal'
    )
  })

  await t.test('twenty windows at once leave one live ticket', async (t) => {
    const flood = loginTicket(w)
    const all = await times(20, async () => await w.tickets.create(flood))
    const states = await Promise.all(
      all.map(async ({ ticketId }) => (await w.tickets.status(ticketId, flood.browserHash))?.state)
    )
    t.equal(states.filter((state) => state === 'waiting').length, 1)
    t.equal(states.filter((state) => state === 'superseded').length, 19)
  })

  await t.test('limits: 30 of one browser, 300 of one address', async (t) => {
    const flood = loginTicket(w, { address: '10.1.1.1' })
    for (let i = 0; i < 30; i++) await w.tickets.create(flood)
    await t.rejects(w.tickets.create(flood), { code: 'too_many_requests', statusCode: 429 })
    await sql`update throttle set count = 300 where key like 'scan-ticket.address:%'`.execute(w.services.db)
    await t.rejects(
      w.tickets.create(loginTicket(w, { address: '10.1.1.1' })),
      { code: 'too_many_requests' },
      'another browser behind the same address'
    )
    await t.resolves(w.tickets.create(loginTicket(w, { address: '10.1.1.2' })))
    await sql`update throttle set window_ends_at = now() - interval '1 second'`.execute(w.services.db)
    await t.resolves(w.tickets.create(flood), 'the window has passed')
  })

  await t.test('only a login may leave open who scans', async (t) => {
    const { expectedPersonId, ...open } = loginTicket(w, { purpose: 'recover' })
    t.ok(expectedPersonId)
    await t.rejects(w.tickets.create(open), { code: 'ticket_person_required' })
  })
})

await eachDatabase(t, 'status', async (t, database) => {
  const w = await world(database, sandbox)
  const ticket = loginTicket(w)
  const made = await w.tickets.create(ticket)

  await t.test('answers the creating browser only, and says nothing about persons', async (t) => {
    t.equal(await w.tickets.status(made.ticketId, newBrowser()), null)
    t.equal(await w.tickets.status('st_unknown', ticket.browserHash), null, 'the same as for an unknown ticket')
    const held = await scanned(w)
    const status = await w.tickets.status(held.created.ticketId, held.ticket.browserHash)
    t.same(Object.keys(status ?? {}).sort(), [
      'checkNumber',
      'failure',
      'payloadUrl',
      'renewals',
      'secondsLeft',
      'state',
      'triesLeft'
    ])
    t.match(status, { state: 'scanned', payloadUrl: null, failure: null })
    t.ok((status?.secondsLeft ?? 0) > 500 && (status?.secondsLeft ?? 0) <= 600, 'ten minutes from the scan')
    t.notMatch(JSON.stringify(status), /扎西|5401021990|5401\*|per_/)
  })

  await t.test('without script the picture stays; with it, it changes every 20 seconds', async (t) => {
    await age(w, made.ticketId, 45)
    t.equal((await w.tickets.status(made.ticketId, ticket.browserHash))?.payloadUrl, made.payloadUrl)
    const scripted = await w.tickets.status(made.ticketId, ticket.browserHash, { scripted: true })
    t.not(scripted?.payloadUrl, made.payloadUrl)
    t.equal(
      (await w.tickets.status(made.ticketId, ticket.browserHash))?.payloadUrl,
      scripted?.payloadUrl,
      'from then on'
    )
    t.equal(codeOf(await w.tickets.scan(made.payloadUrl, phone())), 'expired', 'the old picture is worth nothing now')
    await age(w, made.ticketId, 20)
    t.equal(codeOf(await w.tickets.scan(scripted!.payloadUrl!, phone())), 'ok', 'the previous one is')
  })

  await t.test("expiry is the database's clock", async (t) => {
    const other = loginTicket(w)
    const late = await w.tickets.create(other)
    await expire(w, late.ticketId)
    t.match(await w.tickets.status(late.ticketId, other.browserHash), {
      state: 'expired',
      payloadUrl: null,
      secondsLeft: 0
    })
    t.equal(codeOf(await w.tickets.scan(late.payloadUrl, phone())), 'expired')
  })
})

await eachDatabase(t, 'watch', async (t, database) => {
  const w = await world(database, sandbox)
  const states = async (source: AsyncIterable<{ state: string; failure: string | null }>): Promise<string[]> => {
    const seen: string[] = []
    for await (const { state, failure } of source) seen.push(failure ?? state)
    return seen
  }

  await t.test('tells every change at once and ends', async (t) => {
    const ticket = loginTicket(w)
    const made = await w.tickets.create(ticket)
    const stop = new AbortController()
    const seen: string[] = []
    const reached = new Map<string, () => void>()
    const until = (state: string): Promise<void> =>
      seen.includes(state) ? Promise.resolve() : new Promise((resolve) => reached.set(state, resolve))
    const ended = (async () => {
      for await (const { state } of w.tickets.watch(made.ticketId, ticket.browserHash, stop.signal)) {
        seen.push(state)
        reached.get(state)?.()
      }
    })()
    await until('waiting')
    t.equal(
      codeOf(await w.tickets.scan(made.payloadUrl, phone())),
      'ok',
      'step 0 is still current after the stream began the rotation'
    )
    await until('scanned')
    await w.tickets.create(ticket)
    await ended
    t.same(seen, ['waiting', 'scanned', 'superseded'])
    t.equal(w.tickets.watchers(), 0)
  })

  await t.test('changes made by another process are seen too', async (t) => {
    const ticket = loginTicket(w)
    const made = await w.tickets.create(ticket)
    const watching = states(w.tickets.watch(made.ticketId, ticket.browserHash, new AbortController().signal))
    await sql`update scan_ticket set state = 'failed', failure = 'wrong_person' where id = ${made.ticketId}`.execute(
      w.services.db
    )
    t.equal((await watching).at(-1), 'wrong_person')
  })

  await t.test('another browser sees nothing; a signal ends it', async (t) => {
    const ticket = loginTicket(w)
    const made = await w.tickets.create(ticket)
    t.same(await states(w.tickets.watch(made.ticketId, newBrowser(), new AbortController().signal)), [])
    const stop = new AbortController()
    const stream = w.tickets.watch(made.ticketId, ticket.browserHash, stop.signal)[Symbol.asyncIterator]()
    t.equal((await stream.next()).value?.state, 'waiting')
    const next = stream.next()
    stop.abort()
    t.equal((await next).done, true)
    t.equal(w.tickets.watchers(), 0)
  })

  await t.test('twenty streams at once', async (t) => {
    const tickets = await times(20, async (at) => {
      const ticket = loginTicket(w, { address: `10.2.0.${at}` })
      return { ticket, made: await w.tickets.create(ticket) }
    })
    const stop = new AbortController()
    const streams = tickets.map(({ ticket, made }) =>
      w.tickets.watch(made.ticketId, ticket.browserHash, stop.signal)[Symbol.asyncIterator]()
    )
    await Promise.all(streams.map(async (stream) => await stream.next()))
    const endings = streams.map(async (stream) => await stream.next())
    await new Promise(setImmediate)
    t.equal(w.tickets.watchers(), 20)
    await sql`update scan_ticket set state = 'failed', failure = 'wrong_person' where state = 'waiting'`.execute(
      w.services.db
    )
    t.ok(
      (await Promise.all(endings)).every((ending) => ending.value?.state === 'failed'),
      'all are told'
    )
    stop.abort()
    await Promise.all(streams.map(async (stream) => await stream.return?.()))
    t.equal(w.tickets.watchers(), 0)
  })
})

await eachDatabase(t, 'consume', async (t, database) => {
  const w = await world(database, sandbox)

  await t.test('once, by the browser that made it, for what it was made', async (t) => {
    const held = await ready(w)
    t.equal(await consume(w, held), null, 'not before the confirmation')
    granted(await confirm(w, held))
    t.equal(await consume(w, held, { browserHash: newBrowser() }), null)
    t.equal(await consume(w, held, { loginAttemptUid: 'another' }), null)
    t.equal(await consume(w, held, { purpose: 'approve-delegation' }), null, 'a login is no approval')
    t.equal(await consume(w, held, { subjectRef: 'delegation:1' }), null)
    const outcomes = await times(20, async () => await consume(w, held))
    t.equal(outcomes.filter((outcome) => outcome !== null).length, 1)
    t.equal(await events(w, 'scan-ticket.consumed', held.created.ticketId), 1)
    const [won] = outcomes.filter((outcome) => outcome !== null)
    t.equal(won?.personId, w.personId)
    t.same(
      won?.proofs.map((proof) => proof.kind),
      ['scan', 'identity', 'face']
    )
    t.match(won?.proofs[0], { deviceId: null, deviceKey: false, ticketId: held.created.ticketId })
    t.ok(
      won?.proofs.every((proof) => Math.abs(proof.at - Date.now() / 1000) < 60),
      'epoch seconds'
    )
  })

  await t.test('in a transaction of the caller, with it or not at all', async (t) => {
    const held = await ready(w)
    granted(await confirm(w, held))
    const binding = {
      browserHash: held.ticket.browserHash,
      loginAttemptUid: held.ticket.loginAttemptUid!,
      purpose: held.ticket.purpose
    }
    await t.rejects(
      w.services.db.transaction().execute(async (trx) => {
        t.ok(await w.tickets.consume(trx, held.created.ticketId, binding))
        throw new Error('the rest failed')
      })
    )
    t.ok(await consume(w, held), 'nothing was lost')
  })

  await t.test('too late', async (t) => {
    const held = await ready(w)
    granted(await confirm(w, held))
    t.ok((await w.tickets.status(held.created.ticketId, held.ticket.browserHash))!.state === 'confirmed')
    await expire(w, held.created.ticketId)
    t.equal(await consume(w, held), null)
    t.equal((await w.tickets.status(held.created.ticketId, held.ticket.browserHash))?.state, 'expired')
  })

  await t.test("an app's key counts only if it was bound before this scan", async (t) => {
    const unbound = await ready(w, {}, await app(w))
    granted(await confirm(w, unbound))
    t.match(
      (await consume(w, unbound))?.proofs[0],
      { kind: 'scan', deviceId: unbound.actor.device!.id, deviceKey: false },
      'the ticket itself bound it'
    )
    const again = await scanned(
      w,
      { requires: [] },
      { ...unbound.actor, device: { ...unbound.actor.device!, personId: w.personId } }
    )
    granted(await confirm(w, again))
    t.match((await consume(w, again))?.proofs, [{ kind: 'scan', deviceKey: true }], 'now it stands for the person')
  })

  await t.test('an approval is bound to what is approved', async (t) => {
    const approver = await person(w.services, { ...pema, assuranceLevel: 3, faceVerifiedAt: new Date() })
    const { loginAttemptUid, ...approval } = loginTicket(w, {
      purpose: 'approve-delegation',
      subjectRef: 'delegation:7:digest',
      expectedPersonId: approver.id,
      requires: ['face']
    })
    t.ok(loginAttemptUid)
    const actor = await app(w, approver.id)
    const created = await w.tickets.create(approval)
    t.ok(created.payloadUrl.startsWith(`${issuer}/q/`))
    const { scanToken, view } = granted(await w.tickets.scan(created.payloadUrl, actor))
    sandbox.script(['pass'])
    const { begun } = granted(
      await w.tickets.beginFace(scanToken, { consent: { given: true, version: '2026-01' } }, actor)
    )
    t.match(await w.tickets.faceVerdict(scanToken, begun.checkId, actor), { status: 'passed' })
    granted(await w.tickets.confirm(scanToken, { contextDigest: view.contextDigest }, actor))
    const binding = { browserHash: approval.browserHash, purpose: 'approve-delegation' as const }
    t.equal(await inTransaction(
      w.services.db,
      async (trx) => await w.tickets.consume(trx, created.ticketId, { ...binding, subjectRef: 'delegation:8:digest' })
    ), null)
    t.equal(await inTransaction(
      w.services.db,
      async (trx) => await w.tickets.consume(trx, created.ticketId, binding)
    ), null)
    t.ok(await inTransaction(
      w.services.db,
      async (trx) => await w.tickets.consume(trx, created.ticketId, { ...binding, subjectRef: 'delegation:7:digest' })
    ))
  })
})

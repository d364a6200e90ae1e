// What the phone gives: identity, face, counter code; what becomes of person and device when it is confirmed.
import t from 'tap'
import { sql } from 'kysely'
import { write } from '../../../src/database/transaction.ts'
import { issueCounterCode } from '../../../src/records/counter-codes/index.ts'
import { deviceBySecret } from '../../../src/records/devices/index.ts'
import { self } from '../../../src/domain/representation/representation.ts'
import { nextStep } from '../../../src/domain/login/next-step.ts'
import { eachDatabase } from '../../support/database.ts'
import {
  app,
  codeOf,
  confirm,
  consent,
  consume,
  events,
  faceOnce,
  giveIdentity,
  granted,
  identity,
  pema,
  person,
  personRow,
  phone,
  ready,
  sandboxOf,
  scanned,
  ticketRow,
  times,
  version,
  world
} from './support.ts'

const sandbox = await sandboxOf(t)

await eachDatabase(t, 'identity', async (t, database) => {
  const w = await world(database, sandbox)

  await t.test('right data: state, sealed card, consent', async (t) => {
    const held = await scanned(w)
    const view = await giveIdentity(w, held)
    t.match(view, { state: 'identity', remaining: ['face'] })
    t.equal(w.register.asked, 1)
    const row = await ticketRow(w, held.created.ticketId)
    t.ok(row.identityEnc !== null && !row.identityEnc.includes('2018'))
    t.notMatch(JSON.stringify(row), /扎西|540102/)
    const given = await w.services.db
      .selectFrom('consent')
      .selectAll()
      .where('kind', '=', 'identity-verification')
      .execute()
    t.match(given, [
      {
        personId: w.personId,
        version,
        locale: 'zh-CN',
        source: `scan-ticket:${held.created.ticketId}`,
        withdrawnAt: null
      }
    ])
    t.match(given[0]?.textHash, /^[\w-]{43}$/)
    await giveIdentity(w, held)
    t.equal(
      (await w.services.db.selectFrom('consent').select('id').execute()).length,
      1,
      'a page sent twice is one consent'
    )
    t.match(
      await personRow(w, w.personId),
      { identityVerifiedAt: null, certValidFrom: null },
      "nothing is the person's before the confirmation"
    )
  })

  await t.test('every refusal', async (t) => {
    const held = await scanned(w)
    const submit = async (extra: object) =>
      await w.tickets.submitIdentity(held.scanToken, { ...identity, ...extra }, held.actor)
    t.equal(codeOf(await submit({ consent: { given: false, version } })), 'consent_required')
    t.equal(
      codeOf(await submit({ consent: { given: true, version: '1999-01' } })),
      'consent_required',
      'another text than the one shown now'
    )
    const fields = await submit({ name: '', certNo: '540102199003072514', validFrom: '2031-01-01', term: '7' })
    t.match(fields, {
      code: 'invalid_fields',
      faults: [
        { field: 'name', code: 'EMPTY' },
        { field: 'certNo', code: 'CHECK' },
        { field: 'term', code: 'TERM' },
        { field: 'validFrom', code: 'FUTURE' }
      ]
    })
    const asked = w.register.asked
    t.equal(codeOf(await submit({ name: '测试·多吉' })), 'identity_mismatch')
    t.equal(codeOf(await submit({ ...pema })), 'identity_mismatch', 'another person, known to the register or not')
    t.equal(w.register.asked, asked, 'the register is not asked about what does not fit the account')
    w.register.answer = 'mismatch'
    t.equal(codeOf(await submit({})), 'identity_mismatch')
    w.register.answer = 'no_record'
    t.equal(codeOf(await submit({})), 'identity_mismatch')
    w.register.answer = 'unavailable'
    t.equal(codeOf(await submit({})), 'register_unavailable')
    w.register.answer = 'mismatch'
    t.equal(codeOf(await submit({})), 'identity_mismatch', 'an outage was no try: this is the fifth')
    w.register.answer = 'match'
    t.equal(codeOf(await submit({})), 'identity_exhausted', 'and now not even the right data')
    t.equal(
      codeOf(await w.tickets.submitIdentity((await scanned(w)).scanToken, identity, phone())),
      'identity_exhausted',
      'nor through another ticket'
    )
    t.equal(await events(w, 'identity.mismatch'), 5)
    t.equal(await events(w, 'identity.exhausted'), 2)
    await sql`update throttle set window_ends_at = now() - interval '1 second'`.execute(w.services.db)
    t.equal(codeOf(await submit({})), 'ok', 'the next day')
    t.equal(codeOf(await submit({ name: '测试•扎西 ' })), 'ok', 'another spelling of the same name')
  })

  await t.test('guesses at once are bounded too', async (t) => {
    await sql`delete from throttle`.execute(w.services.db)
    const held = await scanned(w)
    const codes = (
      await times(
        20,
        async () => await w.tickets.submitIdentity(held.scanToken, { ...identity, name: '测试·多吉' }, held.actor)
      )
    ).map(codeOf)
    t.equal(codes.filter((code) => code === 'identity_mismatch').length, 5)
    t.equal(codes.filter((code) => code === 'identity_exhausted').length, 15)
    await sql`delete from throttle`.execute(w.services.db)
  })

  await t.test('asked only if it is required', async (t) => {
    const held = await scanned(w, { requires: ['face'] })
    t.equal(codeOf(await w.tickets.submitIdentity(held.scanToken, identity, held.actor)), 'wrong_state')
  })
})

await eachDatabase(t, 'face', async (t, database) => {
  const w = await world(database, sandbox)

  await t.test('the first login of a person: all of it', async (t) => {
    const held = await scanned(w, {}, await app(w))
    t.equal(
      codeOf(await w.tickets.beginFace(held.scanToken, { consent }, held.actor)),
      'wrong_state',
      'whose face it should be comes first'
    )
    await giveIdentity(w, held)
    t.equal(
      codeOf(await w.tickets.beginFace(held.scanToken, { consent: { given: false, version } }, held.actor)),
      'consent_required'
    )
    const { begun } = granted(
      await w.tickets.beginFace(held.scanToken, { consent, returnUrl: 'http://localhost:3000/v/x' }, held.actor)
    )
    t.match(begun, { method: 'redirect', url: /^http/, triesLeft: 3 })
    t.match(await w.tickets.status(held.created.ticketId, held.ticket.browserHash), { state: 'face', failure: null })
    t.match(await w.tickets.faceVerdict(held.scanToken, begun.checkId, held.actor), { status: 'pending' })
    const check = await w.services.db
      .selectFrom('faceCheck')
      .selectAll()
      .where('id', '=', begun.checkId)
      .executeTakeFirstOrThrow()
    t.equal(sandbox.decide(check.providerTxn!, 'pass'), 'decided')
    t.equal(codeOf(await confirm(w, held)), 'face_required', 'a verdict counts when it was pulled')
    t.match(await w.tickets.faceVerdict(held.scanToken, begun.checkId, held.actor), { status: 'passed' })
    t.equal(
      codeOf(await w.tickets.beginFace(held.scanToken, { consent }, held.actor)),
      'wrong_state',
      'no second check is paid for'
    )
    t.match(granted(await w.tickets.view(held.scanToken, held.actor)).view, { remaining: [], state: 'face' })
    granted(await confirm(w, held))

    t.match(await personRow(w, w.personId), {
      assuranceLevel: 3,
      certValidFrom: '2018-05-01',
      certValidTo: '2038-05-01',
      certTerm: '20',
      identityVerifiedAt: Date,
      faceVerifiedAt: Date
    })
    const device = await w.services.db
      .selectFrom('device')
      .selectAll()
      .where('id', '=', held.actor.device!.id)
      .executeTakeFirstOrThrow()
    t.match(device, { personId: w.personId, boundAt: Date })
    t.equal((await ticketRow(w, held.created.ticketId)).identityEnc, null, 'the ticket keeps no copy')
    t.equal(await events(w, 'device.bound'), 1)
    const consumed = await consume(w, held)
    t.match(
      consumed?.proofs.map((proof) => proof.kind),
      ['scan', 'identity', 'face']
    )
    t.equal(
      (
        await w.services.db
          .selectFrom('faceCheck')
          .select('state')
          .where('id', '=', begun.checkId)
          .executeTakeFirstOrThrow()
      ).state,
      'used'
    )
    t.equal(await events(w, 'consent.given'), 2, 'one for the data, one for the face')
  })

  await t.test('a failed try is said on both screens and can be repeated, three times', async (t) => {
    const held = await scanned(w, { requires: ['face'] })
    sandbox.script(['mismatch', 'liveness', 'quality'])
    t.match(await faceOnce(w, held), {
      status: 'failed',
      reason: 'NOT_SAME_PERSON',
      triesLeft: { attempt: 2, day: 4 },
      offerAlternative: true
    })
    t.match(await w.tickets.status(held.created.ticketId, held.ticket.browserHash), {
      state: 'face',
      failure: 'face_failed',
      triesLeft: 2
    })
    t.equal(codeOf(await confirm(w, held)), 'face_required')
    t.match(await faceOnce(w, held), { status: 'failed', reason: 'LIVENESS_RISK', triesLeft: { attempt: 1 } })
    t.match(await faceOnce(w, held), { status: 'failed', reason: 'BAD_CAPTURE', triesLeft: { attempt: 0 } })
    t.match(await w.tickets.status(held.created.ticketId, held.ticket.browserHash), {
      state: 'face',
      failure: 'face_exhausted',
      triesLeft: 0
    })
    t.equal(codeOf(await w.tickets.beginFace(held.scanToken, { consent }, held.actor)), 'face_exhausted')
    const renewed = await scanned(w, { ...held.ticket, address: '10.4.4.4' })
    t.equal(
      codeOf(await w.tickets.beginFace(renewed.scanToken, { consent }, renewed.actor)),
      'face_exhausted',
      'a new code in the same login gives no new tries'
    )
    t.match(renewed.view.faceTries, { attempt: 0, day: 2 })
    t.match(await w.tickets.status(renewed.created.ticketId, renewed.ticket.browserHash), {
      state: 'face',
      failure: 'face_exhausted',
      triesLeft: 0
    })
    await w.tickets.beginFace(renewed.scanToken, { consent }, renewed.actor)
    t.equal(
      await events(w, 'face-check.exhausted'),
      1,
      'a refused start is audited once; the last failed try said it for the first ticket'
    )

    const issued = await write(w.services, issueCounterCode, {
      personId: w.personId,
      issuedBy: 'staff:1',
      reason: 'face_failed'
    })
    granted(await w.tickets.useCounterCode(renewed.scanToken, issued!.code, renewed.actor))
    t.match(
      await w.tickets.status(renewed.created.ticketId, renewed.ticket.browserHash),
      { failure: null },
      'failing leads to the counter, and the counter leads on'
    )
    granted(await confirm(w, renewed))
    t.same(
      (await consume(w, renewed))?.proofs.map((proof) => proof.kind),
      ['scan', 'counter']
    )
  })

  await t.test('a verdict belongs to its ticket, person and purpose', async (t) => {
    await sql`delete from face_check`.execute(w.services.db)
    const first = await scanned(w, { requires: ['face'] })
    const second = await scanned(w, { requires: ['face'], purpose: 'recover', subjectRef: 'x' })
    sandbox.script(['pass', 'pass'])
    const { begun } = granted(await w.tickets.beginFace(first.scanToken, { consent }, first.actor))
    t.equal(codeOf(await w.tickets.faceVerdict(second.scanToken, begun.checkId, second.actor)), 'not_found')
    t.match(await w.tickets.faceVerdict(first.scanToken, begun.checkId, first.actor), { status: 'passed' })
    await sql`update scan_ticket set proof = 'face', face_check_id = ${begun.checkId}
      where id = ${second.created.ticketId}`.execute(w.services.db)
    t.equal(codeOf(await confirm(w, second)), 'face_required', 'not even with a forged row')
    granted(await confirm(w, first))
  })

  await t.test('a verdict is good for five minutes', async (t) => {
    const held = await ready(w, { requires: ['face'] })
    await sql`update face_check set expires_at = now() - interval '1 second'
      where scan_ticket_id = ${held.created.ticketId}`.execute(w.services.db)
    t.same(granted(await w.tickets.view(held.scanToken, held.actor)).view.remaining, ['face'])
    t.equal(codeOf(await confirm(w, held)), 'face_required')
    sandbox.script(['pass'])
    t.match(await faceOnce(w, held), { status: 'passed' }, 'a new one may be made')
    granted(await confirm(w, held))
  })

  await t.test('twenty confirmations use one verdict once', async (t) => {
    const held = await ready(w, { requires: ['face'] })
    const results = await times(20, async () => await confirm(w, held))
    // a repetition by the same phone hears that it is done
    t.equal(results.filter((result) => result.ok && result.again !== true).length, 1)
    t.equal(await events(w, 'scan-ticket.confirmed', held.created.ticketId), 1)
  })
})

await eachDatabase(t, 'counter code instead of a face', async (t, database) => {
  const w = await world(database, sandbox)

  await t.test('first login: as well known as by a face, and asked no more', async (t) => {
    const held = await scanned(w, {}, await app(w))
    await giveIdentity(w, held)
    const issued = await write(w.services, issueCounterCode, {
      personId: w.personId,
      issuedBy: 'staff:1',
      reason: 'no_consent'
    })
    t.equal(
      codeOf(
        await w.tickets.useCounterCode(
          held.scanToken,
          issued!.code === '00000000' ? '00000001' : '00000000',
          held.actor
        )
      ),
      'code_invalid'
    )
    const { view } = granted(
      await w.tickets.useCounterCode(
        held.scanToken,
        `${issued!.code.slice(0, 4)} ${issued!.code.slice(4)}`,
        held.actor
      )
    )
    t.same(view.remaining, [])
    t.equal(codeOf(await w.tickets.useCounterCode(held.scanToken, issued!.code, held.actor)), 'wrong_state', 'once')
    granted(await confirm(w, held))
    const row = await personRow(w, w.personId)
    t.match(
      row,
      { assuranceLevel: 3, faceVerifiedAt: null, identityVerifiedAt: Date },
      'no face was verified, and none is claimed'
    )
    const { proofs } = (await consume(w, held))!
    t.same(
      proofs.map((proof) => proof.kind),
      ['scan', 'identity', 'counter']
    )
    const facts = {
      facePolicy: 'first-login' as const,
      requestedLevel: 1 as const,
      person: {
        id: w.personId,
        enabled: true,
        assuranceLevel: 3 as const,
        faceVerified: row.faceVerifiedAt !== null || row.assuranceLevel >= 3
      },
      session: null,
      representationChosen: false,
      representation: { state: 'resolved' as const, representation: self },
      consentDue: false
    }
    const password = { kind: 'password' as const, personId: w.personId, at: 1 }
    t.match(
      nextStep({ ...facts, proofs: [password] }),
      { step: 'finish', outcome: { level: 2 } },
      'the next login asks for no face'
    )
    t.match(nextStep({ ...facts, proofs: [password, ...proofs] }), { step: 'finish', outcome: { level: 3 } })
  })

  await t.test('of another person', async (t) => {
    const other = await person(w.services, pema)
    const held = await scanned(w, { requires: ['face'] })
    const issued = await write(w.services, issueCounterCode, {
      personId: other.id,
      issuedBy: 'staff:1',
      reason: 'no_consent'
    })
    t.equal(codeOf(await w.tickets.useCounterCode(held.scanToken, issued!.code, held.actor)), 'code_invalid')
  })

  await t.test('not where no face is asked', async (t) => {
    const held = await scanned(w, { requires: [] }, await app(w, w.personId))
    t.equal(codeOf(await w.tickets.useCounterCode(held.scanToken, '12345678', held.actor)), 'wrong_state')
  })
})

await eachDatabase(t, "binding a phone's browser", async (t, database) => {
  const w = await world(database, sandbox)
  const held = await ready(w)
  t.equal(await w.tickets.bindBrowser(held.scanToken, held.actor, 'Safari'), null, 'not before the confirmation')
  granted(await confirm(w, held))
  const bound = await times(5, async () => await w.tickets.bindBrowser(held.scanToken, held.actor, 'Safari'))
  t.equal(bound.filter((one) => one !== null).length, 1, 'once')
  const secret = bound.find((one) => one !== null)!.secret
  const device = await deviceBySecret(w.services.db, secret)
  t.match(device, { kind: 'web', personId: w.personId, label: 'Safari' })
  t.equal((await w.services.db.selectFrom('device').select('id').execute()).length, 1, 'and no other row stays behind')
  const actor = phone({ id: device!.id, kind: 'web', personId: w.personId, ownerBarred: false })
  t.match(
    await w.tickets.view(held.scanToken, actor),
    { ok: true, view: { state: 'confirmed' } },
    'the same phone goes on with its new name'
  )

  const plain = await scanned(w, { requires: [] }, actor)
  granted(await confirm(w, plain))
  t.equal(await w.tickets.bindBrowser(plain.scanToken, phone(), 'Safari'), null, 'a phone that showed no face')
})

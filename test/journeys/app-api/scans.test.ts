import t, { type Test } from 'tap'
import { sql } from 'kysely'
import { inTransaction, write } from '../../../src/database/transaction.ts'
import { testDatabase } from '../../support/database.ts'
import { issueCounterCode } from '../../../src/records/counter-codes/index.ts'
import type { FaceSandbox } from '../../../src/simulators/face-provider/index.ts'
import {
  consent,
  loginTicket,
  pema,
  person,
  sandboxOf,
  world,
  zhaxi,
  type World
} from '../../records/scan-tickets/support.ts'
import type { CreatedTicket, NewTicket } from '../../../src/records/scan-tickets/index.ts'
import { Phone, serve, type Answer } from './support.ts'

const scans = '/app/v1/scans'
const identity = {
  cert_type: 'resident_id',
  name: zhaxi.name,
  cert_no: zhaxi.certNo,
  valid_from: '2018-05-01',
  term: '20',
  consent
}

interface Here {
  world: World
  base: string
  phone: Phone
}

async function here (t: Test, sandbox: FaceSandbox): Promise<Here> {
  const made = await world(await testDatabase(t), sandbox)
  const base = await serve(t, made)
  const phone = await Phone.make(base, made)
  await phone.ask('/app/v1/devices', { body: { label: 'phone' } })
  return { world: made, base, phone }
}

async function scan (
  { world, phone }: Here,
  extra: Partial<NewTicket> = {}
): Promise<{ ticket: NewTicket; created: CreatedTicket; answer: Answer; token: string; digest: string }> {
  const ticket = loginTicket(world, extra)
  const created = await world.tickets.create(ticket)
  const answer = await phone.ask(scans, { body: { payload: created.payloadUrl } })
  return { ticket, created, answer, token: answer.body.scan_token, digest: answer.body.context_digest }
}

const bind = async ({ world, phone }: Here, personId: string | null = world.personId): Promise<void> => {
  await sql`update device set person_id = ${personId}, bound_at = now() - interval '1 day'
    where key_thumbprint = ${await phone.thumbprint()}`.execute(world.services.db)
}

t.test("the app's way from the scan to the confirmation", async (t) => {
  const sandbox = await sandboxOf(t)

  await t.test('first login: who asks, identity, face, confirmed; the device is bound by it', async (t) => {
    const door = await here(t, sandbox)
    const { phone } = door
    const { ticket, created, answer, token, digest } = await scan(door)
    t.match(answer, {
      status: 201,
      body: {
        scan_id: created.ticketId,
        scan_token: /^[\w-]{43}$/,
        purpose: 'login',
        state: 'scanned',
        context: {
          client_name: '西藏税务',
          client_host: 'tax.example',
          place: '局域网',
          browser: 'Windows · Chrome',
          at: /^2026-02-03T/
        },
        requires: ['identity', 'face'],
        check_number: { mode: 'compare', number: created.checkNumber },
        accepted: false,
        face_tries: { attempt: 3, day: 5 }
      }
    })
    t.ok(answer.body.expires_in > 500 && answer.body.expires_in <= 600)
    t.equal(answer.headers.get('cache-control'), 'no-store')
    t.notMatch(JSON.stringify(answer.body), new RegExp(zhaxi.name), 'masked')
    t.match(await phone.ask(`${scans}/current`, { scanToken: token }), {
      status: 200,
      body: { scan_id: created.ticketId, requires: ['identity', 'face'] }
    })
    t.match(await phone.ask(`${scans}/accept`, { scanToken: token, body: { context_digest: digest } }), {
      status: 200,
      body: { accepted: true }
    })
    t.match(await phone.ask(`${scans}/confirm`, { scanToken: token, body: { context_digest: digest } }), {
      status: 409,
      body: { code: 'wrong_state' }
    })
    t.match(await phone.ask(`${scans}/identity`, { scanToken: token, body: identity }), {
      status: 200,
      body: { requires: ['face'], state: 'identity' }
    })
    sandbox.script(['pass'])
    const begun = await phone.ask(`${scans}/face`, { scanToken: token, body: { consent } })
    t.match(begun, {
      status: 201,
      body: { check_id: /^[0-9a-f]{32}$/, method: 'redirect', url: /^http/, tries_left: 3, expires_at: /Z$/ }
    })
    t.match(
      await phone.ask(`${scans}/face/verdict`, {
        scanToken: token,
        body: { check_id: begun.body.check_id, status: 'passed', score: 0.99 }
      }),
      { status: 400, body: { code: 'unknown_members' } },
      'the app has no say in it'
    )
    t.match(await phone.ask(`${scans}/face/verdict`, { scanToken: token, body: { check_id: begun.body.check_id } }), {
      status: 200,
      body: { status: 'passed' }
    })
    t.same((await phone.ask(`${scans}/confirm`, { scanToken: token, body: { context_digest: digest } })).body, {
      state: 'confirmed'
    })
    const given = await inTransaction(door.world.services.db, async (trx) =>
      await door.world.tickets.consume(trx, created.ticketId, {
        browserHash: ticket.browserHash,
        loginAttemptUid: ticket.loginAttemptUid ?? '',
        purpose: 'login'
      }))
    t.match(given, {
      personId: door.world.personId,
      proofs: [{ kind: 'scan' }, { kind: 'identity' }, { kind: 'face' }]
    })
    t.match(await phone.ask('/app/v1/devices/me'), {
      status: 200,
      body: { bound: true, person: { masked_name: '****西', masked_cert_no: /^5\*+5$/ } }
    })
    t.match(await phone.ask('/app/v1/devices/me', { method: 'DELETE' }), { status: 204 })
    t.match(
      await phone.ask(scans, { body: { payload: created.payloadUrl } }),
      { status: 401, body: { code: 'device_unknown' } },
      'revoked, so out at once'
    )
  })

  await t.test('scan login: the bound device says who it is, whatever the body says', async (t) => {
    const door = await here(t, sandbox)
    const other = await person(door.world.services, { ...pema, phone: '+8613989000002' })
    const nobody: Partial<NewTicket> = { requires: [], numberEntry: true }
    const withoutPerson = async (): Promise<CreatedTicket> => {
      const { expectedPersonId, ...ticket } = loginTicket(door.world, nobody)
      t.equal(expectedPersonId, door.world.personId)
      return await door.world.tickets.create(ticket)
    }
    const unbound = await withoutPerson()
    t.match(
      await door.phone.ask(scans, { body: { payload: unbound.payloadUrl, person_id: other.id } }),
      { status: 400, body: { code: 'unknown_members' } },
      'S23: nobody says who the person is'
    )
    t.match(await door.phone.ask(scans, { body: { payload: unbound.payloadUrl } }), {
      status: 403,
      body: { code: 'device_not_bound', title: /绑定/ }
    })
    await bind(door)
    const created = await withoutPerson()
    const { body, status } = await door.phone.ask(scans, {
      body: { payload: created.payloadUrl }
    })
    t.match([status, body], [201, { requires: [], check_number: { mode: 'enter' } }])
    t.notOk('number' in body.check_number, 'the number is typed, so it is not told')
    const scanToken = body.scan_token
    const digest = body.context_digest
    const wrong = created.checkNumber === '10' ? '11' : '10'
    t.match(
      await door.phone.ask(`${scans}/accept`, { scanToken, body: { context_digest: digest, check_number: wrong } }),
      { status: 422, body: { code: 'number_mismatch' } }
    )
    t.match(
      await door.phone.ask(`${scans}/accept`, {
        scanToken,
        body: { context_digest: 'x'.repeat(43), check_number: created.checkNumber }
      }),
      { status: 409, body: { code: 'digest_mismatch' } }
    )
    t.match(
      await door.phone.ask(`${scans}/confirm`, {
        scanToken,
        body: { context_digest: digest, check_number: created.checkNumber }
      }),
      { status: 200 }
    )
    const row = await door.world.services.db
      .selectFrom('scanTicket')
      .selectAll()
      .where('id', '=', created.ticketId)
      .executeTakeFirstOrThrow()
    t.match(row, { state: 'confirmed', personId: door.world.personId })
  })

  await t.test('a counter code in place of the face', async (t) => {
    const door = await here(t, sandbox)
    const { services, personId } = door.world
    const { token, digest } = await scan(door, { requires: ['face'] })
    t.match(await door.phone.ask(`${scans}/counter-code`, { scanToken: token, body: { code: '0000 0000' } }), {
      status: 422,
      body: { code: 'code_invalid' }
    })
    const issued = await write(services, issueCounterCode, { personId, issuedBy: 'staff:s1', reason: 'no_camera' })
    t.match(await door.phone.ask(`${scans}/counter-code`, { scanToken: token, body: { code: issued?.code } }), {
      status: 200,
      body: { requires: [] }
    })
    t.match(await door.phone.ask(`${scans}/confirm`, { scanToken: token, body: { context_digest: digest } }), {
      status: 200
    })
  })

  await t.test('rejected', async (t) => {
    const door = await here(t, sandbox)
    const { ticket, created, token, digest } = await scan(door)
    t.same((await door.phone.ask(`${scans}/reject`, { method: 'POST', scanToken: token })).body, { state: 'rejected' })
    t.match(
      await door.phone.ask(`${scans}/reject`, { method: 'POST', scanToken: token, raw: '' }),
      { status: 409 },
      'twice'
    )
    t.match(await door.phone.ask(`${scans}/confirm`, { scanToken: token, body: { context_digest: digest } }), {
      status: 409,
      body: { code: 'wrong_state' }
    })
    t.match(await door.world.tickets.status(created.ticketId, ticket.browserHash), {
      state: 'rejected',
      failure: 'declined'
    })
  })
})

t.test('what is refused', async (t) => {
  const sandbox = await sandboxOf(t)
  const door = await here(t, sandbox)
  const { phone, world } = door

  await t.test('a scan token works with the device that got it', async (t) => {
    const { token, created } = await scan(door)
    const thief = await Phone.make(door.base, world)
    await thief.ask('/app/v1/devices', { body: { label: 'other' } })
    t.match(await thief.ask(`${scans}/current`, { scanToken: token }), { status: 404, body: { code: 'not_found' } })
    t.match(await thief.ask(scans, { body: { payload: created.payloadUrl } }), {
      status: 409,
      body: { code: 'already_scanned' }
    })
    for (const scanToken of ['', 'x', 'x'.repeat(43), `${token}x`]) {
      t.match(
        await phone.ask(`${scans}/current`, { scanToken }),
        { status: 404, body: { code: 'not_found' } },
        `token "${scanToken.slice(0, 5)}…"`
      )
    }
    t.match(await phone.ask(`${scans}/current`), { status: 404, body: { code: 'not_found' } }, 'no token')
  })

  await t.test('wrong person, too late, unknown code', async (t) => {
    const other = await person(world.services, { ...pema, phone: '+8613989000003' })
    await bind(door, other.id)
    const { answer } = await scan(door)
    t.match(answer, { status: 403, body: { code: 'wrong_person', title: '需要本人扫码' } })
    await bind(door, null)
    const late = await world.tickets.create(loginTicket(world))
    await sql`update scan_ticket set expires_at = now() - interval '1 second' where id = ${late.ticketId}`.execute(
      world.services.db
    )
    t.match(await phone.ask(scans, { body: { payload: late.payloadUrl } }), { status: 410, body: { code: 'expired' } })
    t.match(await phone.ask(scans, { body: { payload: 'https://evil.example/q/abc' } }), {
      status: 404,
      body: { code: 'not_found' }
    })
    t.match(await phone.ask(scans, { body: { payload: 'A\u0000B' } }), { status: 404, body: { code: 'not_found' } })
    for (let n = 0; n < 20; n++) {
      await phone.ask(scans, { body: { payload: Buffer.alloc(21, n + 1).toString('base64url') } })
    }
    const throttled = await phone.ask(scans, { body: { payload: Buffer.alloc(21, 99).toString('base64url') } })
    t.match(throttled, { status: 429, body: { code: 'too_many_requests' } })
    t.ok(Number(throttled.headers.get('retry-after')) > 0)
    await world.services.db.deleteFrom('throttle').execute()
  })

  await t.test('too many wrong numbers end the ticket', async (t) => {
    const { token, digest, created } = await scan(door, { numberEntry: true })
    const wrong = created.checkNumber === '10' ? '11' : '10'
    const codes = []
    for (let n = 0; n < 4; n++) {
      codes.push(
        (
          await phone.ask(`${scans}/accept`, {
            scanToken: token,
            body: { context_digest: digest, check_number: wrong }
          })
        ).body.code
      )
    }
    t.same(codes, ['number_mismatch', 'number_mismatch', 'number_exhausted', 'number_exhausted'])
  })

  await t.test('identity: every field at once, in names of the outside', async (t) => {
    const { token } = await scan(door)
    const answer = await phone.ask(`${scans}/identity`, {
      scanToken: token,
      body: { ...identity, name: '', cert_no: '540102199003072516', valid_from: '2018-02-30', term: '7' },
      headers: { 'accept-language': 'en' }
    })
    t.match(answer, { status: 422, body: { code: 'invalid_fields', status: 422 } })
    t.same(answer.body.faults.map(({ field, code }: { field: string; code: string }) => `${field}.${code}`).sort(), [
      'cert_no.check',
      'name.empty',
      'term.term',
      'valid_from.date'
    ])
    t.notMatch(answer.body.title, /[\u4e00-\u9fff]/, 'title in the language of Accept-Language')
    t.match(
      await phone.ask(`${scans}/identity`, {
        scanToken: token,
        body: { ...identity, consent: { given: false, version: consent.version } }
      }),
      { status: 422, body: { code: 'consent_required' } }
    )
    t.match(await phone.ask(`${scans}/identity`, { scanToken: token, body: { ...identity, name: '次仁' } }), {
      status: 422,
      body: { code: 'identity_mismatch' }
    })
    world.register.answer = 'unavailable'
    t.match(await phone.ask(`${scans}/identity`, { scanToken: token, body: identity }), {
      status: 503,
      body: { code: 'register_unavailable' }
    })
    world.register.answer = 'match'
    for (let n = 0; n < 4; n++) {
      await phone.ask(`${scans}/identity`, { scanToken: token, body: { ...identity, name: '次仁' } })
    }
    t.match(await phone.ask(`${scans}/identity`, { scanToken: token, body: identity }), {
      status: 403,
      body: { code: 'identity_exhausted' }
    })
    await world.services.db.deleteFrom('throttle').execute()
  })

  await t.test('face: verdicts come from the provider alone', async (t) => {
    const { token, digest } = await scan(door, { requires: ['face'] })
    const face = `${scans}/face`
    t.match(await phone.ask(face, { scanToken: token, body: { consent: { given: true, version: 'old' } } }), {
      status: 422,
      body: { code: 'consent_required' }
    })
    for (const url of [
      'https://evil.example/',
      'javascript:alert(1)',
      'data:text/html,x',
      'cn.gov.app:/face',
      'http://localhost:3000.evil.example/'
    ]) {
      t.match(
        await phone.ask(face, { scanToken: token, body: { consent, return_url: url } }),
        { status: 422, body: { faults: [{ field: 'return_url' }] } },
        url
      )
    }
    sandbox.outage('down')
    t.match(await phone.ask(face, { scanToken: token, body: { consent } }), {
      status: 503,
      body: { code: 'face_unavailable' }
    })
    sandbox.outage(null)
    const begun = await phone.ask(face, {
      scanToken: token,
      body: { consent, return_url: 'http://localhost:3000/app/done', client_meta: 'x' }
    })
    t.equal(begun.status, 201)
    const verdict = async (check: string): Promise<Answer> =>
      await phone.ask(`${face}/verdict`, { scanToken: token, body: { check_id: check } })
    t.same((await verdict(begun.body.check_id)).body, { status: 'pending' })
    t.match(await verdict('f'.repeat(32)), { status: 404, body: { code: 'not_found' } })
    t.match(await verdict('a\u0000b'), {
      status: 422,
      body: { code: 'invalid_fields', faults: [{ field: 'check_id', code: 'invalid' }] }
    })
    t.match(await phone.ask(`${scans}/confirm`, { scanToken: token, body: { context_digest: digest } }), {
      status: 409,
      body: { code: 'face_required' }
    })
    await sandbox.settled()
    for (const [n, left] of [
      [0, 2],
      [1, 1],
      [2, 0]
    ] as const) {
      if (n > 0) sandbox.script(['mismatch'])
      const next = n === 0 ? begun : await phone.ask(face, { scanToken: token, body: { consent } })
      if (n === 0) {
        await fetch(begun.body.url, {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: 'outcome=mismatch',
          redirect: 'manual'
        })
      }
      t.match((await verdict(next.body.check_id)).body, {
        status: 'failed',
        reason: 'NOT_SAME_PERSON',
        tries_left: { attempt: left },
        offer_alternative: true
      })
    }
    t.match(await phone.ask(face, { scanToken: token, body: { consent } }), {
      status: 403,
      body: { code: 'face_exhausted' }
    })
  })
})

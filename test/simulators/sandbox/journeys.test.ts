import t from 'tap'
import { startKora } from '../../support/driver/index.ts'
import type { Transcript } from '../../support/driver/sandbox.ts'
import { openDesk, outline } from './support.ts'

const kora = await startKora(t)
const desk = openDesk(kora)
type Outcome = Transcript & { journey: string; refusal: { step: string; status: number; code: string } | null }
const run = async (input: Record<string, unknown>): Promise<Outcome> => (await kora.sandbox.journey(input)) as Outcome

t.test('first login: everything is asked for, and given by one call', async (t) => {
  const ticket = await desk.show('zhaxi')
  const done = await run({ payload: ticket.payloadUrl, person: 'zhaxi' })
  t.equal(done.outcome, 'confirmed')
  t.equal(done.refusal, null)
  t.same(outline(done), [
    'device 201',
    'scan 201',
    'accept 200',
    'identity 200',
    'face 201',
    'camera 200',
    'face/verdict 200',
    'view 200',
    'confirm 200'
  ])
  t.equal(await ticket.state(), 'confirmed')
  t.notMatch(JSON.stringify(done), /eyJ[\w-]*\./, 'no proof in the transcript')
  t.match(done.steps[1]?.response['scan_token'], '…')
  t.equal(
    (done.steps[2]?.request as { body: { check_number: string } }).body.check_number,
    ticket.checkNumber,
    'read from the other screen'
  )

  const { person } = (
    await run({ payload: (await desk.show('zhaxi')).payloadUrl, person: 'zhaxi', stop_after: 'device' })
  ).steps[0]?.response as { person: object }
  t.match(person, { masked_name: '***珠' }, 'the phone belongs to the person now')
})

t.test('a bound phone logs in without a password, compared number, bare code', async (t) => {
  const ticket = await desk.show(null, { requires: [], numberEntry: false })
  const done = await run({ payload: ticket.payloadUrl.slice(-28), person: '13800138000' })
  t.equal(done.outcome, 'confirmed')
  t.same(outline(done), ['device 200', 'scan 201', 'accept 200', 'confirm 200'])
})

t.test('who is meant: handle, id, number, phone; nobody else', async (t) => {
  const { person_id: id, cert_no: certNo } = await kora.sandbox.account('zhaxi')
  for (const person of ['zhaxi', id, certNo, '+86 138 0013 8000']) {
    t.equal((await run({ payload: 'nothing', person, stop_after: 'device' })).outcome, 'stopped', person.slice(0, 4))
  }
  const { status, body } = await kora.sandbox.call<{ code: string }>('POST', '/phone/journeys', {
    payload: 'x',
    person: 'nobody'
  })
  t.same([status, body.code], [404, 'unknown_person'])
  const other = await kora.sandbox.call<{ code: string }>('POST', '/phone/journeys', {
    payload: 'x',
    person: 'zhaxi',
    device: 'nobody'
  })
  t.same([other.status, other.body.code], [404, 'unknown_device'])
})

t.test('identity outcomes', async (t) => {
  const codes: Record<string, string> = {
    wrong_name: 'identity_mismatch',
    wrong_number: 'identity_mismatch',
    expired_card: 'invalid_fields',
    no_consent: 'consent_required'
  }
  for (const [outcome, code] of Object.entries(codes)) {
    const done = await run({
      payload: (await desk.show('yangjin')).payloadUrl,
      person: 'yangjin',
      identity: { outcome }
    })
    t.same([done.outcome, done.refusal?.step, done.refusal?.code], ['refused', 'identity', code], outcome)
    if (outcome === 'expired_card') t.match(done.steps.at(-1)?.response['faults'], [{ code: 'expired' }])
  }
  const typed = await run({
    payload: (await desk.show('yangjin')).payloadUrl,
    person: 'yangjin',
    identity: { fields: { valid_from: '2023-02-30' } }
  })
  t.match(typed.steps.at(-1)?.response['faults'], [{ field: 'valid_from' }], "a field of one's own")
})

t.test('face outcomes', async (t) => {
  const face = async (outcome: unknown, handle: string): Promise<Outcome> =>
    await run({ payload: (await desk.show(handle, { requires: ['face'] })).payloadUrl, person: handle, face: outcome })
  const reasons: Array<[string, string, string]> = [
    ['mismatch', 'NOT_SAME_PERSON', 'zhuoma'],
    ['liveness', 'LIVENESS_RISK', 'zhuoma'],
    ['quality', 'BAD_CAPTURE', 'zhuoma'],
    ['down', 'face_unavailable', 'laoren'],
    ['garbage', 'face_unavailable', 'laoren']
  ]
  for (const [outcome, code, handle] of reasons) {
    const done = await face(outcome, handle)
    t.same([done.outcome, done.refusal?.step, done.refusal?.code], ['refused', 'face', code], outcome)
  }
  const again = await face(['mismatch', 'garbage', 'pass'], 'xuesheng')
  t.equal(again.outcome, 'confirmed', 'successive tries; a fault of the provider is none')
  t.same(outline(again).filter((step) => step.startsWith('camera')).length, 3)
  const exhausted = await face(['mismatch', 'mismatch', 'mismatch', 'pass'], 'ronghe')
  t.same([exhausted.outcome, exhausted.refusal?.code], ['refused', 'face_exhausted'])
})

t.test('a counter code instead of the face check', async (t) => {
  const {
    body: { code }
  } = await kora.sandbox.call<{ code: string }>('POST', '/counter-codes', { person: 'ronghe' })
  const ticket = await desk.show('ronghe', { requires: ['face'] })
  const done = await run({ payload: ticket.payloadUrl, person: 'ronghe', counter_code: code })
  t.equal(done.outcome, 'confirmed')
  t.same(outline(done), ['device 200', 'scan 201', 'accept 200', 'counter-code 200', 'confirm 200'])
  const wrong = await run({
    payload: (await desk.show('ronghe', { requires: ['face'] })).payloadUrl,
    person: 'ronghe',
    counter_code: '00000000'
  })
  t.same([wrong.outcome, wrong.refusal?.code], ['refused', 'code_invalid'])
})

t.test("declined; wrong number; somebody else's phone; a new phone", async (t) => {
  const declined = await desk.show('zhaxi', { requires: [] })
  const no = await run({ payload: declined.payloadUrl, person: 'zhaxi', decision: 'reject' })
  t.same([no.outcome, outline(no).at(-1), await declined.state()], ['rejected', 'reject 200', 'rejected'])

  const ticket = await desk.show('zhaxi', { requires: [] })
  const wrong = await run({
    payload: ticket.payloadUrl,
    person: 'zhaxi',
    check_number: ticket.checkNumber === '10' ? '11' : '10'
  })
  t.same([wrong.outcome, wrong.refusal], ['refused', { step: 'accept', status: 422, code: 'number_mismatch' }])

  const foreign = await run({
    payload: (await desk.show('laoren', { requires: [] })).payloadUrl,
    person: 'laoren',
    device: 'zhaxi'
  })
  t.same([foreign.outcome, foreign.refusal?.code], ['refused', 'wrong_person'])

  const fresh = await run({
    payload: (await desk.show('zhaxi', { requires: [] })).payloadUrl,
    person: 'zhaxi',
    device: 'new'
  })
  t.equal(fresh.outcome, 'confirmed')
  t.ok(
    outline(fresh).includes('device 201') && outline(fresh).includes('face 201'),
    'a new phone proves nobody until a face check'
  )
})

t.test('single steps', async (t) => {
  const ticket = await desk.show('laoren')
  const step = async (name: string, body: object): Promise<Outcome & { view: { requires: string[] } | null }> =>
    (await kora.sandbox.call<Outcome & { view: { requires: string[] } | null }>('POST', `/phone/${name}`, body)).body
  const scanned = await step('scan', { payload: ticket.payloadUrl, person: 'laoren' })
  t.same([scanned.outcome, scanned.view?.requires], ['open', ['identity', 'face']])
  const { journey } = scanned
  t.match(
    await step('confirm', { journey }),
    { outcome: 'refused', refusal: { step: 'confirm' } },
    'not before its time'
  )
  t.match(await step('accept', { journey }), { outcome: 'open', refusal: null })
  t.match(await step('identity', { journey, identity: { outcome: 'wrong_name' } }), {
    outcome: 'refused',
    refusal: { code: 'identity_mismatch' }
  })
  t.match(
    await step('identity', { journey }),
    { outcome: 'open', view: { requires: ['face'] } },
    'and once more, right'
  )
  const looked = await step('face', { journey, face: ['quality', 'pass'] })
  t.match(looked, { outcome: 'open', view: { requires: [] } })
  t.same(outline(looked).length, 8, 'only the calls of this step')
  t.match(await step('confirm', { journey }), { outcome: 'confirmed', refusal: null })
  t.equal(await ticket.state(), 'confirmed')
  t.match(await step('accept', { journey: 'A'.repeat(22) }), { status: 404, code: 'unknown_journey' })

  const later = await run({
    payload: (await desk.show('laoren', { requires: [] })).payloadUrl,
    person: 'laoren',
    stop_after: 'accept'
  })
  t.equal(later.outcome, 'stopped')
  t.match(await step('reject', { journey: later.journey }), { outcome: 'rejected' }, 'a stopped journey goes on')
})

t.test('keys survive a restart, encrypted; a revoked one is replaced', async (t) => {
  const { db } = kora.inside.services
  const rows = await db
    .selectFrom('serverSecret')
    .select(['name', 'valueEnc'])
    .where('name', 'like', 'sandbox.phone.%')
    .execute()
  t.ok(rows.some(({ name }) => name === 'sandbox.phone.zhaxi'))
  for (const { valueEnc } of rows) t.match(valueEnc, /^1\.A256GCM\./)
  const { createPhoneKeys } = await import('../../../src/simulators/phone/keys.ts')
  const [one, two] = await Promise.all([
    createPhoneKeys(kora.inside.services).of('zhaxi'),
    createPhoneKeys(kora.inside.services).of('zhaxi')
  ])
  t.same(one.publicJwk, two.publicJwk, 'another process has the same phone')

  await db.updateTable('device').set({ revokedAt: new Date() }).where('label', 'like', '%laoren').execute()
  const done = await run({ payload: 'x', person: 'laoren', stop_after: 'device' })
  t.same([done.outcome, outline(done)], ['stopped', ['device 403', 'device 201']])
})

import t from 'tap'
import { SmsRefused, SmsUnavailable, type SmsMessage } from '../../../src/ports/sms.ts'
import { createSmsSandbox } from '../../../src/simulators/sms/index.ts'

const to = (phone: string, n: number): SmsMessage => ({
  phone,
  template: 'verification-code',
  parameters: { code: String(n).padStart(6, '0') },
  messageId: `m${n}`
})

t.test('keeps what was sent, newest first, each once, not for ever', async (t) => {
  let now = 1000
  const sms = createSmsSandbox({ limit: 3, now: () => now++ })
  await sms.send(to('+8613800138000', 1))
  await sms.send(to('+8613900139000', 2))
  await sms.send(to('+8613800138000', 3))
  await sms.send(to('+8613800138000', 3))
  t.same(
    sms.messages('+8613800138000').map((message) => [message.messageId, message.at]),
    [
      ['m3', 1002],
      ['m1', 1000]
    ]
  )
  t.equal(sms.messages().length, 3)
  t.equal(sms.lastCode('+8613800138000'), '000003')
  t.equal(sms.lastCode('+8613700137000'), null)
  await sms.send({ ...to('+8613800138000', 4), template: 'notice', parameters: {} })
  t.equal(sms.lastCode('+8613800138000'), '000003', 'a notice has none')
  t.same(
    sms.messages().map((message) => message.messageId),
    ['m4', 'm3', 'm2']
  )
  sms.clear()
  t.same(sms.messages(), [])
})

t.test('scripted faults', async (t) => {
  const sms = createSmsSandbox()
  sms.script(['unavailable', null, 'refused'])
  await t.rejects(sms.send(to('+8613800138000', 1)), SmsUnavailable)
  await sms.send(to('+8613800138000', 1))
  await t.rejects(sms.send(to('+8613800138000', 2)), SmsRefused)
  await sms.send(to('+8613800138000', 3))
  t.equal(sms.messages().length, 2)
})

t.test('never in production', async (t) => {
  const before = process.env['NODE_ENV']
  process.env['NODE_ENV'] = 'production'
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = before
  })
  t.throws(() => createSmsSandbox(), /never runs in production/)
})

import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import { createSmsHttpSender } from '../../../src/adapters/sms-http/index.ts'
import { SmsRefused, SmsUnavailable, type SmsMessage } from '../../../src/ports/sms.ts'
import { signAnswer } from '../../../src/simulators/face-provider/signature.ts'
import { createRequestVerifier } from '../../../src/simulators/face-provider/signature.ts'
import { failure, hmacKey, rogue } from '../face-http/support.ts'

const message: SmsMessage = {
  phone: '+8613800138000',
  template: 'verification-code',
  parameters: { code: '048151', minutes: '5' },
  messageId: 'm-1'
}
const answer = (
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string,
  service = 'sms'
): void => {
  const requestSignature = String(request.headers['signature']).slice(5, -1)
  response.writeHead(status, {
    'content-type': 'application/json',
    ...signAnswer(hmacKey, { answer: { status, body, requestSignature }, now: Date.now(), service })
  })
  response.end(body)
}

t.test('sent once, signed, with nothing in the address', async (t) => {
  const provider = await rogue(t, (request, response) => {
    answer(request, response, 202, '{"messageId":"m-1"}')
  })
  await createSmsHttpSender({ url: `${provider.baseUrl}/gateway`, ...hmacKey }).send(message)
  const [request] = provider.requests
  t.match(request, { method: 'POST', url: '/gateway/v1/messages' })
  t.same(JSON.parse(request!.body), message)
  t.match(
    createRequestVerifier(
      [hmacKey],
      Date.now,
      'sms'
    )({ method: 'POST', path: request!.url, headers: request!.headers, body: Buffer.from(request!.body) }),
    { ok: true }
  )
  t.equal(provider.requests.length, 1)
})

t.test('what is left: told, or not known', async (t) => {
  const provider = await rogue(t, (request, response) => {
    answer(request, response, 200, '{"remaining":8210,"alarmBelow":1000}')
  })
  const sender = createSmsHttpSender({ url: `${provider.baseUrl}/gateway`, ...hmacKey, timeoutMs: 300 })
  t.same(await sender.balance?.(), { remaining: 8210, alarmBelow: 1000 })
  t.match(provider.requests[0], { method: 'GET', url: '/gateway/v1/balance' })
  const odd: Array<typeof provider.answer> = [
    (request, response) => {
      answer(request, response, 404, '{}')
    },
    (request, response) => {
      answer(request, response, 200, '{"remaining":-1,"alarmBelow":1000}')
    },
    (request, response) => {
      answer(request, response, 200, '{"remaining":"8210"}')
    },
    (request, response) => {
      answer(request, response, 200, '[]')
    },
    (_request, response) => {
      response.writeHead(200).end('{"remaining":8210,"alarmBelow":1000}')
    },
    () => {}
  ]
  for (const [at, behave] of odd.entries()) {
    provider.answer = behave
    t.equal(await sender.balance?.(), null, String(at))
  }
})

t.test('R12: a repetition that the provider has is sent; what kind of failure it was', async (t) => {
  const provider = await rogue(t, (request, response) => {
    answer(request, response, 409, '{"code":"DUPLICATE"}')
  })
  const sender = createSmsHttpSender({
    url: provider.baseUrl,
    ...hmacKey,
    timeoutMs: 300,
    breaker: { failures: 5, halfOpenAfterMs: 60_000 }
  })
  await sender.send(message)
  const behaviours: Array<[string, typeof provider.answer]> = [
    ['untrusted', (_request, response) => response.writeHead(202).end('{"messageId":"m-1"}')],
    ['untrusted', (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1/' }).end()],
    ['untrusted', (request, response) => answer(request, response, 202, '{"messageId":"m-2"}')],
    ['outage', (request, response) => answer(request, response, 401, '{"code":"UNKNOWN_KEY"}')],
    ['outage', (_request, response) => response.writeHead(503).end()],
    ['not_asked', () => {}]
  ]
  for (const [kind, behave] of behaviours) {
    provider.answer = behave
    t.match(await failure(sender.send(message)), { name: 'SmsUnavailable', kind })
  }
  t.equal(provider.requests.length, behaviours.length, 'an open breaker asks nobody')
})

t.test('what may be tried again, and what not', async (t) => {
  const provider = await rogue(t, () => {})
  const sender = createSmsHttpSender({ url: provider.baseUrl, ...hmacKey, timeoutMs: 300, breaker: { failures: 100 } })
  const cases: Array<[string, typeof SmsRefused | typeof SmsUnavailable, typeof provider.answer]> = [
    [
      'refused',
      SmsRefused,
      (request, response) => {
        answer(request, response, 422, '{"code":"INVALID_PHONE"}')
      }
    ],
    [
      'refused without a code',
      SmsRefused,
      (request, response) => {
        answer(request, response, 400, '')
      }
    ],
    [
      'keys do not fit',
      SmsUnavailable,
      (request, response) => {
        answer(request, response, 401, '{"code":"UNKNOWN_KEY"}')
      }
    ],
    [
      'too many',
      SmsUnavailable,
      (request, response) => {
        answer(request, response, 429, '{"code":"LIMIT"}')
      }
    ],
    [
      'broken',
      SmsUnavailable,
      (request, response) => {
        answer(request, response, 500, '{}')
      }
    ],
    [
      'another message accepted',
      SmsUnavailable,
      (request, response) => {
        answer(request, response, 202, '{"messageId":"m-2"}')
      }
    ],
    [
      'signed by another kind of vendor',
      SmsUnavailable,
      (request, response) => {
        answer(request, response, 202, '{"messageId":"m-1"}', 'face')
      }
    ],
    [
      'refusal not signed',
      SmsUnavailable,
      (_request, response) => {
        response.writeHead(422).end('{"code":"INVALID_PHONE"}')
      }
    ],
    ['silent', SmsUnavailable, () => {}],
    [
      'cut',
      SmsUnavailable,
      (_request, response) => {
        response.destroy()
      }
    ]
  ]
  for (const [name, kind, behave] of cases) {
    provider.answer = behave
    const error = await failure(sender.send(message))
    t.ok(error instanceof kind, `${name}: ${String(error)}`)
    t.notMatch(
      `${String(error)} ${String((error as Error).cause)} ${JSON.stringify(error)}`,
      /138001|048151|127\.0\.0\.1/,
      name
    )
  }
  t.match(
    await failure(
      createSmsHttpSender({ url: provider.baseUrl, ...hmacKey })
        .send(message)
        .catch((error: unknown) => {
          throw error
        })
    ),
    { name: 'SmsUnavailable' }
  )
  t.equal(provider.requests.length, cases.length + 1, 'never repeated by itself')
})

/**
 * The four providers of a deployment as one process of their own: the simulators, which speak the same contracts, with
 * the secrets that were given to them. Beside the contracts it has levers: /sent?phone= of the short messages.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import { createFaceSandbox, type SandboxKey } from '../../src/simulators/face-provider/index.ts'
import { createRequestVerifier, signAnswer } from '../../src/simulators/face-provider/signature.ts'
import { createCompanySandbox, createRegisterSandbox } from '../../src/simulators/registers/index.ts'
import { citizen, company } from './people.ts'

const [secrets = ''] = process.argv.slice(2)
const keysOf = (name: string): SandboxKey[] => {
  const secret = readFileSync(join(secrets, `${name}_secret`), 'utf8').trim()
  return [{ keyId: 'kora', algorithm: 'hmac-sha256', secret }]
}

const face = await createFaceSandbox({ keys: keysOf('face') })
const population = await createRegisterSandbox({ keys: keysOf('population_register') })
population.put('citizen', { name: citizen.name, certNo: citizen.certNo, status: 'normal' })
const companies = await createCompanySandbox({
  keys: keysOf('company_register'),
  rows: [
    {
      ...company,
      status: 'active',
      legalRepresentative: { certType: 'resident_id', certNo: citizen.certNo, name: citizen.name }
    }
  ]
})
const addresses = {
  FACE: await face.listen(),
  POPULATION_REGISTER: await population.listen(),
  COMPANY_REGISTER: await companies.listen(),
  SMS: await listenForMessages()
}
console.log(JSON.stringify(addresses))

/** docs/sms-provider-contract.md: seen twice, sent once. */
async function listenForMessages (): Promise<string> {
  const verify = createRequestVerifier(keysOf('sms'), Date.now, 'sms')
  const sent = new Map<string, { phone: string; parameters: Record<string, string> }>()
  const app = Fastify({ forceCloseConnections: true })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body)
  })
  app.route({
    method: ['GET', 'POST'],
    url: '/v1/*',
    async handler (request, reply) {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      const { method, url, headers } = request
      const verified = verify({ method, path: url, headers, body })
      if (!verified.ok) return await reply.code(401).send({ code: verified.code })
      const answer = (status: number, content: object): unknown => {
        const text = JSON.stringify(content)
        const signed = { status, body: text, requestSignature: verified.signature }
        return reply
          .code(status)
          .headers(signAnswer(verified.key, { answer: signed, now: Date.now(), service: 'sms' }))
          .type('application/json')
          .send(text)
      }
      if (url === '/v1/health') return answer(200, { status: 'ok' })
      if (url !== '/v1/messages') return answer(404, { code: 'NOT_FOUND' })
      const { messageId, phone, parameters } = JSON.parse(body.toString())
      if (!sent.has(messageId)) sent.set(messageId, { phone, parameters })
      return answer(202, { messageId })
    }
  })
  app.get('/sent', async (request) => {
    const { phone } = request.query as { phone: string }
    return [...sent.values()].filter((message) => message.phone === phone).map(({ parameters }) => parameters)
  })
  return await app.listen({ port: 0, host: '127.0.0.1' })
}

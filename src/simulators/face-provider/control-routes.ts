/** JSON controls for tests and for the simulated phone. They are not part of the contract and not signed. */
import Type from 'typebox'
import type { FastifyInstance } from 'fastify'
import { faultOutcomes, outcomes } from './transactions.ts'
import type { Decision, Fault, Outcome, Transactions } from './transactions.ts'

export interface Controls {
  transactions: Transactions
  decide: (id: string, outcome: Outcome) => Decision
  outage: (fault: Fault | null) => void
}

const OutcomeSchema = Type.Union(outcomes.map((outcome) => Type.Literal(outcome)))
const statusByOutcome: Record<Decision, number> = { decided: 200, unknown: 404, 'already-decided': 409, expired: 410 }

export async function controlRoutes (app: FastifyInstance, controls: Controls): Promise<void> {
  app.setErrorHandler(async (error: { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500
    // the validator's own words may quote what was sent
    return reply
      .code(status)
      .send({ code: status < 500 ? 'BAD_REQUEST' : 'INTERNAL', outcomes, faults: faultOutcomes })
  })

  app.post<{ Body: { transactionId: string; outcome: Outcome } }>(
    '/decide',
    {
      schema: { body: Type.Object({ transactionId: Type.String(), outcome: OutcomeSchema }) }
    },
    async (request, reply) => {
      const result = controls.decide(request.body.transactionId, request.body.outcome)
      return reply.code(statusByOutcome[result]).send({ result })
    }
  )

  app.post<{ Body: { queue?: Outcome[]; persons?: Record<string, Outcome>; clear?: boolean } }>(
    '/script',
    {
      schema: {
        body: Type.Object({
          clear: Type.Optional(Type.Boolean()),
          queue: Type.Optional(Type.Array(OutcomeSchema, { maxItems: 1000 })),
          persons: Type.Optional(Type.Record(Type.String(), OutcomeSchema))
        })
      }
    },
    async (request) => {
      const { clear, queue, persons } = request.body
      if (clear) controls.transactions.clearScript()
      if (queue) controls.transactions.script(queue)
      if (persons) controls.transactions.script(persons)
      return { result: 'scripted' }
    }
  )

  app.post<{ Body: { fault: Fault | 'none' } }>(
    '/outage',
    {
      schema: {
        body: Type.Object({ fault: Type.Union([...faultOutcomes, 'none'].map((fault) => Type.Literal(fault))) })
      }
    },
    async (request) => {
      controls.outage(request.body.fault === 'none' ? null : request.body.fault)
      return { result: request.body.fault }
    }
  )

  app.get('/transactions', async () => ({
    transactions: controls.transactions.list().map(({ id, attemptId, maskedCertNo, outcome, expiresAt }) => ({
      transactionId: id,
      attemptId,
      certNo: maskedCertNo,
      outcome,
      expiresAt: new Date(expiresAt).toISOString()
    }))
  }))
}

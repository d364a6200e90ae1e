/**
 * Runs the table of steps.ts: registers its addresses, opens the login, checks the precondition of a step before its
 * handler runs, and turns the outcome of the step into a reply. A person who opens a page out of order goes to the
 * start, and from there to the right step.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { organizationProof } from '../../domain/login/next-step.ts'
import { isPrefetch } from '../scan-code/index.ts'
import { rememberAgreement } from './agreement.ts'
import { loginPath, openLogin, type Audience, type LoginAttempt } from './attempt.ts'
import type { StepDeps } from './deps.ts'
import { loadContext, reloadContext, type LoginContext } from './facts.ts'
import { refuseLogin } from './finish.ts'
import { eventContext } from './event-context.ts'
import type { Handler, Method, Outcome, PageRow, StepTable } from './step.ts'

export function registerSteps (
  app: FastifyInstance,
  deps: StepDeps,
  { table, audience }: { table: StepTable; audience: Audience }
): void {
  if (audience === 'administrators') {
    registerRows(table.administrators, async (attempt) => attempt)
  } else {
    registerRows(
      table.people.filter((row) => 'path' in row),
      async (attempt, request) => await loadContext(deps, attempt, request.locale)
    )
  }

  function registerRows<C extends LoginAttempt> (
    rows: Array<PageRow<C>>,
    load: (attempt: LoginAttempt, request: FastifyRequest) => Promise<C>
  ): void {
    for (const row of rows) {
      const { page, submit } = row
      const url = loginPath(':uid', row.path)
      if (page !== undefined) {
        app.get(url, async (request, reply) => {
          if (row.neverPrefetched === true && isPrefetch(request)) return await reply.code(503).send()
          const context = await load(await openLogin(deps, { request, reply, audience }), request)
          return await run({ row, handler: page, context, request, reply })
        })
      }
      if (submit !== undefined) {
        app.post(url, async (request, reply) => {
          const context = await load(await openLogin(deps, { request, reply, audience }), request)
          request.requireCsrf(context.uid)
          return await run({ row, handler: submit, context, request, reply })
        })
      }
    }
  }

  async function run<C extends LoginAttempt> (call: {
    row: PageRow<C>
    handler: Handler<C>
    context: C
    request: FastifyRequest
    reply: FastifyReply
  }): Promise<FastifyReply> {
    const { row, handler, context, request, reply } = call
    reply.header('cache-control', 'no-store')
    if (!(await row.when(context))) return await reply.redirect(loginPath(context.uid), 303)
    return await answer({ outcome: await handler(context, request), context, request, reply })
  }

  /** After a form always 303 (RFC 9700 §4.12). */
  async function answer ({
    outcome,
    context,
    request,
    reply
  }: {
    outcome: Outcome
    context: LoginAttempt | LoginContext
    request: FastifyRequest
    reply: FastifyReply
  }): Promise<FastifyReply> {
    switch (outcome.kind) {
      case 'show':
        if (outcome.retryAfterSeconds !== undefined) reply.header('retry-after', String(outcome.retryAfterSeconds))
        return await reply.page(outcome.page, outcome.model, { status: outcome.status })
      case 'data':
        return await reply.send(outcome.data)
      case 'open':
        return await reply.redirect(loginPath(context.uid, outcome.path), 303)
      case 'return':
        return await reply.redirect(context.interaction.returnTo, 303)
    }
    if (!('facts' in context)) throw new Error(`not for administrators: ${outcome.kind}`)
    switch (outcome.kind) {
      case 'refuse':
        return await reply.redirect(await refuseLogin(deps, context, { ...outcome, request }), 303)
      case 'resume':
        return await goOn(context, request, { reply, method: 'session' })
      case 'recorded':
        if (outcome.agreementAccepted) rememberAgreement(deps, reply)
        return await goOn(await reloadContext(deps, context), request, { reply, method: outcome.method })
    }
  }

  /**
   * To the next step. After a scan the person sees a short page that says so, unless a device waits: then the following
   * page says it.
   */
  async function goOn (
    context: LoginContext,
    request: FastifyRequest,
    { reply, method }: { reply: FastifyReply; method: Method }
  ): Promise<FastifyReply> {
    const { step } = await context.next()
    const row = table.people.find(({ name }) => name === step)
    if (row === undefined) throw new Error(`a step without a row: ${step}`)
    if (method === 'organization' && (step === 'not-authorized' || step === 'unmet-request')) {
      await recordDenial(context, request)
    }
    if ('path' in row) return await reply.redirect(loginPath(context.uid, row.path), 303)
    const href = await row.end(context, request, method)
    return method === 'scan' && context.interaction.deviceCode === undefined
      ? await reply.page('login/done', { rp: context.rp, href })
      : await reply.redirect(href, 303)
  }

  /** The organization's password was right, and the person may not act for it. */
  async function recordDenial (context: LoginContext, request: FastifyRequest): Promise<void> {
    const proof = organizationProof(context.row.proofs)
    if (proof === undefined) return
    await inTransaction(deps.db, async (trx) => {
      await deps.audit.record(trx, {
        ...eventContext(context, request),
        type: 'login.refused',
        organizationId: proof.organizationId,
        role: proof.role,
        reason: 'may_not_act'
      })
    })
  }
}

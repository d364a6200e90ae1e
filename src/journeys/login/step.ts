/**
 * What a step is, and its outcomes. The runner turns an outcome into a reply; no step redirects or knows which step
 * comes next.
 */
import type { FastifyRequest } from 'fastify'
import type { Step } from '../../domain/login/next-step.ts'
import type { PageName, Pages } from '../../http/pages.ts'
import type { LoginAttempt } from './attempt.ts'
import type { LoginContext } from './facts.ts'

/** How the last step was done, for metrics and the audit trail. */
export type Method = 'password' | 'organization' | 'scan' | 'session' | 'counter'

/** Refusals of the person within the login. */
export type RefusalEvent = 'consent.refused'

export type Outcome =
  /** The page of the step, or the same page with errors. */
  | { kind: 'show'; page: PageName; model: Pages[PageName]; status: number; retryAfterSeconds?: number }
  /** A proof was given: the facts are read again, and the login continues. */
  | { kind: 'recorded'; method: Method; agreementAccepted: boolean }
  /** Nothing has changed: the runner finds the present step. */
  | { kind: 'resume' }
  /** To the page of a step of the table, by its path. */
  | { kind: 'open'; path: string }
  /** The person refuses or the rules do: the relying site gets a standard error (RFC 6749 §4.1.2.1). */
  | { kind: 'refuse'; error: string; description: string; event?: RefusalEvent }
  /** The authorization request continues; its result is stored. */
  | { kind: 'return' }
  /** For a script of the page. */
  | { kind: 'data'; data: object }

export const show = <N extends PageName>(
  page: N,
  model: Pages[N],
  { status = 200, retryAfterSeconds }: { status?: number; retryAfterSeconds?: number | undefined } = {}
): Outcome => ({
    kind: 'show',
    page,
    model,
    status,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds })
  })

export const recorded = (method: Method, { agreementAccepted = false } = {}): Outcome => ({
  kind: 'recorded',
  method,
  agreementAccepted
})

export const resume: Outcome = { kind: 'resume' }

export const open = (path: string): Outcome => ({ kind: 'open', path })

export const refuse = (error: string, description: string, event?: RefusalEvent): Outcome => ({
  kind: 'refuse',
  error,
  description,
  ...(event === undefined ? {} : { event })
})

export type Handler<C> = (context: C, request: FastifyRequest) => Outcome | Promise<Outcome>

/** A step with pages. `path` lies under /i/<uid>; several rows of one step share its name, the first leads to it. */
export interface PageRow<C> {
  name: Step['step'] | 'entrance' | 'in-person-code' | 'other-account' | 'administrator'
  path: string
  when(context: C): boolean | Promise<boolean>
  page?: Handler<C>
  submit?: Handler<C>
  /** Opening the page changes something, so a prefetch must not. */
  neverPrefetched?: boolean
}

/** A step without pages: it ends the login. Returns the address where the browser continues. */
export interface EndRow {
  name: Step['step']
  end(context: LoginContext, request: FastifyRequest, method: Method): Promise<string>
}

export interface StepTable {
  people: Array<PageRow<LoginContext> | EndRow>
  administrators: Array<PageRow<LoginAttempt>>
}

/**
 * The route table. Every page of the console and every route of the admin API is in it, with the roles that may use it;
 * a route under /admin that is missing makes the start fail. Before a handler runs, these are checked for this request:
 * the session is valid, the account is active, its role is on the list, a form came from our own page, and, where
 * required, credentials were given within the last ten minutes.
 */
import multipart from '@fastify/multipart'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import type { Act, AdminRole } from '../../domain/administration/administration.ts'
import { formField } from '../../http/forms.ts'
import { registerErrors, registerNotFound, type FaultPage } from '../../http/errors.ts'
import { adminTranslator, type AdminTranslate } from '../../http/locale.ts'
import { PageError } from '../../http/page-error.ts'
import type { FieldError, PageName, Pages } from '../../http/pages.ts'
import type { PageOptions } from '../../http/rendering.ts'
import type { ConsoleDeps } from './deps.ts'
import { type Approvals, createApprovals } from '../../records/approvals/index.ts'
import { formatCsv, type CsvRow } from './csv.ts'
import { csrfScope } from './csrf-scope.ts'
import { createFaultPage } from './fault-page.ts'
import { type Administrator, reauthSeconds } from '../../records/administrators/index.ts'
import { buildLayout, type WithConsoleLayout } from './layout.ts'
import type { RelyingParty } from '../own-site/index.ts'
import { returnPath } from './return-path.ts'

/**
 * A dangerous act has a page. Texts are in the person's language already; the form posts `csrf`, `hidden`, `reason`
 * and, if required, `typed`.
 */
export interface ConfirmModel {
  title: string
  lead: string
  /** What will change, and for whom. */
  facts: Array<{ name: string; value: string }>
  action: string
  hidden: Array<{ name: string; value: string }>
  /** What must be typed exactly; null = nothing. */
  typed: string | null
  /** Words of the button. */
  submit: string
  backHref: string
  reason: string
  errors: FieldError[]
}

export interface ConfirmPage extends WithConsoleLayout, ConfirmModel {}

/** Something shown once (a link, a secret). */
export interface OncePage extends WithConsoleLayout {
  title: string
  lead: string
  label: string
  value: string
  backHref: string
}

export interface NotAllowedPage extends WithConsoleLayout {
  roles: AdminRole[]
}

declare module '../../http/pages.ts' {
  interface Pages {
    'console/confirm': ConfirmPage
    'console/once': OncePage
    'console/not-allowed': NotAllowedPage
  }
}

type LayoutPage = { [N in PageName]: Pages[N] extends WithConsoleLayout ? N : never }[PageName]

/** What a handler gets. */
export interface ConsoleRequest {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly administrator: Administrator
  readonly t: AdminTranslate
  /** For `<input type="hidden" name="csrf">`; templates find it at `it.shell.csrf`. */
  readonly csrf: string
  /** One field of the posted form; absent = ''. */
  field(name: string): string
  /** The actor and the reason, for records. */
  act(reason: string): Act
  /** A page in the console's frame. */
  page<N extends LayoutPage>(name: N, model: Omit<Pages[N], 'shell'>, options?: PageOptions): FastifyReply
  /** After an act. `done` = the message on the next page: `done.<done>`. */
  redirect(path: string, done?: string): FastifyReply
  csv(fileName: string, header: string[], rows: CsvRow[]): FastifyReply
  /** The page before a dangerous act. */
  confirm(
    model: Omit<ConfirmModel, 'reason' | 'errors' | 'hidden' | 'facts' | 'typed'> & Partial<ConfirmModel>
  ): FastifyReply
  /** What `confirm` asked for: the act, or what to show again. */
  confirmed(typed?: string | null): { ok: true; act: Act } | { ok: false; reason: string; errors: FieldError[] }
  /** Words for what `confirmed` says is wrong. */
  problems(errors: ReadonlyArray<{ code: string }>): string[]
  /** The version that the form was filled in from; 0 when it names none. */
  version(): number
  /** Asks another administrator to approve an act, and leads to the request. */
  askApproval(asked: Parameters<Approvals<AdminTranslate>['request']>[1]): Promise<FastifyReply>
  /** @throws PageError 404, the same for what does not exist and what may not be seen */
  notFound(): never
}

export interface ConsoleRoute {
  method: 'GET' | 'POST'
  /** Fastify pattern under /admin. */
  path: string
  /** The roles that may use it. */
  roles: readonly AdminRole[]
  /**
   * Credentials within the last ten minutes. Set it on the form's page too, because otherwise what was typed is lost.
   */
  reauth?: boolean
  handler: (c: ConsoleRequest) => Promise<FastifyReply> | FastifyReply
}

/** Without a session: sign-in, one-time links, assets. */
export interface OpenRoute {
  method: 'GET' | 'POST'
  path: string
  handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> | FastifyReply
}

export interface TableEntry {
  method: string
  path: string
  kind: 'page' | 'open' | 'api'
  roles: readonly AdminRole[]
  reauth: boolean
  /** API: the OAuth scope it asks for. */
  scope: string | null
}

export interface Console {
  readonly deps: ConsoleDeps
  page(route: ConsoleRoute): void
  open(route: OpenRoute): void
  /** A route of the admin API, which checks its own token: only noted in the table. Call before the route is made. */
  api(entry: { method: string; path: string; scope: string | null }): void
  readonly table: readonly TableEntry[]
  /** What needs a second administrator. */
  readonly approvals: Approvals<AdminTranslate>
  /** Finds the administrator who is signed in here, and opens and ends sessions. */
  readonly relyingParty: RelyingParty<Administrator>
  /** Faults of what is registered within are shown in the console's frame. */
  withLayout(register: (scope: FastifyInstance) => void): Promise<void>
}

/** The page of a form, found by dropping the act at the end of its path: posts are never repeated after a sign-in. */
function pageBehind (request: FastifyRequest): string {
  if (request.method === 'GET') return returnPath(request.url)
  const path = request.url.split('?', 1)[0] ?? ''
  return returnPath(
    request.server.hasRoute({ method: 'GET', url: request.routeOptions.url ?? '' })
      ? path
      : path.replace(/\/[^/]*$/, '')
  )
}

/** Call once, on the root instance; pages are registered at the result. */
export async function createConsole (
  app: FastifyInstance,
  deps: ConsoleDeps,
  relyingParty: RelyingParty<Administrator>
): Promise<Console> {
  const table: TableEntry[] = []
  const unlisted: string[] = []
  const buildRouteKey = (method: string, path: string): string => `${method === 'HEAD' ? 'GET' : method} ${path}`
  const listed = new Set<string>()
  const note = (entry: TableEntry): void => {
    const key = buildRouteKey(entry.method, entry.path)
    if (!/^\/admin(\/|$)/.test(entry.path)) throw new Error(`${key} is not under /admin`)
    if (listed.has(key)) throw new Error(`${key} stands in the route table twice`)
    listed.add(key)
    table.push(Object.freeze(entry))
  }
  app.addHook('onRoute', ({ method, url }) => {
    if (!/^\/admin(\/|$)/.test(url)) return
    for (const one of Array.isArray(method) ? method : [method]) {
      if (!listed.has(buildRouteKey(one, url))) unlisted.push(`${one} ${url}`)
    }
  })
  app.addHook('onReady', async () => {
    if (unlisted.length > 0) throw new Error(`not in the console's route table: ${unlisted.join(', ')}`)
  })

  const faultPage: FaultPage = async (request, reply, fault) => await createFaultPage(self)(request, reply, fault)
  let scope: FastifyInstance | undefined
  await app.register(async (instance) => {
    registerErrors(instance, faultPage)
    // one file of at most 1 MiB beside a form's fields: a Buffer in the body
    await instance.register(multipart, {
      attachFieldsToBody: 'keyValues',
      limits: { fileSize: 1024 * 1024, files: 1, fields: 100, fieldSize: 16 * 1024 }
    })
    scope = instance
  })
  if (scope === undefined) throw new Error('no scope for the console')
  await app.register(
    async (instance) => {
      registerNotFound(instance, faultPage)
    },
    { prefix: '/admin' }
  )
  const own = scope

  const self: Console = {
    deps,
    table,
    approvals: createApprovals(deps, adminTranslator('zh-CN')),
    relyingParty,
    withLayout: async (register) => {
      await app.register(async (instance) => {
        registerErrors(instance, faultPage)
        register(instance)
      })
    },
    api: ({ method, path, scope: asked }) => {
      note({ method, path, kind: 'api', roles: [], reauth: false, scope: asked })
    },
    open ({ method, path, handler }) {
      note({ method, path, kind: 'open', roles: [], reauth: false, scope: null })
      own.route({
        method,
        url: path,
        handler: async (request, reply) => await handler(request, reply.header('cache-control', 'no-store'))
      })
    },
    page ({ method, path, roles, reauth = false, handler }) {
      if (roles.length === 0) throw new Error(`${method} ${path}: nobody may`)
      note({ method, path, kind: 'page', roles: Object.freeze([...roles]), reauth, scope: null })
      own.route({
        method,
        url: path,
        handler: async (request, reply) => {
          reply.header('cache-control', 'no-store')
          const administrator = await relyingParty.findSubject(request)
          if (administrator === null) {
            return await reply.redirect(`/admin/sign-in?to=${encodeURIComponent(pageBehind(request))}`, 303)
          }
          const c = createContext(self, request, { reply, administrator })
          if (method === 'POST') request.requireCsrf(csrfScope(administrator.sessionHash))
          if (!roles.includes(administrator.role)) {
            await inTransaction(deps.db, async (trx) => {
              await deps.audit.record(trx, {
                type: 'staff.access-denied',
                actor: `admin:${administrator.id}`,
                role: administrator.role,
                address: request.clientAddress.ip,
                traceId: String(request.id),
                details: { method, route: path }
              })
            })
            return c.page('console/not-allowed', { roles: [...roles] }, { status: 403 })
          }
          if (reauth && administrator.authenticatedSecondsAgo > reauthSeconds) {
            return await reply.redirect(`/admin/again?to=${encodeURIComponent(pageBehind(request))}`, 303)
          }
          return await handler(c)
        }
      })
    }
  }
  return self
}

function createContext (
  console: Console,
  request: FastifyRequest,
  { reply, administrator }: { reply: FastifyReply; administrator: Administrator }
): ConsoleRequest {
  const t = adminTranslator(request.locale)
  const csrf = request.csrfToken(csrfScope(administrator.sessionHash))
  const field = (name: string): string => formField(request.body, name)
  const act = (reason: string): Act => {
    const words = reason.trim()
    if (words === '') throw new PageError(400, 'bad_request')
    return {
      actor: `admin:${administrator.id}`,
      reason: words,
      address: request.clientAddress.ip,
      traceId: String(request.id)
    }
  }
  const page: ConsoleRequest['page'] = (name, model, options) =>
    reply.page(
      name,
      { ...model, shell: buildLayout(console, request, { administrator, t, csrf }) } as unknown as Pages[typeof name],
      options
    )
  return {
    request,
    reply,
    administrator,
    t,
    csrf,
    field,
    act,
    page,
    redirect (path, done) {
      const target = returnPath(path)
      return reply.redirect(
        done === undefined ? target : `${target}${target.includes('?') ? '&' : '?'}done=${encodeURIComponent(done)}`,
        303
      )
    },
    csv: (fileName, header, rows) =>
      reply
        .header('content-type', 'text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="${fileName.replace(/[^\w.-]/g, '_')}"`)
        .send(formatCsv(header, rows)),
    confirm: (model) =>
      page(
        'console/confirm',
        { facts: [], hidden: [], typed: null, reason: '', errors: [], ...model },
        { status: (model.errors?.length ?? 0) > 0 ? 422 : 200 }
      ),
    confirmed (typed = null) {
      const reason = field('reason').trim()
      const errors: FieldError[] = []
      if (reason === '') errors.push({ field: 'reason', code: 'required' })
      else if (reason.length > 200) errors.push({ field: 'reason', code: 'too_long', details: { max: 200 } })
      if (typed !== null && field('typed').trim() !== typed) errors.push({ field: 'typed', code: 'different' })
      return errors.length > 0 ? { ok: false, reason, errors } : { ok: true, act: act(reason) }
    },
    problems: (errors) => errors.map(({ code }) => t.code([`fault.reason.${code}`, `fault.${code}`], 'fault.invalid')),
    version () {
      const version = Number(field('version'))
      return Number.isSafeInteger(version) ? version : 0
    },
    async askApproval (asked) {
      const { approvals, deps } = console
      const { id, ok } = await inTransaction(deps.db, async (trx) => await approvals.request(trx, asked))
      return this.redirect(`/admin/approvals/${id}`, ok ? 'change_requested' : 'change_waiting')
    },
    notFound (): never {
      throw new PageError(404, 'not_found', { restartHref: '/admin' })
    }
  }
}

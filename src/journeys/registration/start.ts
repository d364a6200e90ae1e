/** The start: the role of the applicant. A draft of this browser can be continued. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { applicants } from '../../domain/representation/registration.ts'
import { formField } from '../../http/forms.ts'
import { PageError } from '../../http/page-error.ts'
import type { FieldError, FormTarget } from '../../http/pages.ts'
import { duePath, loadAny, registrationPath, type Parts } from './held.ts'
import { insertRegistration, openRegistration } from './repository.ts'

/** Posts `applicant`. */
export interface StartPage extends FormTarget {
  resumeHref: string | null
  errors: FieldError[]
}

declare module '../../http/pages.ts' {
  interface Pages {
    'registration/start': StartPage
  }
}

const scope = 'register'

/** Applications of one browser, and of one network (a service hall has one address), in an hour. */
const starts = { browser: 20, source: 200, seconds: 3600 } as const

export function registerStartStep (app: FastifyInstance, { deps, throttle }: Parts): void {
  app.get('/register', async (request, reply) => await showStart(request, reply, []))

  app.post('/register', async (request, reply) => {
    request.requireCsrf(scope)
    const { hash: browserHash } = reply.ensureBrowser()
    const applicant = applicants.find((one) => one === formField(request.body, 'applicant'))
    if (applicant === undefined) return await showStart(request, reply, [{ field: 'applicant', code: 'required' }])
    // pressed twice: the draft that is still empty is used
    const open = await openRegistration(deps.db, deps, browserHash)
    if (open?.applicant === applicant && open.draft.unit === null) return await reply.redirect(duePath(open), 303)
    for (const [key, limit] of [
      [`registration:browser:${browserHash}`, starts.browser],
      [`registration:source:${request.clientAddress.prefix}`, starts.source]
    ] as const) {
      const hit = await throttle.hit(key, limit, starts.seconds)
      if (!hit.allowed) throw new PageError(429, 'too_many', { retryAfterSeconds: hit.retryAfterSeconds })
    }
    const id = await insertRegistration(deps.db, deps, { browserHash, applicant })
    return await reply.redirect(registrationPath(id, 'unit'), 303)
  })

  app.get(
    '/register/:id',
    async (request, reply) => await reply.redirect(duePath(await loadAny(deps, request, reply)), 303)
  )

  async function showStart (request: FastifyRequest, reply: FastifyReply, errors: FieldError[]): Promise<FastifyReply> {
    const { hash, fresh } = reply.ensureBrowser()
    const open = fresh ? null : await openRegistration(deps.db, deps, hash)
    return await reply.page(
      'registration/start',
      {
        action: '/register',
        csrf: request.csrfToken(scope),
        resumeHref: open === null ? null : duePath(open),
        errors
      },
      { status: errors.length > 0 ? 422 : 200 }
    )
  }
}

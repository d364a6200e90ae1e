/** The page of the link in a short message: the application continues in this browser. */
import type { FastifyInstance } from 'fastify'
import { PageError } from '../../http/page-error.ts'
import type { FormTarget } from '../../http/pages.ts'
import { readCircumstances, registrationPath, type Parts } from './held.ts'
import { resumePath, resumeRegistration } from './resume-links.ts'

/** The page of the link. Posts `csrf`. `gone`: used, expired, or unknown; all look the same. */
export interface ResumePage extends FormTarget {
  gone: boolean
}

declare module '../../http/pages.ts' {
  interface Pages {
    'registration/resume': ResumePage
  }
}

const sourceLimit = { limit: 30, seconds: 3600 }
const openScope = 'register-resume'

export function registerResume (app: FastifyInstance, { deps, throttle, smsCodes }: Parts): void {
  app.get(`${resumePath}/:token`, async (request, reply) => {
    reply.ensureBrowser()
    return reply.page('registration/resume', {
      action: request.url.split('?', 1)[0] ?? '',
      csrf: request.csrfToken(openScope),
      gone: false
    })
  })

  app.post(`${resumePath}/:token`, async (request, reply) => {
    request.requireCsrf(openScope)
    const hit = await throttle.hit(
      `registration:resume-source:${request.clientAddress.prefix}`,
      sourceLimit.limit,
      sourceLimit.seconds
    )
    if (!hit.allowed) throw new PageError(429, 'too_many', { retryAfterSeconds: hit.retryAfterSeconds })
    const { token = '' } = request.params as { token?: string }
    const id = await resumeRegistration(
      deps,
      { smsCodes, token, browserHash: reply.ensureBrowser().hash, ...readCircumstances(request) }
    )
    if (id !== null) return await reply.redirect(registrationPath(id), 303)
    return reply.page('registration/resume', { action: '', csrf: '', gone: true }, { status: 410 })
  })
}

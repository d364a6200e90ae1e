/**
 * Faults below /admin, in the console's frame and words: with the navigation for who is signed in, bare for everybody
 * else.
 */
import type { FastifyRequest } from 'fastify'
import type { FaultPage } from '../../http/errors.ts'
import { adminTranslator } from '../../http/locale.ts'
import type { Console } from './console.ts'
import { csrfScope } from './cookie.ts'
import type { AdminShell } from './models.ts'
import { shellOf } from './shell.ts'

/** Texts `error.<key>.title` and `error.<key>.body`: ready for reading. */
export interface FaultPageModel {
  shell: AdminShell | null
  title: string
  body: string
  retryAfterSeconds: number | null
  wayOn: { href: string; label: string }
}

declare module '../../http/pages.ts' {
  interface Pages {
    'admin/fault': FaultPageModel
  }
}

export function createFaultPage (console: Console): FaultPage {
  /** Whatever is wrong must not keep the page from being shown: without the database it is the bare one. */
  async function shell (request: FastifyRequest): Promise<AdminShell | null> {
    try {
      const administrator = await console.administratorOf(request)
      return administrator === null
        ? null
        : shellOf(
          console,
          request,
          administrator,
          adminTranslator(request.locale),
          request.csrfToken(csrfScope(administrator.sessionHash))
        )
    } catch {
      return null
    }
  }
  return async (request, reply, { status, key, details }) => {
    const t = adminTranslator(request.locale)
    const again = key === 'expired' ? 'error.sign_in' : 'error.go_on'
    return reply.page(
      'admin/fault',
      {
        shell: await shell(request),
        title: t.code([`error.${key}.title`], 'error.bad_request.title'),
        body: t.code([`error.${key}.body`], 'error.bad_request.body'),
        retryAfterSeconds: details.retryAfterSeconds ?? null,
        wayOn:
          details.restartHref === undefined
            ? { href: '/admin', label: t('console.back') }
            : { href: details.restartHref, label: t(again) }
      },
      { status }
    )
  }
}

/**
 * Faults below /admin, in the console's layout and language: with the navigation for a signed-in administrator, without
 * it for others.
 */
import type { FastifyRequest } from 'fastify'
import type { FaultPage } from '../../http/errors.ts'
import { adminTranslator } from '../../http/locale.ts'
import type { Console } from './console.ts'
import { csrfScope } from './csrf-scope.ts'
import { buildLayout, type ConsoleLayout } from './layout.ts'

/** Texts `console.fault.<key>.title` and `.body`: ready for reading. */
export interface FaultPageModel {
  shell: ConsoleLayout | null
  /** The hook: which fault. */
  key: string
  title: string
  body: string
  retryAfterSeconds: number | null
  wayOn: { href: string; label: string }
}

declare module '../../http/pages.ts' {
  interface Pages {
    'console/fault': FaultPageModel
  }
}

export function createFaultPage (console: Console): FaultPage {
  /** A fault must never prevent the page: without the database it is shown without navigation. */
  async function shell (request: FastifyRequest): Promise<ConsoleLayout | null> {
    try {
      const administrator = await console.relyingParty.findSubject(request)
      return administrator === null
        ? null
        : buildLayout(console, request, {
          administrator,
          t: adminTranslator(request.locale),
          csrf: request.csrfToken(csrfScope(administrator.sessionHash))
        })
    } catch {
      return null
    }
  }
  return async (request, reply, { status, key, details }) => {
    const t = adminTranslator(request.locale)
    const again = key === 'expired' ? 'console.fault.sign_in' : 'console.fault.go_on'
    return reply.page(
      'console/fault',
      {
        shell: await shell(request),
        key,
        title: t.code([`console.fault.${key}.title`], 'console.fault.bad_request.title'),
        body: t.code([`console.fault.${key}.body`], 'console.fault.bad_request.body'),
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

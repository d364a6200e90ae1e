/**
 * 试登录: a real login at this client through a callback page of the console, every step shown with what a site would
 * send. Clients in test accept this address beside their own (oidc/client-store); live ones never do. Kora acts as the
 * site (test-login-site.ts). What must be stored between the two requests is encrypted in a cookie of this browser, for
 * ten minutes.
 */
import { newIdentifier } from '../../../domain/identifier.ts'
import { PageError } from '../../../http/page-error.ts'
import { findClient, usesSecret } from '../../../records/clients/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import type { WithConsoleLayout } from '../layout.ts'
import { describeOwnClient, mayChange, writers } from './layout.ts'
import { callbackPath, createTestLoginSite, testLoginObstacle, type Kept } from './test-login-site.ts'

export interface TestLoginPage extends WithConsoleLayout {
  clientId: string
  steps: Array<{ title: string; ok: boolean; note: string; curl: string | null; answer: string | null }>
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/clients/test-login': TestLoginPage
  }
}

const cookieName = 'kora_trial'
const seconds = 600

const random = (): string => newIdentifier(32)

export function registerClientTestLogin (console: Console): void {
  const { deps } = console
  const { config, crypto, clock, db } = deps

  console.page({
    method: 'POST',
    path: '/admin/clients/:id/test',
    roles: writers,
    handler: async (c) => {
      const client = await describeOwnClient(c, console)
      if (!mayChange(c, client) || testLoginObstacle(client) !== null) return c.notFound()
      const kept: Kept = {
        clientId: client.clientId,
        state: random(),
        nonce: random(),
        verifier: random(),
        secret: usesSecret(client.metadata) ? c.field('secret').trim().slice(0, 200) : null,
        at: clock.now()
      }
      const begun = await createTestLoginSite(deps, c, { client, kept }).begin()
      if (begun.location === null) {
        return c.page('console/clients/test-login', { clientId: client.clientId, steps: [begun.step] })
      }
      c.reply.setCookie(
        cookieName,
        crypto.encrypt('trial', 'cookie', c.administrator.sessionHash, JSON.stringify(kept)),
        {
          httpOnly: true,
          sameSite: 'lax',
          secure: config.issuer.startsWith('https:'),
          path: '/admin/trial',
          maxAge: seconds
        }
      )
      return c.reply.redirect(begun.location, 303)
    }
  })

  console.page({
    method: 'GET',
    path: callbackPath,
    roles: writers,
    handler: async (c) => {
      const kept = readKept(c)
      // once: a code that was shown is not asked for again
      c.reply.clearCookie(cookieName, { path: '/admin/trial' })
      const client = kept === null ? null : await findClient(db, kept.clientId)
      if (kept === null || client === null || testLoginObstacle(client) !== null) {
        throw new PageError(400, 'expired', { restartHref: '/admin/clients' })
      }
      const query = Object.fromEntries(
        Object.entries(c.request.query as Record<string, unknown>).map(([name, value]) => [name, String(value)])
      )
      return c.page('console/clients/test-login', {
        clientId: client.clientId,
        steps: await createTestLoginSite(deps, c, { client, kept }).walk(query)
      })
    }
  })

  function readKept (c: ConsoleRequest): Kept | null {
    try {
      const kept = JSON.parse(
        crypto.decrypt('trial', 'cookie', c.administrator.sessionHash, c.request.cookies[cookieName] ?? '')
      ) as Kept
      return clock.now() - kept.at < seconds * 1000 ? kept : null
    } catch {
      return null
    }
  }
}

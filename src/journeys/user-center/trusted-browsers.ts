/** 信任的浏览器: where a password of an organization is enough, because this person passed a face check there. */
import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { formField } from '../../http/forms.ts'
import { revokeTrustedBrowsers, listTrustedBrowsers } from '../../records/organizations/index.ts'
import type { FormTarget } from '../../http/pages.ts'
import {
  circumstances,
  loadMe,
  loadPosted,
  buildLayout,
  type Centre,
  type Me,
  type WithUserCenterLayout
} from './me.ts'

/** 信任的浏览器. Each row posts `csrf`, `browser` to `action`. */
export interface TrustedBrowsersPage extends WithUserCenterLayout, FormTarget {
  browsers: Array<{ id: string; label: string; organization: string; since: string; until: string; here: boolean }>
}

declare module '../../http/pages.ts' {
  interface Pages {
    'user-center/trusted-browsers': TrustedBrowsersPage
  }
}

type Trusted = Awaited<ReturnType<typeof listTrustedBrowsers>>[number]

/** Identifies a row for its owner; reveals nothing about the browser's cookie. */
const buildId = ({ organizationId, browserHash }: Trusted): string =>
  createHash('sha256').update(`${organizationId} ${browserHash}`).digest('base64url').slice(0, 22)

export function registerBrowsers (app: FastifyInstance, centre: Centre): void {
  const { deps } = centre

  app.get('/me/browsers', async (request, reply) => {
    const me = await loadMe(centre, request, reply)
    const labels = await loadLabels(me)
    const trusted = await listTrustedBrowsers(deps.db, me.person.id)
    return reply.page('user-center/trusted-browsers', {
      shell: await buildLayout(centre, request, { me, current: 'browsers' }),
      action: '/me/browsers',
      csrf: request.csrfToken(centre.csrfScope(me.idHash)),
      browsers: trusted.map((row) => ({
        id: buildId(row),
        label: labels.get(row.browserHash) ?? '',
        organization: row.organizationName,
        since: row.createdAt.toISOString(),
        until: row.expiresAt.toISOString(),
        here: row.browserHash === me.browserHash
      }))
    })
  })

  app.post('/me/browsers', async (request, reply) => {
    const me = await loadPosted(centre, request, reply)
    const wanted = formField(request.body, 'browser')
    const row = (await listTrustedBrowsers(deps.db, me.person.id)).find((trusted) => buildId(trusted) === wanted)
    if (row !== undefined) {
      await inTransaction(deps.db, async (trx) => {
        const { organizationId, browserHash } = row
        if ((await revokeTrustedBrowsers(trx, { organizationId, personId: me.person.id, browserHash })) === 0) return
        await deps.audit.record(trx, {
          type: 'browser.revoked',
          personId: me.person.id,
          organizationId,
          ...circumstances(request)
        })
      })
    }
    return await reply.redirect('/me/browsers', 303)
  })

  async function loadLabels (me: Me): Promise<Map<string, string>> {
    const rows = await deps.db
      .selectFrom('knownBrowser')
      .select(['browserHash', 'label'])
      .where('personId', '=', me.person.id)
      .execute()
    return new Map(rows.map(({ browserHash, label }) => [browserHash, label]))
  }
}

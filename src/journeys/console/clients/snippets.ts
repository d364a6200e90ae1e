/** 接入代码: complete code with this client's values, and every endpoint beside it. The secret is never in it. */
import {
  listEndpoints,
  makeDeviceSnippet,
  makeSnippets,
  toDeviceClient,
  toSnippetClient
} from '../../developers/index.ts'
import type { Console } from '../console.ts'
import type { WithConsoleLayout } from '../layout.ts'
import { describeOwnClient, buildLayout, readers, type ClientLayout } from './layout.ts'

export interface ClientSnippetsPage extends WithConsoleLayout {
  client: ClientLayout
  endpoints: Array<{ name: string; value: string }>
  snippets: Array<{
    id: string
    title: string
    files: Array<{ name: string; language: string; text: string }>
    notes: string[]
    otherRedirect: string | null
  }>
  problem: string | null
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/clients/snippets': ClientSnippetsPage
  }
}

export function registerClientSnippets (console: Console): void {
  const { issuer } = console.deps.config
  console.page({
    method: 'GET',
    path: '/admin/clients/:id/snippets',
    roles: readers,
    handler: async (c) => {
      const client = await describeOwnClient(c, console)
      const given = toSnippetClient(client.clientId, { ...client.metadata })
      const made =
        client.kind === 'device'
          ? deviceSnippets()
          : given === null
            ? null
            : makeSnippets(issuer, given, c.t.locale === 'en' ? 'en' : 'zh-CN')
      return c.page('console/clients/snippets', {
        client: buildLayout(c, client, 'snippets'),
        endpoints: Object.entries({ issuer, ...listEndpoints(issuer) }).map(([name, value]) => ({ name, value })),
        snippets:
          made?.ok === true
            ? made.snippets.map(({ id, title, files, notes, redirectUri }) => ({
              id,
              title,
              files,
              notes,
              otherRedirect: redirectUri === (given?.redirectUri ?? '') ? null : redirectUri
            }))
            : [],
        problem:
          made === null
            ? c.t('console.clients.snippets.no_address')
            : made.ok
              ? null
              : c.t('console.clients.snippets.not_plain', { fields: made.faults.map(({ field }) => field).join(', ') })
      })

      function deviceSnippets (): ReturnType<typeof makeSnippets> {
        const device = makeDeviceSnippet(issuer, toDeviceClient(client.clientId, { ...client.metadata }))
        return device.ok ? { ok: true, snippets: [device.snippet] } : device
      }
    }
  })
}

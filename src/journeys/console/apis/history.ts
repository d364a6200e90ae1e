/** Who changed what about an API, and why. */
import { listResourceServerChanges } from '../../../records/resource-servers/index.ts'
import { diffRows, sendChangesCsv } from '../change-history.ts'
import type { Console } from '../console.ts'
import type { WithConsoleLayout } from '../layout.ts'
import { buildPage, readAfter, readList, type Pager } from '../lists.ts'
import { loadApi, buildFrame, listPath, readers, type ApiFrame } from './layout.ts'

export interface ApiHistoryPage extends WithConsoleLayout {
  api: ApiFrame
  rows: Array<{
    at: string
    act: string
    actor: string
    reason: string
    diff: Array<{ field: string; before: string; after: string }>
  }>
  pager: Pager
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/apis/history': ApiHistoryPage
  }
}

export function registerApiHistory (console: Console): void {
  const { db } = console.deps
  console.page({
    method: 'GET',
    path: `${listPath}/:id/history`,
    roles: readers,
    handler: async (c) => {
      const api = await loadApi(c, console)
      const asked = readList(c.request, [], ['number'])
      const found = await listResourceServerChanges(db, api.identifier, { after: readAfter(asked), limit: asked.limit })
      const { rows, pager } = buildPage(asked, found, ({ id }) => [String(id)])
      if (asked.csv) return sendChangesCsv(c, 'api-history.csv', rows)
      return c.page('console/apis/history', {
        api: buildFrame(api),
        rows: rows.map(({ at, act, actor, reason, diff }) => ({
          at: at.toISOString(),
          act: c.t(`console.apis.act.${act}`),
          actor,
          reason,
          diff: diffRows(diff)
        })),
        pager
      })
    }
  })
}

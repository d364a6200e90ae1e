/** Changes of APIs that another administrator must approve. */
import { diffContent } from '../../../domain/client/diff.ts'
import { weakenedProtections } from '../../../domain/resource-server/dual-control.ts'
import {
  applyResourceServerRequest,
  pickContent,
  findResourceServer,
  holdResourceServer,
  listGrantedClients,
  resourceServerChangeKind,
  type ResourceServerRequest,
  type ResourceServersDeps
} from '../../../records/resource-servers/index.ts'
import { diffFact, toApprovalResult } from '../change-history.ts'
import type { Console } from '../console.ts'

export function registerApiChanges ({
  deps,
  approvals
}: {
  deps: Pick<ResourceServersDeps, 'audit' | 'config' | 'crypto'>
  approvals: Console['approvals']
}): void {
  approvals.register<ResourceServerRequest>(resourceServerChangeKind, {
    async findRow (on, { identifier }) {
      const api = await findResourceServer(on, identifier)
      return api === null ? null : api.createdAt.toISOString()
    },
    async hold (trx, { identifier }) {
      await holdResourceServer(trx, identifier)
    },
    async describe (on, { identifier, version, content }, t) {
      const api = await findResourceServer(on, identifier)
      if (api === null) return null
      const granted = await listGrantedClients(on, identifier)
      const reasons = weakenedProtections(api, content, granted.length > 0)
      return {
        title: t('console.approvals.change.resource-server.change'),
        facts: [
          { name: t('console.apis.field.identifier'), value: identifier },
          { name: t('console.apis.name'), value: api.names['zh-CN'] },
          { name: t('console.apis.clients'), value: granted.map(({ clientId }) => clientId).join('\n') || '—' },
          ...reasons.map((reason) => ({ name: t('console.clients.dual_control'), value: t(`console.apis.dual_control.${reason}`) })),
          ...diffContent(pickContent(api), content).map(diffFact)
        ],
        basis: `${version} ${api.version}`
      }
    },
    async apply (trx, request, { act, requestedBy }) {
      const changed = await applyResourceServerRequest(trx, deps, {
        act: { ...act, reason: `${act.reason} (${requestedBy})` },
        request
      })
      return toApprovalResult(changed.outcome)
    }
  })
}

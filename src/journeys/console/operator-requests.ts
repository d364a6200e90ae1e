/**
 * Requests of the command line: they wait in the console, where another administrator decides, and take effect there.
 */
import { adminTranslator, type AdminTranslate } from '../../http/locale.ts'
import { createApprovals, type Approvals } from '../../records/approvals/index.ts'
import type { RegistryServices } from '../../records/clients/index.ts'
import { registerApiChanges } from './apis/approval.ts'
import { registerClientChanges } from './clients/layout.ts'

export type OperatorRequests = Pick<Approvals<AdminTranslate>, 'request' | 'approversLeft'>

export function createOperatorRequests (deps: RegistryServices): OperatorRequests {
  const approvals = createApprovals(deps, adminTranslator('zh-CN'))
  registerClientChanges({ deps, approvals })
  registerApiChanges({ deps, approvals })
  return approvals
}

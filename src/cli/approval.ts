/**
 * Acts of the command line that one person may not decide: they wait in the console until a security administrator
 * approves them, and take effect there. Without approval only where no security administrator is left.
 */
import type { Transaction } from 'kysely'
import type { Database } from '../database/schema.ts'
import type { Act } from '../domain/administration/administration.ts'
import { approvalKinds } from '../domain/administration/approval-kinds.ts'
import { createOperatorRequests } from '../journeys/console/index.ts'
import type { ApprovalWanted, AskApproval, RegistryServices } from '../records/clients/index.ts'
import { WrongUse } from './arguments.ts'

/** Exit code: done, but for what waits for an approval. */
export const exitWaiting = 4

/** How an act gets its approval: `ask` stores a request; null = there is nobody who could decide, and it is done. */
export async function readApproval (
  deps: RegistryServices,
  values: { emergency?: boolean | undefined },
  act: Act
): Promise<AskApproval | null> {
  const requests = createOperatorRequests(deps)
  if (values.emergency === true) {
    const { approvers } = approvalKinds['client.change']
    if ((await requests.approversLeft(approvers, act.actor)) > 0) {
      throw new WrongUse('--emergency: there is a security administrator, who approves in the console.')
    }
    return null
  }
  return async (trx, wanted) => (await requests.request(trx, wanted)).id
}

/** The alarm of an act that was done without the approval it needs. */
export async function recordUnapproved (
  trx: Transaction<Database>,
  { audit }: Pick<RegistryServices, 'audit'>,
  { subject, reasons, act }: Pick<ApprovalWanted, 'subject' | 'act'> & { reasons: readonly string[] }
): Promise<void> {
  await audit.record(trx, { type: 'change.unapproved', ...act, details: { subject, reasons: [...reasons] } })
}

export const waitingText = (issuer: string, waiting: readonly string[]): string =>
  waiting.map((id) => `waits for a security administrator: ${issuer}/admin/approvals/${id}`).join('\n')

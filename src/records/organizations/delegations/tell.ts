import { maskName } from '../../../domain/identity/masking.ts'
import type { OrganizationsDeps } from '../deps.ts'
import { notify, type MessageKind } from '../../messages/index.ts'
import type { Trx } from '../repository.ts'
import { personById } from '../../persons/index.ts'

export interface Told {
  id: string
  version: number
  agentId: string
  validTo: string
  organization: { uscc: string; name: string; legalRepresentativeId: string | null }
}

interface TellInput {
  kind: MessageKind
  about: Told
  reason?: string | null;
  to?: 'both' | 'agent' | 'legal_representative'
}

/** Notifies agent and legal representative, each once, in the inbox and by short message. */
export async function tell (
  trx: Trx,
  deps: Pick<OrganizationsDeps, 'crypto'>,
  { kind, about, reason = null, to = 'both' }: TellInput
): Promise<void> {
  const { organization, agentId } = about
  const agent = await personById(trx, deps.crypto, agentId)
  const data = {
    organization: organization.name,
    uscc: organization.uscc,
    delegationId: about.id,
    version: about.version,
    agent: maskName(agent?.name ?? ''),
    validTo: about.validTo,
    reason
  }
  const persons = new Set([
    ...(to === 'legal_representative' ? [] : [agentId]),
    ...(to === 'agent' || organization.legalRepresentativeId === null ? [] : [organization.legalRepresentativeId])
  ])
  for (const personId of persons) await notify(trx, deps, { personId, kind, data, sms: true })
}

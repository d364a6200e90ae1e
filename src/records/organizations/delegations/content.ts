import { sql } from 'kysely'
import { delegationDigest, type DelegationContent } from '../../../domain/representation/delegation.ts'
import { maskCertNo, maskName } from '../../../domain/identity/masking.ts'
import type { OrganizationsDeps } from '../deps.ts'
import type { Db } from '../repository.ts'
import { personById } from '../../persons/index.ts'

type Fields = Pick<DelegationContent, 'version' | 'functions' | 'clientIds' | 'validFrom' | 'validTo'> & {
  delegationId: string
  agentId: string
  organization: DelegationContent['organization']
}

/** What is shown and approved; null when there is no such agent. */
export async function loadContent (
  db: Db,
  { crypto }: Pick<OrganizationsDeps, 'crypto'>,
  { agentId, ...fields }: Fields
): Promise<DelegationContent | null> {
  const agent = await personById(db, crypto, agentId)
  if (agent === null) return null
  const { id, uscc, name } = fields.organization
  return {
    ...fields,
    organization: { id, uscc, name },
    agent: { personId: agentId, maskedName: maskName(agent.name), maskedCertNo: maskCertNo(agent.certNo) }
  }
}

/** The present content of a stored version. */
export async function storedContent (
  db: Db,
  deps: Pick<OrganizationsDeps, 'crypto'>,
  { id, version }: { id: string; version: number }
): Promise<{ content: DelegationContent; digest: string | null; state: string } | null> {
  const row = await db
    .selectFrom('delegation as d')
    .innerJoin('organization as o', 'o.id', 'd.organizationId')
    .select([
      'd.agentId',
      'd.functions',
      'd.clientIds',
      'd.validFrom',
      'd.validTo',
      'd.digest',
      'd.state',
      'o.id as organizationId',
      'o.uscc',
      'o.name'
    ])
    .where('d.id', '=', id)
    .where('d.version', '=', version)
    .executeTakeFirst()
  if (row === undefined) return null
  const content = await loadContent(db, deps, {
    delegationId: id,
    version,
    organization: { id: row.organizationId, uscc: row.uscc, name: row.name },
    agentId: row.agentId,
    functions: row.functions,
    clientIds: row.clientIds,
    validFrom: row.validFrom,
    validTo: row.validTo
  })
  return content === null ? null : { content, digest: row.digest, state: row.state }
}

/**
 * A submitted version with the digest it was submitted under. Null when it is not submitted, or when what it shows has
 * changed since (the agent's document was corrected): then nothing is left to approve.
 */
export async function submittedContent (
  db: Db,
  deps: Pick<OrganizationsDeps, 'crypto'>,
  { id, version }: { id: string; version: number }
): Promise<{ content: DelegationContent; digest: string } | null> {
  const stored = await storedContent(db, deps, { id, version })
  if (stored === null || stored.state !== 'submitted' || stored.digest !== delegationDigest(stored.content)) {
    return null
  }
  return { content: stored.content, digest: stored.digest }
}

/** An organization got another name: open applications show it, so an approval of the old text is refused as stale. */
export async function refreshDigests (
  trx: Db,
  deps: Pick<OrganizationsDeps, 'crypto'>,
  organizationId: string
): Promise<void> {
  const rows = await trx
    .selectFrom('delegation')
    .select(['id', 'version'])
    .where('organizationId', '=', organizationId)
    .where('state', '=', 'submitted')
    .execute()
  for (const { id, version } of rows) {
    const stored = await storedContent(trx, deps, { id, version })
    if (stored === null) continue
    await trx
      .updateTable('delegation')
      .set({ digest: sql<string>`${delegationDigest(stored.content)}` })
      .where('id', '=', id)
      .where('version', '=', version)
      .where('state', '=', 'submitted')
      .execute()
  }
}

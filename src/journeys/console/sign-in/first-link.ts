/**
 * The link for the first administrator: there is no default account, but an operator at the machine may make a link
 * that is good once.
 */
import { inTransaction } from '../../../database/transaction.ts'
import type { Act, AdminRole } from '../../../domain/administration/administration.ts'
import type { ConsoleDeps } from '../deps.ts'
import { hasActive, makeLink } from '../../../records/administrators/index.ts'

type Parts = Pick<ConsoleDeps, 'db' | 'audit' | 'config'>

/**
 * A link for a new account of this role, good once and for 30 minutes. Null: there is an active account of the role
 * already, and `force` was not given (for when all its credentials are lost).
 */
export async function operatorLink (
  { db, audit, config }: Parts,
  { role, act, force = false }: { role: AdminRole; act: Pick<Act, 'actor' | 'reason'>; force?: boolean | undefined }
): Promise<string | null> {
  return await inTransaction(db, async (trx) => {
    if (!force && (await hasActive(trx, role))) return null
    const link = await makeLink(trx, config.issuer, {
      purpose: 'bootstrap',
      role,
      accountId: null,
      createdBy: act.actor,
      codeMac: null
    })
    await audit.record(trx, {
      type: 'staff.link-made',
      ...act,
      role,
      details: { purpose: 'bootstrap', forced: force }
    })
    return link
  })
}

/** For the banner of a demonstration: null as soon as anybody can sign in. */
export async function firstLink (deps: Parts): Promise<string | null> {
  return (await hasActive(deps.db))
    ? null
    : await operatorLink(deps, { role: 'system', act: { actor: 'operator:start', reason: 'first start' } })
}

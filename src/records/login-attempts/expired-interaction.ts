import type { LoginAttemptsDeps } from './deps.ts'
import { clientPolicy } from '../../domain/client/policy.ts'
import { findAttempt, type StoredRequest } from './attempts.ts'

export type ExpiredInteraction =
  /** The same authorization request, to be made again. */
  | { restart: string }
  /** Finished, or not this browser's: where the person may start again, when the site has registered an address. */
  | { restart: null; back: { href: string; name: string; lang: string } | null }

/** How to go on when the interaction has expired or is used, from the login attempt of this browser. */
export async function findExpiredInteraction (
  { db }: Pick<LoginAttemptsDeps, 'db'>,
  uid: string,
  browserHash: string | null
): Promise<ExpiredInteraction> {
  const row = await findAttempt(db, uid)
  if (row === undefined || row.browserHash !== browserHash) return { restart: null, back: null }
  const { params, device } = row.request as StoredRequest
  // a device made the request, so there is none to repeat: the person types in the code, which stays this browser's
  if (row.finishedAt === null && device === true) return { restart: '/device' }
  if (row.finishedAt === null) return { restart: `/oidc/auth?${new URLSearchParams(params).toString()}` }
  const client = await db.selectFrom('client').select('policy').where('clientId', '=', row.clientId).executeTakeFirst()
  const { homeUri, names } = clientPolicy(client?.policy)
  return { restart: null, back: homeUri === undefined ? null : { href: homeUri, name: names['zh-CN'], lang: 'zh-CN' } }
}

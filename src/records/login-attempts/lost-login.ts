import type { LoginAttemptsDeps } from './deps.ts'
import { clientPolicy } from '../../domain/client/policy.ts'
import { findAttempt, type StoredRequest } from './attempts.ts'

export type LostLogin =
  /** The same authorization request, to be made again. */
  | { restart: string }
  /** Finished, or not this browser's: where the person may begin anew, when the site has told. */
  | { restart: null; back: { href: string; name: string; lang: string } | null }

/** The interaction is gone (expired, used): how to go on, from what this browser's attempt remembers. */
export async function lostLogin (
  { db }: Pick<LoginAttemptsDeps, 'db'>,
  uid: string,
  browserHash: string | null
): Promise<LostLogin> {
  const row = await findAttempt(db, uid)
  if (row === undefined || row.browserHash !== browserHash) return { restart: null, back: null }
  const { params, device } = row.request as StoredRequest
  // there is no request of this browser to repeat: the code is typed in again, and is this browser's still
  if (row.finishedAt === null && device === true) return { restart: '/device' }
  if (row.finishedAt === null) return { restart: `/oidc/auth?${new URLSearchParams(params).toString()}` }
  const client = await db.selectFrom('client').select('policy').where('clientId', '=', row.clientId).executeTakeFirst()
  const { homeUri, names } = clientPolicy(client?.policy)
  return { restart: null, back: homeUri === undefined ? null : { href: homeUri, name: names['zh-CN'], lang: 'zh-CN' } }
}

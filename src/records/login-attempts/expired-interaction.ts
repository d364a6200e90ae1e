import { sql } from 'kysely'
import type { LoginAttemptsDeps } from './deps.ts'
import { clientPolicy } from '../../domain/client/policy.ts'
import { readParameters, type StoredRequest } from './attempts.ts'

export type ExpiredInteraction =
  /**
   * The same authorization request, to be made again; `finished`: the login ended a moment ago, so repeating it signs
   * in the same person.
   */
  | { restart: string; finished: boolean }
  /**
   * Finished some time ago, or another browser's: the address where the person may start again, if the site has one.
   */
  | { restart: null; back: { href: string; name: string; lang: string } | null }

/** Seconds in which a browser that lost the answer to a finished login may make the same request again. */
const repeatableSeconds = 60

/** How to continue when the interaction has expired or is used, from the login attempt of this browser. */
export async function findExpiredInteraction (
  { db, crypto }: LoginAttemptsDeps,
  uid: string,
  browserHash: string | null
): Promise<ExpiredInteraction> {
  const row = await db
    .selectFrom('loginAttempt')
    .select(['browserHash', 'clientId', 'request'])
    .select(sql<boolean>`finished_at is not null`.as('finished'))
    .select(sql<boolean>`coalesce(finished_at < now() - make_interval(secs => ${repeatableSeconds}), false)`.as('past'))
    .where('uid', '=', uid)
    .executeTakeFirst()
  if (row === undefined || row.browserHash !== browserHash) return { restart: null, back: null }
  const request = row.request as StoredRequest
  const { device } = request
  // a device made the request, so there is none to repeat: the person types in the code, which this browser keeps
  if (!row.finished && device === true) return { restart: '/device', finished: false }
  if (!row.past && device !== true) {
    const params = new URLSearchParams(readParameters(crypto, uid, request))
    return { restart: `/oidc/auth?${params.toString()}`, finished: row.finished }
  }
  const client = await db.selectFrom('client').select('policy').where('clientId', '=', row.clientId).executeTakeFirst()
  const { homeUri, names } = clientPolicy(client?.policy)
  return { restart: null, back: homeUri === undefined ? null : { href: homeUri, name: names['zh-CN'], lang: 'zh-CN' } }
}

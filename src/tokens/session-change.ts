/**
 * What one request changed in a session, as a difference to what it read. Requests of one browser run at the same time
 * (several relying sites, several tabs); writing differences keeps what the others wrote.
 *
 * Grant identifiers are not stored: each request makes a new grant, so storing the last one would only turn every
 * single sign-on into a write. The context of the grant is stored, because it says whom the `sid` of a client stands
 * for.
 */
import { isDeepStrictEqual } from 'node:util'
import type { GrantContext } from './grant-id.ts'

export interface StoredSession {
  /** The identifier as stored (SHA-256 of the cookie's value). */
  id: string
  uid: string
  payload: SessionPayload
  /** Epoch seconds, both of the database's clock. */
  startedAt: number
  expiresAt: number
}

export interface ClientAuthorization {
  sid?: string
  grantId?: string
  contextId?: string
  representation?: unknown
  /** The representation ended; the entry has no `sid`, and keeps what it was until the person chooses again. */
  ended?: boolean
  [member: string]: unknown
}

export interface SessionPayload {
  uid?: string
  accountId?: string
  authorizations?: Record<string, ClientAuthorization>
  exp?: number
  [member: string]: unknown
}

export interface SessionChange {
  /** Members with a new value, and members that are gone. */
  set: Record<string, unknown>
  unset: string[]
  /** The same for the entries of `authorizations`. */
  clients: Record<string, ClientAuthorization>
  clientsGone: string[]
}

/** What a session keeps besides `authorizations` and times: the library's members, and Kora's `confined`. */
export const sessionMembers = ['accountId', 'acr', 'amr', 'loginTs', 'transient', 'state', 'confined']

/** `authorizations` as stored: without grant identifiers, with the context each of them carried. */
export function storable (
  authorizations: Record<string, ClientAuthorization> | undefined,
  readContext: (grantId: string) => GrantContext | undefined
): Record<string, ClientAuthorization> {
  return Object.fromEntries(
    Object.entries(authorizations ?? {}).map(([clientId, { grantId, ...entry }]) => {
      if (grantId === undefined) return [clientId, entry]
      const { contextId: _previous, representation: _before, ended: _ended, ...rest } = entry
      const context = readContext(grantId)
      if (context === undefined) return [clientId, rest]
      const { id: contextId, ...representation } = context
      return [
        clientId,
        { ...rest, contextId, ...(Object.keys(representation).length === 0 ? {} : { representation }) }
      ]
    })
  )
}

/** `now` is storable. */
export function sessionChange (found: SessionPayload, now: SessionPayload): SessionChange {
  const before = found.authorizations ?? {}
  const after = now.authorizations ?? {}
  return {
    set: Object.fromEntries(
      sessionMembers
        .filter((name) => now[name] !== undefined && !isDeepStrictEqual(now[name], found[name]))
        .map((name) => [name, now[name]])
    ),
    unset: sessionMembers.filter((name) => now[name] === undefined && found[name] !== undefined),
    clients: Object.fromEntries(
      Object.entries(after).filter(([clientId, entry]) => !isDeepStrictEqual(entry, before[clientId]))
    ),
    clientsGone: Object.keys(before).filter((clientId) => !(clientId in after))
  }
}

export function isEmpty ({ set, unset, clients, clientsGone }: SessionChange): boolean {
  return (
    Object.keys(set).length === 0 &&
    unset.length === 0 &&
    Object.keys(clients).length === 0 &&
    clientsGone.length === 0
  )
}

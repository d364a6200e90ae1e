/** What one site of Kora has that another has not: all that the relying party must be told. */
import type { FastifyRequest } from 'fastify'
import type { JWTPayload } from 'jose'
import type { Transaction } from 'kysely'
import type { Database, OwnSiteName } from '../../database/schema.ts'
import type { OwnClient } from '../../oidc/own-client.ts'
import type { AuditEvent } from '../../records/audit/index.ts'
import type { SessionLifetime, SessionSubject, StoredSession } from '../../records/own-sites/index.ts'
import type { ClientSession } from '../../tokens/client-sessions.ts'

/** An ID token that was checked, and the provider's record of the session that it names. */
export interface VerifiedLogin {
  claims: JWTPayload
  clientSession: ClientSession
  request: FastifyRequest
}

export interface Admitted {
  subject: SessionSubject
  /** Recorded when the session begins. */
  event: AuditEvent
}

export interface OwnSite<Subject> {
  name: OwnSiteName
  client: OwnClient
  /** First page of the site; a login that cannot go on begins again there. */
  homePath: string
  /** Where a refused login leads to (RFC 6749 §4.1.2.1 `access_denied`); null = an error page. */
  deniedPath: string | null
  cookie: { name: string; path: string }
  lifetime: SessionLifetime
  /** A page of this site to come back to; anything else is its first page. */
  readReturnPath(value: unknown): string
  /** Parameters of the authorization request beside those that every request has. */
  listParameters(request: FastifyRequest): Record<string, string>
  /** The representation context that the login was finished in. */
  readContextId(claims: JWTPayload): Promise<string>
  /** Who gets a session; null = nobody. */
  admit(trx: Transaction<Database>, login: VerifiedLogin): Promise<Admitted | null>
  /** Whose session it is, as the database says now; null = it has ended. */
  findSubject(session: StoredSession): Promise<Subject | null>
}

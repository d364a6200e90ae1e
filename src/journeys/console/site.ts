/**
 * The console as a site of Kora itself. Every sign-in asks for credentials, and the provider's session of an
 * administrator lasts only until the console has its own: it is ended in the transaction that opens the console's. That
 * one ends at an absolute time and stays known for 30 days. Account and role are looked up at every request.
 */
import type { Kysely } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { consoleClientId, isAdministratorId } from '../../domain/administration/administration.ts'
import type { OwnClient } from '../../oidc/own-client.ts'
import {
  findAdministrator,
  recordSignIn,
  signInMethod,
  type Administrator
} from '../../records/administrators/index.ts'
import type { SessionLifetime } from '../../records/own-sites/index.ts'
import { revokeSession } from '../../tokens/revocation.ts'
import { sweepOwnSite, type OwnSite } from '../own-site/index.ts'
import { returnPath } from './return-path.ts'

const describeClient = (issuer: string): OwnClient => ({
  clientId: consoleClientId,
  secretName: 'console client',
  callback: `${issuer}/admin/callback`,
  policy: {
    ownService: true,
    names: { 'zh-CN': '管理台', en: 'Console' },
    trusted: true,
    subjectKinds: ['person'],
    roles: ['self'],
    homeUri: `${issuer}/admin`
  }
})

export const sessionLifetime: SessionLifetime = { idleSeconds: 900, absoluteSeconds: 8 * 3600, keptDays: 30 }

export function describeSite ({
  db,
  config: { issuer }
}: {
  db: Kysely<Database>
  config: { issuer: string }
}): OwnSite<Administrator> {
  return {
    name: 'console',
    client: describeClient(issuer),
    homePath: '/admin',
    deniedPath: null,
    // sent to /admin only, so that no page for citizens ever sees it
    cookie: { name: 'kora_admin', path: '/admin' },
    lifetime: sessionLifetime,
    readReturnPath: returnPath,
    listParameters: () => ({
      prompt: 'login',
      // the provider's session that is to be ended
      claims: JSON.stringify({ id_token: { sid: null, amr: null } })
    }),
    readContextId: async () => 'self',

    async admit (trx, { claims, clientSession, request }) {
      const { accountId, sessionUid } = clientSession
      if (!isAdministratorId(accountId) || sessionUid === null) return null
      await revokeSession(trx, sessionUid)
      if (!(await recordSignIn(trx, accountId))) return null
      const method = signInMethod(claims['amr'])
      return {
        subject: { accountId, method, browserLabel: request.browserLabel },
        event: { type: 'staff.signed-in', actor: `admin:${accountId}`, details: { method } }
      }
    },

    findSubject: async (session) => await findAdministrator(db, session)
  }
}

/** Deletes at most `limit` authorization requests and as many sessions of the console. Returns how many. */
export const sweepConsole = async (db: Kysely<Database>, limit = 500): Promise<number> =>
  await sweepOwnSite(db, { name: 'console', lifetime: sessionLifetime }, limit)

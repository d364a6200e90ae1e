/** The console as a relying site of Kora itself; and its own side of the login: authorization requests under way. */
import { sql } from 'kysely'
import { consoleClientId } from '../../domain/administration/administration.ts'
import { ensureOwnClient, type OwnClient } from '../../oidc/own-client.ts'
import type { ConsoleDeps } from './deps.ts'
import { hashOf, newSecret } from '../../records/administrators/index.ts'

/** As long as the provider keeps an interaction, and a minute for the way back. */
const loginSeconds = 960

export const clientOf = (issuer: string): OwnClient => ({
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

/** @returns the secret */
export const ensureConsoleClient = async (deps: Pick<ConsoleDeps, 'db' | 'crypto' | 'config'>): Promise<string> =>
  await ensureOwnClient(deps, clientOf(deps.config.issuer))

export async function startLogin (
  { db, crypto }: Pick<ConsoleDeps, 'db' | 'crypto'>,
  { browserHash, returnTo }: { browserHash: string; returnTo: string }
): Promise<{ state: string; nonce: string; verifier: string }> {
  const [state, nonce, verifier] = [newSecret(), newSecret(), newSecret()]
  const stateHash = hashOf(state)
  await db
    .insertInto('adminLogin')
    .values({
      stateHash,
      browserHash,
      nonce,
      verifierEnc: crypto.encrypt('admin_login', 'verifier_enc', stateHash, verifier),
      returnTo,
      expiresAt: sql<Date>`now() + make_interval(secs => ${loginSeconds})`
    })
    .execute()
  return { state, nonce, verifier }
}

/** Once, and by the browser that started it (RFC 6749 §10.12). Null = unknown, used, too old, or another browser's. */
export async function takeLogin (
  { db, crypto }: Pick<ConsoleDeps, 'db' | 'crypto'>,
  state: string,
  browserHash: string
): Promise<{ nonce: string; verifier: string; returnTo: string } | null> {
  const stateHash = hashOf(state)
  const row = await db
    .deleteFrom('adminLogin')
    .where('stateHash', '=', stateHash)
    .where('browserHash', '=', browserHash)
    .where('expiresAt', '>', sql<Date>`now()`)
    .returning(['nonce', 'verifierEnc', 'returnTo'])
    .executeTakeFirst()
  return row === undefined
    ? null
    : {
        nonce: row.nonce,
        returnTo: row.returnTo,
        verifier: crypto.decrypt('admin_login', 'verifier_enc', stateHash, row.verifierEnc)
      }
}

/**
 * Signing in with login name, password and one-time code, where no passkey is possible. Every failure gives the same
 * answer in the same time. Guessing is slowed for the source that guesses; passkeys, and a browser in which the account
 * has been used, are never slowed by strangers.
 */
import { sql } from 'kysely'
import { normalisePassword } from '../../domain/login/password-policy.ts'
import type { AdministratorsDeps } from './deps.ts'
import type { Throttle } from '../throttle/index.ts'
import { parseLoginName } from './accounts.ts'
import { hasUsedBrowser } from '../own-sites/index.ts'
import { newTotpSecret, totpStep } from './totp.ts'

export interface PasswordTry {
  loginName: string
  password: string
  code: string
  source: string
  browserHash: string
}
export type PasswordOutcome =
  | { ok: true; accountId: string }
  | { ok: false; code: 'wrong' }
  | { ok: false; code: 'throttled'; retryAfterSeconds: number }

// compared with when there is no account, because both cases must take the same time
const decoy = newTotpSecret()

/** On success the code is used up. */
export async function verifyAdministratorPassword (
  deps: Pick<AdministratorsDeps, 'db' | 'crypto' | 'hasher' | 'clock'>,
  throttle: Throttle,
  attempt: PasswordTry
): Promise<PasswordOutcome> {
  const { db, crypto } = deps
  const loginName = parseLoginName(attempt.loginName)
  const account =
    loginName === null
      ? undefined
      : await db
        .selectFrom('adminAccount')
        .select(['id', 'passwordHash', 'totpSecretEnc'])
        .where('loginName', '=', loginName)
        .where('status', '=', 'active')
        .executeTakeFirst()
  const knownBrowser = account !== undefined && (await hasUsedBrowser(db, account.id, attempt.browserHash))
  const turn = await throttle.begin({
    identifier: `admin:${loginName ?? attempt.loginName.slice(0, 64)}`,
    source: attempt.source,
    knownBrowser
  })
  if (!turn.allowed) return { ok: false, code: 'throttled', retryAfterSeconds: turn.retryAfterSeconds }
  try {
    const right = await deps.hasher.verify(
      account?.passwordHash ?? null,
      normalisePassword(attempt.password) ?? ''
    )
    const secret =
      account === undefined || account.totpSecretEnc === null
        ? decoy
        : crypto.decrypt('admin_account', 'totp_secret_enc', account.id, account.totpSecretEnc)
    const step = totpStep(secret, attempt.code, deps.clock.now())
    // a code is good once (RFC 6238 §5.2): also for two requests at the same time
    const used =
      right && step !== null && account !== undefined && account.totpSecretEnc !== null
        ? await db
          .updateTable('adminAccount')
          .set({ totpLastStep: step })
          .where('id', '=', account.id)
          .where('totpLastStep', '<', step)
          .where('status', '=', 'active')
          .where(sql<boolean>`totp_secret_enc = ${account.totpSecretEnc}`)
          .returning('id')
          .executeTakeFirst()
        : undefined
    await turn.settle(used !== undefined)
    return used === undefined ? { ok: false, code: 'wrong' } : { ok: true, accountId: used.id }
  } catch (error) {
    await turn.release()
    throw error
  }
}

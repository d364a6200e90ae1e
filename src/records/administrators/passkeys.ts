/**
 * Passkeys (W3C WebAuthn Level 3): discoverable, with the user verified by the authenticator, bound to our host by the
 * browser. A challenge is answered once, by the browser that asked for it, within five minutes.
 */
import { isIP } from 'node:net'
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type AuthenticationResponseJSON,
  type RegistrationResponseJSON
} from '@simplewebauthn/server'
import { sql, type Kysely, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { AdministratorsDeps } from './deps.ts'

type Db = Kysely<Database> | Transaction<Database>
export type CeremonyPurpose = 'sign-in' | 'enrol' | 'again'

const seconds = 300

/** WebAuthn needs a host name (an IP address is none) and a secure context: https, or this machine itself. */
export function passkeysPossible (issuer: string): boolean {
  const { protocol, hostname } = new URL(issuer)
  return isIP(hostname.replace(/^\[|\]$/g, '')) === 0 && (protocol === 'https:' || hostname === 'localhost')
}

const readHost = (issuer: string): string => new URL(issuer).hostname

async function keepChallenge (
  db: Db,
  {
    challenge,
    browserHash,
    purpose,
    accountId
  }: { challenge: string; browserHash: string; purpose: CeremonyPurpose; accountId: string | null }
): Promise<void> {
  await db
    .insertInto('adminCeremony')
    .values({
      challenge,
      browserHash,
      purpose,
      accountId,
      expiresAt: sql<Date>`now() + make_interval(secs => ${seconds})`
    })
    .execute()
}

/** Consumes the challenge of an answer, once. Null: unknown, answered, outdated, or of another browser or purpose. */
async function takeChallenge (
  db: Db,
  { challenge, browserHash, purpose }: { challenge: string; browserHash: string; purpose: CeremonyPurpose }
): Promise<{ accountId: string | null } | null> {
  return (
    (await db
      .deleteFrom('adminCeremony')
      .where('challenge', '=', challenge)
      .where('browserHash', '=', browserHash)
      .where('purpose', '=', purpose)
      .where('expiresAt', '>', sql<Date>`now()`)
      .returning('accountId')
      .executeTakeFirst()) ?? null
  )
}

export async function beginPasskeySignIn (
  { db, config }: Pick<AdministratorsDeps, 'db' | 'config'>,
  browserHash: string,
  again: { accountId: string } | null
): Promise<object> {
  const allowed =
    again === null
      ? []
      : await db.selectFrom('adminCredential').select(['id']).where('accountId', '=', again.accountId).execute()
  const options = await generateAuthenticationOptions({
    rpID: readHost(config.issuer),
    userVerification: 'required',
    timeout: seconds * 1000,
    ...(again === null ? {} : { allowCredentials: allowed })
  })
  await keepChallenge(db, {
    challenge: options.challenge,
    browserHash,
    purpose: again === null ? 'sign-in' : 'again',
    accountId: again?.accountId ?? null
  })
  return options
}

export async function beginEnrolment (
  { db, config }: Pick<AdministratorsDeps, 'db' | 'config'>,
  browserHash: string,
  account: { accountId: string | null; handle: string; loginName: string; displayName: string }
): Promise<object> {
  const known =
    account.accountId === null
      ? []
      : await db.selectFrom('adminCredential').select('id').where('accountId', '=', account.accountId).execute()
  const options = await generateRegistrationOptions({
    rpName: 'Kora',
    rpID: readHost(config.issuer),
    userName: account.loginName,
    userDisplayName: account.displayName,
    userID: new TextEncoder().encode(account.handle),
    attestationType: 'none',
    timeout: seconds * 1000,
    excludeCredentials: known,
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: [-7, -257]
  })
  await keepChallenge(db, {
    challenge: options.challenge,
    browserHash,
    purpose: 'enrol',
    accountId: account.accountId
  })
  return options
}

/** The posted answer, if it is well-formed. */
function parsed<Answer> (text: string): { id: string; response: Answer; challenge: string } | null {
  try {
    const value = JSON.parse(text) as { id?: unknown; response?: { clientDataJSON?: unknown } }
    const client = JSON.parse(Buffer.from(String(value.response?.clientDataJSON), 'base64url').toString()) as {
      challenge?: unknown
    }
    if (
      typeof value.id !== 'string' ||
      !/^[\w-]{16,1400}$/.test(value.id) ||
      typeof client.challenge !== 'string' ||
      client.challenge.length > 200
    ) {
      return null
    }
    return { id: value.id, response: value as Answer, challenge: client.challenge }
  } catch {
    return null
  }
}

export interface NewPasskey {
  id: string
  publicKey: string
  signCount: number
  transports: string[]
}

/** Null for every fault. The challenge is used up. */
export async function finishEnrolment (
  { db, config }: Pick<AdministratorsDeps, 'db' | 'config'>,
  { browserHash, accountId, text }: { browserHash: string; accountId: string | null; text: string }
): Promise<NewPasskey | null> {
  const answer = parsed<RegistrationResponseJSON>(text)
  const ceremony =
    answer === null ? null : await takeChallenge(db, { challenge: answer.challenge, browserHash, purpose: 'enrol' })
  if (answer === null || ceremony === null || ceremony.accountId !== accountId) return null
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: answer.response,
      expectedChallenge: answer.challenge,
      expectedOrigin: config.issuer,
      expectedRPID: readHost(config.issuer),
      requireUserVerification: true
    })
    if (!verified) return null
    const { id, publicKey, counter, transports } = registrationInfo.credential
    return {
      id,
      publicKey: Buffer.from(publicKey).toString('base64url'),
      signCount: counter,
      transports: (transports ?? []).slice(0, 8).map(String)
    }
  } catch {
    return null
  }
}

export async function keepPasskey (
  trx: Transaction<Database>,
  { accountId, label, passkey }: { accountId: string; label: string; passkey: NewPasskey }
): Promise<void> {
  await trx
    .insertInto('adminCredential')
    .values({
      id: passkey.id,
      accountId,
      publicKey: passkey.publicKey,
      signCount: passkey.signCount,
      transports: JSON.stringify(passkey.transports),
      label
    })
    .execute()
}

/** The administrator whose passkey answered, or null for every fault. The challenge is used up. */
export async function finishPasskey (
  { db, config }: Pick<AdministratorsDeps, 'db' | 'config'>,
  { browserHash, again, text }: { browserHash: string; again: { accountId: string } | null; text: string }
): Promise<string | null> {
  const answer = parsed<AuthenticationResponseJSON>(text)
  const ceremony =
    answer === null
      ? null
      : await takeChallenge(db, {
        challenge: answer.challenge,
        browserHash,
        purpose: again === null ? 'sign-in' : 'again'
      })
  if (answer === null || ceremony === null || ceremony.accountId !== (again?.accountId ?? null)) return null
  const stored = await db
    .selectFrom('adminCredential as key')
    .innerJoin('adminAccount as account', 'account.id', 'key.accountId')
    .select(['key.accountId', 'key.publicKey', 'key.signCount'])
    .where('key.id', '=', answer.id)
    .where('account.status', '=', 'active')
    .executeTakeFirst()
  if (stored === undefined || (again !== null && stored.accountId !== again.accountId)) return null
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: answer.response,
      expectedChallenge: answer.challenge,
      expectedOrigin: config.issuer,
      expectedRPID: readHost(config.issuer),
      requireUserVerification: true,
      credential: {
        id: answer.id,
        publicKey: new Uint8Array(Buffer.from(stored.publicKey, 'base64url')),
        counter: stored.signCount
      }
    })
    if (!verified) return null
    // two answers with the same counter: the authenticator or an answer was copied
    const used = await db
      .updateTable('adminCredential')
      .set({ signCount: authenticationInfo.newCounter, lastUsedAt: sql<Date>`now()` })
      .where('id', '=', answer.id)
      .where('signCount', '=', stored.signCount)
      .returning('id')
      .executeTakeFirst()
    return used === undefined ? null : stored.accountId
  } catch {
    return null
  }
}

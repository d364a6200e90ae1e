import type { Kysely, Transaction } from 'kysely'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import { DomainError } from '../../domain/errors.ts'
import {
  expel,
  keyTimes,
  makeKey,
  publicMaxAge,
  publish,
  removeKey,
  rotate,
  type KeyChange,
  type SigningAlg
} from '../../tokens/signing-keys.ts'
import type { Audit, AuditDetails } from '../audit/index.ts'

export interface KeyServices {
  db: Kysely<Database>
  crypto: FieldCrypto
  audit: Audit
}

/** An administrator's or operator's act, or the schedule's. */
export type KeyAct = Omit<Act, 'actor'> & { actor: Act['actor'] | 'system' }

const changeBy = (act: KeyAct): KeyChange => ({ by: act.actor, reason: act.reason })

type KeyEvent = 'signing-key.created' | 'signing-key.activated' | 'signing-key.retired' | 'signing-key.removed'

interface RecordInput {
  audit: Audit
  act: KeyAct
  type: KeyEvent
  details: AuditDetails
}

const record = async (trx: Transaction<Database>, { audit, act, type, details }: RecordInput): Promise<void> => {
  await audit.record(trx, {
    type,
    ...act,
    details
  })
}

/**
 * Publish the key that will sign next. Returns its kid.
 * @throws DomainError `signing_key_published`: there is a successor already
 */
export async function publishNext ({ db, crypto, audit }: KeyServices, act: KeyAct, alg: SigningAlg): Promise<string> {
  const key = await makeKey(crypto, alg)
  await inTransaction(db, async (trx) => {
    await publish(trx, key, changeBy(act))
    await record(trx, { audit, act, type: 'signing-key.created', details: { kid: key.kid, alg } })
  })
  return key.kid
}

export interface RotationResult {
  /** Kid that signs from now on. */
  active: string
  /** Kid that only verifies from now on. */
  retired: string | null
  /** Seconds until the retired one is taken out of the JWKS. */
  removedAfterSeconds: number
}

/**
 * The published successor signs from now on, in the caller's transaction (an approval by a second person runs it).
 * @throws DomainError `signing_key_missing` (publish first), `signing_key_too_young` (published less than two hours
 * ago)
 */
export async function rotateNow (
  trx: Transaction<Database>,
  { audit }: Pick<KeyServices, 'audit'>,
  act: KeyAct,
  alg: SigningAlg
): Promise<RotationResult> {
  const { active, retired } = await rotate(trx, { alg, publishedSeconds: keyTimes.published, change: changeBy(act) })
  await record(trx, { audit, act, type: 'signing-key.activated', details: { kid: active, alg } })
  if (retired !== null) await record(trx, { audit, act, type: 'signing-key.retired', details: { kid: retired, alg } })
  return { active, retired, removedAfterSeconds: keyTimes.retired }
}

/**
 * Removes a key from the JWKS that was retired long enough ago, or a successor that shall never sign. @throws
 * DomainError `signing_key_in_use`: unknown, active, or retired less than a day ago
 */
export async function removeRetired (
  trx: Transaction<Database>,
  { keyServices: { audit }, act, kid }: { keyServices: Pick<KeyServices, 'audit'>; act: KeyAct; kid: string }
): Promise<void> {
  await removeKey(trx, { kid, retiredSeconds: keyTimes.retired, change: changeBy(act) })
  await record(trx, { audit, act, type: 'signing-key.removed', details: { kid } })
}

export interface EmergencyResult {
  removed: string
  was: 'pre-published' | 'active' | 'retired'
  /** Kid that signs instead; null when the removed one did not sign. */
  active: string | null
  /**
   * False: relying sites must fetch the JWKS again before they can verify new tokens (standard libraries do, by the
   * unknown kid).
   */
  successorKnown: boolean
  /** Seconds for which a relying site may still accept the leaked key from its copy of the JWKS. */
  sitesMayTrustForSeconds: number
}

/**
 * "This key leaked": it leaves the JWKS now, and the successor signs at once; Kora accepts nothing more that the key
 * signed. One operator may do it alone: waiting for a second person would leave the key in use. @throws DomainError
 * `signing_key_unknown`: no such key, or removed already
 */
export async function emergencyRemoval (
  { db, crypto, audit }: KeyServices,
  act: KeyAct,
  kid: string
): Promise<EmergencyResult> {
  const found = await db
    .selectFrom('signingKey')
    .select('alg')
    .where('kid', '=', kid)
    .where('state', '<>', 'removed')
    .executeTakeFirst()
  if (found === undefined) throw new DomainError('signing_key_unknown', { kid })
  const spare = await makeKey(crypto, found.alg as SigningAlg)
  return await inTransaction(db, async (trx) => {
    const { alg, was, successor, successorKnown } = await expel(trx, { kid, spare, change: changeBy(act) })
    await record(trx, { audit, act, type: 'signing-key.removed', details: { kid, alg, was, emergency: true } })
    if (successor === spare.kid) {
      await record(trx, { audit, act, type: 'signing-key.created', details: { kid: successor, alg, emergency: true } })
    }
    if (successor !== null) {
      await record(trx, {
        audit,
        act,
        type: 'signing-key.activated',
        details: { kid: successor, alg, emergency: true }
      })
    }
    return { removed: kid, was, active: successor, successorKnown, sitesMayTrustForSeconds: publicMaxAge }
  })
}

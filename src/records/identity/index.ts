/**
 * Identity: whether data are a person's own, and whether the population register knows name and number together
 * (two-element check, 实名核验). Owns no table: the ticket stores the right data, encrypted, and they are written to the
 * person when the ticket is confirmed.
 */
import { sql, type Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import { sameName } from '../../domain/identity/person-name.ts'
import { identifyDocument, isCertType, type CertType } from '../../domain/identity/cert-type.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { RegisterUnavailable, type RegisterAnswer } from '../../ports/registry.ts'
import type { IdentityDeps } from './deps.ts'
import { isCurrentVersion, recordConsent } from '../consents/index.ts'
import { certNoIndex, personById, type StoredPerson } from '../persons/index.ts'
import { count, type Counter, uncount } from '../throttle/index.ts'
import type { FieldFault, IdentityInput } from '../scan-tickets/index.ts'
import { readIdentity, type CardValidity, type IdentityData } from './fields.ts'

export { readIdentity, type CardValidity, type IdentityData } from './fields.ts'

/** Mismatches of one person in 24 hours from the first, in all tickets together. */
const identityMismatches: Counter = { name: 'identity.mismatch', limit: 5, seconds: 86_400 }

export interface IdentityCircumstances {
  source: string
  locale: string
  clientId?: string | null | undefined
  loginAttemptUid?: string | null | undefined
  deviceId?: string | null | undefined
  address?: string | undefined
  traceId?: string | undefined
}

export type IdentityRefusal =
  | { ok: false; code: 'consent_required' | 'identity_mismatch' | 'identity_exhausted' | 'register_unavailable' }
  | { ok: false; code: 'invalid_fields'; faults: FieldFault[] }

/**
 * Checks what was typed against the rules, the expected person, and the population register (outside any transaction).
 * A mismatch never says whether name or number is wrong, or in which records. The try is counted before anything is
 * compared, and given back unless it was a mismatch, so parallel guesses are limited too. Returns only what was not
 * stored yet: name and number are known.
 */
export async function verifyIdentity (
  deps: IdentityDeps,
  { personId, input, circumstances }: { personId: string; input: IdentityInput; circumstances: IdentityCircumstances }
): Promise<{ ok: true; validity: CardValidity } | IdentityRefusal> {
  if (!input.consent.given || !isCurrentVersion(deps, input.consent.version)) {
    return { ok: false, code: 'consent_required' }
  }
  const read = readIdentity(input, shanghaiDate(deps.clock.now()))
  if (!read.ok) return { ok: false, code: 'invalid_fields', faults: read.faults }
  const { source, locale, ...about } = circumstances
  if (!(await count(deps, identityMismatches, personId))) {
    await inTransaction(deps.db, async (trx) => {
      await deps.audit.record(trx, { type: 'identity.exhausted', personId, ...about })
    })
    return { ok: false, code: 'identity_exhausted' }
  }
  const person = await inTransaction(deps.db, async (trx) => {
    await recordConsent(trx, deps, {
      personId,
      kind: 'identity-verification',
      version: input.consent.version,
      locale,
      source,
      ...about
    })
    return await personById(trx, deps.crypto, personId)
  })
  const answer =
    person === null || !isThisPerson(deps, person, read.data) ? 'mismatch' : await askRegister(deps, person)
  if (answer === 'match' || answer === 'unavailable') await uncount(deps, identityMismatches, personId)
  const { validFrom, validTo, term } = read.data
  if (answer === 'match') return { ok: true, validity: { validFrom, validTo, term } }
  await inTransaction(deps.db, async (trx) => {
    await deps.audit.record(trx, {
      type: answer === 'unavailable' ? 'identity.register-unavailable' : 'identity.mismatch',
      personId,
      ...about
    })
  })
  return { ok: false, code: answer === 'unavailable' ? 'register_unavailable' : 'identity_mismatch' }
}

function isThisPerson (deps: Pick<IdentityDeps, 'crypto'>, person: StoredPerson, data: IdentityData): boolean {
  const readIndex = (certType: string, certNo: string): string => {
    const document = identifyDocument(certType as CertType, certNo)
    return certNoIndex(deps.crypto, document.certType, document.certNo)
  }
  const sameNumber = readIndex(data.certType, data.certNo) === readIndex(person.certType, person.certNo)
  return (
    sameNumber && (sameName(data.name, person.name) || (person.nameBo !== null && sameName(data.name, person.nameBo)))
  )
}

/** The register is asked about the stored name, which may be spelled otherwise than the typed one. */
async function askRegister (deps: IdentityDeps, person: StoredPerson): Promise<RegisterAnswer | 'unavailable'> {
  if (!isCertType(person.certType)) return 'no_record'
  try {
    return await deps.population.verify({ certType: person.certType, certNo: person.certNo, name: person.name })
  } catch (error) {
    if (!(error instanceof RegisterUnavailable)) throw error
    deps.log.warn({ register: deps.population.name }, 'population register unavailable')
    return 'unavailable'
  }
}

/** What a confirmed ticket showed to be true of its person. */
export interface ShownTrue {
  personId: string
  identity: CardValidity | null
  proof: 'face' | 'counter' | null
}

/**
 * Writes it to the person: validity of the card, times of verification, and the level (2 by name and number, 3 by face
 * or in-person code; never lower than before). After an in-person check `face_verified_at` stays unchanged: level 3
 * alone says that no first face check is due. False: the account is locked or disabled.
 */
export async function recordVerification (
  trx: Transaction<Database>,
  { personId, identity, proof }: ShownTrue
): Promise<boolean> {
  const level = proof !== null ? 3 : identity !== null ? 2 : 1
  const row = await trx
    .updateTable('person')
    .set({
      assuranceLevel: sql<number>`greatest(assurance_level, ${level}::int)`,
      updatedAt: sql<Date>`now()`,
      ...(identity === null
        ? {}
        : { certValidFrom: identity.validFrom, certValidTo: identity.validTo, certTerm: String(identity.term) }),
      ...(identity !== null
        ? { identityVerifiedAt: sql<Date>`now()` }
        : proof !== null
          ? { identityVerifiedAt: sql<Date>`coalesce(identity_verified_at, now())` }
          : {}),
      ...(proof === 'face' ? { faceVerifiedAt: sql<Date>`now()` } : {})
    })
    .where('id', '=', personId)
    .where('status', 'in', ['active', 'unactivated'])
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Consents: what a person agreed to, word for word. Owns the table `consent`.
 *
 * A record holds kind, version of the text, SHA-256 of the sentence shown, its language, the time by the
 * database clock, and where it was given (个人信息保护法 第十四条, 第二十九条; 人脸识别技术应用安全管理办法).
 * Nothing is overwritten.
 */
import { createHash } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import type { Database } from '../../database/schema.ts'
import type { ConsentsDeps } from './deps.ts'
import { consentText, type ConsentKind } from './texts.ts'

export { consentText, type ConsentKind } from './texts.ts'
export { decidedScopes, isConsentDue, type ReleaseRequest } from './release-consent.ts'

export interface GivenConsent {
  personId: string
  kind: ConsentKind
  version: string
  locale: string
  /** Where it was given: id of a login attempt, or `scan-ticket:<id>`. */
  source: string
  clientId?: string | null | undefined
  loginAttemptUid?: string | null | undefined
  deviceId?: string | null | undefined
  address?: string | null | undefined
  traceId?: string | null | undefined
}

/** Whether this is the version of the texts that the pages show now. With another one the person has not read them. */
export const isCurrentVersion = (deps: Pick<ConsentsDeps, 'config'>, version: string): boolean =>
  version === deps.config.policyVersion

export const textHash = (kind: ConsentKind, version: string, locale: string): string =>
  createHash('sha256')
    .update(`${kind}\n${version}\n${consentText(kind, locale)}`)
    .digest('base64url')

/**
 * Records a consent with its audit event. The same consent from the same place (a page sent twice) returns the existing
 * record. Returns its id.
 */
export async function recordConsent (
  trx: Transaction<Database>,
  deps: Pick<ConsentsDeps, 'audit'>,
  given: GivenConsent
): Promise<string> {
  const { personId, kind, version, locale, source } = given
  const found = await trx
    .selectFrom('consent')
    .select('id')
    .where('personId', '=', personId)
    .where('kind', '=', kind)
    .where('version', '=', version)
    .where('source', '=', source)
    .where('withdrawnAt', 'is', null)
    .executeTakeFirst()
  if (found !== undefined) return found.id
  const id = newIdentifier(16, 'con_')
  await trx
    .insertInto('consent')
    .values({
      id,
      personId,
      kind,
      version,
      textHash: textHash(kind, version, locale),
      locale,
      clientId: given.clientId ?? null,
      scope: null,
      source
    })
    .execute()
  await deps.audit.record(trx, {
    type: 'consent.given',
    personId,
    clientId: given.clientId,
    loginAttemptUid: given.loginAttemptUid,
    deviceId: given.deviceId,
    address: given.address,
    traceId: given.traceId,
    details: { kind, version, consentId: id }
  })
  return id
}

export interface ReleaseDecision {
  personId: string
  clientId: string
  scope: string
  given: boolean
  locale: string
  source: string
}

/**
 * What a person decided about one scope of a relying site (个人信息保护法 第二十三条). A refusal is stored as a record that was
 * withdrawn when it was made, so the person is not asked again. The caller audits the whole decision.
 */
export async function recordRelease (
  trx: Transaction<Database>,
  deps: Pick<ConsentsDeps, 'config'>,
  decision: ReleaseDecision
): Promise<void> {
  const { personId, clientId, scope, given, locale, source } = decision
  const version = deps.config.policyVersion
  await trx
    .insertInto('consent')
    .values({
      id: newIdentifier(16, 'con_'),
      personId,
      kind: 'release',
      version,
      textHash: createHash('sha256').update(`release\n${version}\n${clientId}\n${scope}`).digest('base64url'),
      locale,
      clientId,
      scope,
      source,
      withdrawnAt: given ? null : sql<Date>`now()`
    })
    .execute()
}

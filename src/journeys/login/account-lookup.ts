/** The person with the identifier that was typed. */
import type { LoginDeps } from './deps.ts'
import type { AccountIdentifier } from '../../domain/identity/account-identifier.ts'
import { personByCertNo, personByPhone, type StoredPerson } from '../../records/persons/index.ts'

export async function personByAccount (
  { db, crypto }: Pick<LoginDeps, 'db' | 'crypto'>,
  identifier: AccountIdentifier
): Promise<StoredPerson | null> {
  return identifier.kind === 'phone'
    ? await personByPhone(db, crypto, identifier.value)
    : await personByCertNo(db, crypto, { certType: identifier.certType, certNo: identifier.value })
}

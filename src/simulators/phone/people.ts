/**
 * The owner of a simulated phone: a demo person, or another person in the database, found by any of their identifiers.
 */
import type { SimulatorsDeps } from '../deps.ts'
import { parsePhone } from '../../domain/identity/phone-number.ts'
import { personByCertNo, personById, personByPhone } from '../../records/persons/index.ts'
import { demoPeople, type DemoPerson } from '../demo-people.ts'

export interface PhoneOwner {
  /** Names the phone: the demo handle, else the person's id, else the number on the card. */
  handle: string
  /** Null: not in the database (yet). */
  personId: string | null
  name: string
  certType: string
  certNo: string
  /** As on the card; empty when nobody told. */
  validFrom: string
  term: string
}

/** By handle, person id, document number or phone. Null: nobody of the sandbox and nobody in the database. */
export async function findOwner (
  deps: Pick<SimulatorsDeps, 'db' | 'crypto'>,
  reference: string
): Promise<PhoneOwner | null> {
  const text = reference.trim()
  const demo = findDemoPerson(text)
  const stored = await storedPerson(deps, demo?.certNo ?? text)
  const person = demo ?? demoPeople.find(({ certNo }) => certNo === stored?.certNo) ?? null
  if (person !== null) {
    const { handle, name, certNo, validFrom, term } = person
    return { handle, personId: stored?.id ?? null, name, certType: 'resident_id', certNo, validFrom, term }
  }
  if (stored === null) return null
  const { id, name, certType, certNo, certValidFrom, certTerm } = stored
  return { handle: id, personId: id, name, certType, certNo, validFrom: certValidFrom ?? '', term: certTerm ?? '' }
}

/** Among the demo people only: by handle, document number or phone. */
export function findDemoPerson (text: string): DemoPerson | null {
  const phone = parsePhone(text)
  return (
    demoPeople.find(
      (person) =>
        person.handle === text || person.certNo === text.toUpperCase() || (phone.ok && person.phone === phone.national)
    ) ?? null
  )
}

async function storedPerson (
  { db, crypto }: Pick<SimulatorsDeps, 'db' | 'crypto'>,
  text: string
): ReturnType<typeof personById> {
  if (/^per_[\w-]{22}$/.test(text)) return await personById(db, crypto, text)
  const phone = parsePhone(text)
  return phone.ok
    ? await personByPhone(db, crypto, phone.value)
    : await personByCertNo(db, crypto, { certType: 'resident_id', certNo: text.toUpperCase() })
}

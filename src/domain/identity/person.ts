/** A natural person for the rules: decrypted, not masked, never logged. */
import type { Level } from './assurance.ts'

export interface Person {
  id: string
  /** Random subject identifier; what pairwise identifiers are computed from. */
  sub: string
  status: 'unactivated' | 'active' | 'locked' | 'disabled'
  name: string
  nameBo: string | null
  certType: string
  certNo: string
  certValidFrom: string | null
  certValidTo: string | null
  certTerm: string | null
  /** E.164 */
  phone: string | null
  /** The person entered a code that was sent there; null: somebody else typed it. */
  phoneVerifiedAt: Date | null
  email: string | null
  locale: string | null
  assuranceLevel: Level
  identityVerifiedAt: Date | null
  faceVerifiedAt: Date | null
  updatedAt: Date
}

/** Only an active person may sign in or keep what an earlier login gave. */
export const mayLogIn = (person: Pick<Person, 'status'>): boolean => person.status === 'active'

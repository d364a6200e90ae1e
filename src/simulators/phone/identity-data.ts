/** What the simulated person types into the identity form: the data of their card, or one of the usual mistakes. */
import { expectedTerm, addYears } from '../../domain/identity/id-validity.ts'
import { residentIdCheck } from '../../domain/identity/resident-id.ts'
import { demoPeople } from '../demo-people.ts'
import type { IdentityChoice } from '../sandbox/schemas.ts'
import type { PhoneOwner } from './people.ts'

export interface IdentityData {
  cert_type: string
  name: string
  cert_no: string
  valid_from: string
  term: string
  consent: boolean
}

/** `today` is 'YYYY-MM-DD'. The `fields` are typed as given. */
export function identityData (
  owner: PhoneOwner,
  { outcome = 'correct', fields = {} }: IdentityChoice,
  today: string
): IdentityData {
  const card = {
    cert_type: owner.certType,
    name: owner.name,
    cert_no: owner.certNo,
    valid_from: owner.validFrom,
    term: owner.term
  }
  const somebodyElse = demoPeople.find(({ name }) => name !== owner.name)
  const typed = {
    correct: {},
    no_consent: {},
    wrong_name: { name: somebodyElse?.name ?? '王小梅' },
    wrong_number: { cert_no: neighbour(owner.certNo) },
    expired_card: expiredCard(owner.certNo, today)
  }[outcome]
  return { ...card, ...typed, ...dropUndefined(fields), consent: outcome !== 'no_consent' }
}

/** A valid number of another person born on the same day in the same county: nothing else in the form is wrong. */
function neighbour (certNo: string): string {
  const body = certNo.slice(0, 14) + String((Number(certNo.slice(14, 17)) + 2) % 1000).padStart(3, '0')
  return /^\d{17}$/.test(body) ? body + residentIdCheck(body) : certNo
}

/** A card that this person really could have had and that is over: the term fits the age at its issue. */
function expiredCard (certNo: string, today: string): { valid_from: string; term: string } {
  const born = `${certNo.slice(6, 10)}-${certNo.slice(10, 12)}-${certNo.slice(12, 14)}`
  // second-generation cards exist since 2004 (居民身份证法); newest first
  for (let year = Number(today.slice(0, 4)) - 5; year > 2004; year--) {
    const issued = `${year}-01-15`
    const term = issued > born && /^\d{4}-\d\d-\d\d$/.test(born) ? expectedTerm(born, issued) : 'long'
    if (term !== 'long' && addYears(issued, term) < today) return { valid_from: issued, term: String(term) }
  }
  // a person over 46 in 2005 never had a card that expires, so any term is used
  return { valid_from: addYears(today, -6), term: '5' }
}

const dropUndefined = (fields: NonNullable<IdentityChoice['fields']>): Partial<IdentityData> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

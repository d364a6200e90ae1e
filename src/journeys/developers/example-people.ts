/** The invented people of the documentation and of the console's previews; nobody has these names and numbers. */
import { certTypeCode } from '../../domain/identity/cert-type.ts'
import type { ClaimFacts } from '../../domain/claims/claims.ts'
import type { Person } from '../../domain/identity/person.ts'
import {
  self,
  type OrganizationFacts,
  type Representation,
  type Role
} from '../../domain/representation/representation.ts'
import { parseResidentId } from '../../domain/identity/resident-id.ts'

const dayMs = 86_400_000

const organization: OrganizationFacts = {
  id: 'org_example',
  uscc: '91540102MA6T1A2BXK',
  name: '西藏示例科技有限公司',
  type: '91',
  status: 'active'
}

const zhaxi: Person = {
  id: 'per_example',
  sub: 'yTQ5oC1l6bJb0mWkq8cVJg2nT4xZr7aE',
  status: 'active',
  name: '扎西顿珠',
  nameBo: 'བཀྲ་ཤིས་དོན་གྲུབ།',
  certType: 'resident_id',
  certNo: '540102199003072515',
  certValidFrom: '2020-05-01',
  certValidTo: '2040-05-01',
  certTerm: '20',
  phone: '+8613800138000',
  phoneVerifiedAt: new Date(0),
  email: null,
  locale: 'zh-CN',
  assuranceLevel: 3,
  identityVerifiedAt: new Date('2026-03-01T02:00:00Z'),
  faceVerifiedAt: new Date('2026-03-01T02:05:00Z'),
  updatedAt: new Date('2026-03-01T02:05:00Z')
}

/**
 * zhaxi: a resident identity card, a Tibetan name, a phone. anna: a foreign permanent resident with a long name and no
 * phone.
 */
export const examplePeople = {
  zhaxi,
  anna: {
    ...zhaxi,
    id: 'per_example2',
    sub: 'pL8wQ2vN5rXc7dYb3kTmZ0aHs6uGf1Je',
    name: 'ANNA KATHARINA MUSTERMANN-BEISPIEL',
    nameBo: null,
    certType: 'foreign_pr',
    certNo: '911124198108030024',
    certTerm: '10',
    phone: null,
    email: 'anna@example.com',
    locale: 'en'
  }
} as const satisfies Record<string, Person>

export type ExampleName = keyof typeof examplePeople
export const exampleNames = Object.keys(examplePeople) as ExampleName[]

/** @param approvedAt epoch milliseconds: when the legal representative agreed; good from the day after, for a year */
export function exampleRepresentation (role: Role, functions: readonly string[], approvedAt: number): Representation {
  if (role === 'self') return self
  if (role === 'legal_representative') return { role, organization, since: '2024-06-01' }
  const day = (away: number): string => new Date(approvedAt + away * dayMs).toISOString().slice(0, 10)
  return {
    role,
    organization,
    delegation: {
      id: 'dlg_q0Jt1bU8sY',
      version: 3,
      functions: [...functions],
      clientIds: null,
      validFrom: day(1),
      validTo: day(365)
    },
    approval: { approvedAt: new Date(approvedAt).toISOString().replace('.000Z', 'Z'), faceCheckId: '5f0c1e7a9b' }
  }
}

interface ExampleFactsInput {
  person: Person
  representation: Representation
  catalogue: readonly string[]
  today: string
}

/** What the claims of such a person are made of. @param today 'YYYY-MM-DD' */
export function exampleFacts (
  { person, representation, catalogue, today }: ExampleFactsInput
): ClaimFacts {
  const number = parseResidentId(person.certNo, today)
  return {
    person,
    representation,
    catalogue: [...catalogue],
    gender: number.ok ? number.gender : null,
    birthdate: number.ok ? number.birthdate : null,
    certTypeCode: certTypeCode(person.certType)
  }
}

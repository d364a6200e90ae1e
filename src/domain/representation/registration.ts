/**
 * Registering an organization (法人注册), by its legal representative or by an agent: which sections an application
 * has, what each must hold, and which page is due. Nothing here reserves anything: only a completed application does.
 */
import { addYears } from '../identity/id-validity.ts'
import { isAbsurdlyLong } from '../identity/number-text.ts'
import { tibetanPrefectures } from '../identity/region-code.ts'

export type Applicant = 'legal_representative' | 'agent'
export const applicants: readonly Applicant[] = ['legal_representative', 'agent']

/** 单位信息 */
export interface UnitSection {
  /** Normal form. */
  uscc: string
  name: string
  /** `typed`: the register has no record of the code, so staff look at the application. */
  named: 'register' | 'typed'
  /** 54xxxx of the account (not of the organization), or null: it may be left out. */
  region: string | null
}

/** 法定代表人信息 */
export interface LegalSection {
  name: string
  certNo: string
  /** E.164 */
  phone: string
}

/** 代理人信息 */
export interface AgentSection extends LegalSection {
  /** 'YYYY-MM-DD' */
  validFrom: string
  term: '5' | '10' | '20' | 'long'
  /** GB/T 3304 code; null = not told. */
  ethnicGroup: string | null
  /** 授权期限 asked for, in years. */
  years: number
}

export interface Draft {
  unit: UnitSection | null
  agent: AgentSection | null
  legal: LegalSection | null
  /** The applicant has shown to hold this phone. */
  phone: { phone: string; codeId: string } | null
  /** The applicant has scanned and passed a face check (or used an in-person code), at this time (epoch seconds). */
  verification: { ticketId: string; faceCheckId: string | null; at: number } | null
}

/** Minutes in which the password must be set; later the applicant must pass a face check again. */
const verificationMinutes = 30

export const isStale = ({ verification }: Pick<Draft, 'verification'>, nowSeconds: number): boolean =>
  verification !== null && nowSeconds - verification.at > verificationMinutes * 60

export const emptyDraft: Readonly<Draft> = Object.freeze({
  unit: null,
  agent: null,
  legal: null,
  phone: null,
  verification: null
})

export type Section = 'unit' | 'agent' | 'legal' | 'phone' | 'check'
/** Every page of an application, as the last part of its address. */
export type Place = Section | 'qr' | 'password' | 'done'
export type RegistrationState = 'draft' | 'verifying' | 'verified' | 'completed' | 'abandoned'

/** The pages of step 1, in order. The phone comes after its owner. */
export const listSections = (applicant: Applicant): readonly Section[] =>
  applicant === 'agent' ? ['unit', 'agent', 'phone', 'legal', 'check'] : ['unit', 'legal', 'phone', 'check']

/** The applicant, as typed; null until that section is filled in. */
export const findApplicant = (applicant: Applicant, draft: Draft): LegalSection | AgentSection | null =>
  applicant === 'agent' ? draft.agent : draft.legal

function isComplete (section: Section, applicant: Applicant, draft: Draft): boolean {
  switch (section) {
    // another number typed later has to be proved again
    case 'phone':
      return draft.phone !== null && draft.phone.phone === findApplicant(applicant, draft)?.phone
    case 'check':
      return false
    default:
      return draft[section] !== null
  }
}

const firstOpen = (applicant: Applicant, draft: Draft): Section =>
  listSections(applicant).find((section) => !isComplete(section, applicant, draft)) ?? 'check'

interface RegistrationStanding {
  applicant: Applicant
  state: RegistrationState
  draft: Draft
}

/** The page that is due. */
export function findPlace ({ applicant, state, draft }: RegistrationStanding): Place {
  switch (state) {
    case 'verified':
      return 'password'
    case 'completed':
      return 'done'
    case 'verifying':
      return 'qr'
    default:
      return firstOpen(applicant, draft)
  }
}

/** Whether a page may be opened now: what came before it may be changed until the applicant has been verified. */
export function mayOpen (place: Place, standing: RegistrationStanding): boolean {
  const { applicant, state, draft } = standing
  if (place === findPlace(standing)) return true
  if (state !== 'draft' && state !== 'verifying') return false
  const sections = listSections(applicant)
  const at = sections.indexOf(place as Section)
  return at >= 0 && at <= sections.indexOf(firstOpen(applicant, draft))
}

/** Step 1, 2 or 3 as the manual counts: 注册信息, 信息核验, 注册完成. */
export const stepNumber = (place: Place): 1 | 2 | 3 =>
  place === 'qr' ? 2 : place === 'password' || place === 'done' ? 3 : 1

export type PartyFault = 'SAME_PERSON' | 'SAME_PHONE'

/**
 * Agent and legal representative are two people with two phones: the notice of an application must not go to who made
 * it.
 */
export function partyFault (
  agent: Pick<LegalSection, 'certNo' | 'phone'>,
  legal: Pick<LegalSection, 'certNo' | 'phone'>
): PartyFault | null {
  if (agent.certNo === legal.certNo) return 'SAME_PERSON'
  return agent.phone === legal.phone ? 'SAME_PHONE' : null
}

/** 授权期限 on offer; the first is the default. */
export const delegationYears: readonly number[] = [1, 2, 3]

/** Last day of a delegation of so many years, first day included: 2026-04-11 and one year → 2027-04-10. */
export function delegationEnd (validFrom: string, years: number): string {
  return new Date(Date.parse(addYears(validFrom, years)) - 86_400_000).toISOString().slice(0, 10)
}

export type OrganizationNameResult =
  { ok: true; value: string } | { ok: false; code: 'LENGTH' | 'CHARACTER' | 'REQUIRED' }

/** A name as it stands on a licence. Its brackets stay as they are: registers compare them. Never throws. */
export function parseOrganizationName (input: string): OrganizationNameResult {
  if (isAbsurdlyLong(input)) return { ok: false, code: 'LENGTH' }
  const value = input
    .normalize('NFC')
    .replace(/\p{Cf}/gu, '')
    .replace(/\s+/g, ' ')
    .trim()
  const length = [...value].length
  if (length === 0) return { ok: false, code: 'REQUIRED' }
  if (length < 2 || length > 100) return { ok: false, code: 'LENGTH' }
  return /^[\p{L}\p{M}\p{N}〇\u0F0B\u0F0D ()（）《》“”"'’·・&.,，、—/-]+$/u.test(value)
    ? { ok: true, value }
    : { ok: false, code: 'CHARACTER' }
}

export type RegionResult = { ok: true; value: string | null } | { ok: false; code: 'REGION' }

/** 注册所在地 as chosen: nothing, a prefecture, or a county of it. */
export function readRegion (prefecture: string, county: string): RegionResult {
  if (prefecture === '') return { ok: true, value: null }
  const found = tibetanPrefectures.find(({ code }) => code === prefecture)
  if (found === undefined) return { ok: false, code: 'REGION' }
  if (county === '') return { ok: true, value: prefecture }
  return found.counties.some(({ code }) => code === county)
    ? { ok: true, value: county }
    : { ok: false, code: 'REGION' }
}

/** The prefecture that a stored region lies in. */
export const findPrefecture = (region: string | null): string =>
  tibetanPrefectures.find(({ code, counties }) => code === region || counties.some((county) => county.code === region))
    ?.code ?? ''

/** What is proved by one scan, in a fixed order: a ticket for other data proves nothing about these. */
export const verifiedContent = (applicant: Applicant, { unit, agent, legal }: Draft): string =>
  JSON.stringify([applicant, unit, agent, legal].map(flat))

const flat = (section: object | string | null): unknown =>
  section === null || typeof section === 'string'
    ? section
    : Object.entries(section).sort(([a], [b]) => (a < b ? -1 : 1))

/** What was typed into the sections, read and checked: values to show again, separate faults, or data. */
import type { FieldError } from '../../http/pages.ts'
import { formField } from '../../http/forms.ts'
import { ethnicGroup } from '../../domain/identity/ethnic-group.ts'
import { parsePhone } from '../../domain/identity/phone-number.ts'
import {
  delegationYears,
  parseOrganizationName,
  partyFault,
  findPrefecture,
  readRegion,
  type AgentSection,
  type Draft,
  type LegalSection,
  type UnitSection
} from '../../domain/representation/registration.ts'
import { parseCertNo } from '../../domain/identity/cert-type.ts'
import { parseName } from '../../domain/identity/person-name.ts'
import { parseUscc } from '../../domain/identity/uscc.ts'
import { readIdentity } from '../../records/identity/index.ts'

type Read<T> = { ok: true; data: T } | { ok: false; errors: FieldError[] }

export interface UnitValues {
  uscc: string
  name: string
  prefecture: string
  county: string
}
export interface LegalValues {
  name: string
  certNo: string
  phone: string
}
export interface AgentValues extends LegalValues {
  year: string
  month: string
  day: string
  term: string
  ethnicGroup: string
  years: string
}

const field = (body: unknown, name: string, longest: number): string => formField(body, name).slice(0, longest)
const blank = (text: string): boolean => text.trim() === ''
const withSuggestion = (error: { field: string; code: string }, suggestion: string | undefined): FieldError =>
  suggestion === undefined ? error : { ...error, details: { suggestion } }

// --- 单位信息 ---

export const unitValues = (body: unknown): UnitValues => ({
  uscc: field(body, 'uscc', 100),
  name: field(body, 'org_name', 300),
  prefecture: field(body, 'prefecture', 10),
  county: field(body, 'county', 10)
})

export const toUnitValues = (unit: UnitSection | null): UnitValues =>
  unit === null
    ? { uscc: '', name: '', prefecture: '', county: '' }
    : {
        uscc: unit.uscc,
        name: unit.named === 'typed' ? unit.name : '',
        prefecture: findPrefecture(unit.region),
        county: unit.region ?? ''
      }

/** The code and the region; the register gives the name of the code. */
export function readUnit (values: UnitValues): Read<Pick<UnitSection, 'uscc' | 'region'>> {
  const errors: FieldError[] = []
  const uscc = parseUscc(values.uscc)
  if (blank(values.uscc)) errors.push({ field: 'uscc', code: 'required' })
  else if (!uscc.ok) {
    errors.push(
      withSuggestion(
        { field: 'uscc', code: uscc.suggestion === undefined ? uscc.code : `${uscc.code}_SUGGESTED` },
        uscc.suggestion
      )
    )
  }
  // a county of the formerly chosen prefecture is no fault
  const inside = findPrefecture(values.county) === values.prefecture && values.county !== values.prefecture
  const region = readRegion(values.prefecture, inside ? values.county : '')
  if (!region.ok) errors.push({ field: 'prefecture', code: region.code })
  return errors.length === 0 && uscc.ok && region.ok
    ? { ok: true, data: { uscc: uscc.value, region: region.value } }
    : { ok: false, errors }
}

export function readOrganizationName (typed: string): Read<string> {
  const name = parseOrganizationName(typed)
  return name.ok ? { ok: true, data: name.value } : { ok: false, errors: [{ field: 'org_name', code: name.code }] }
}

// --- people ---

const readPhone = (typed: string): Read<string> => {
  if (blank(typed)) return { ok: false, errors: [{ field: 'phone', code: 'required' }] }
  const phone = parsePhone(typed)
  return phone.ok ? { ok: true, data: phone.value } : { ok: false, errors: [{ field: 'phone', code: phone.code }] }
}

export const legalValues = (body: unknown): LegalValues => ({
  name: field(body, 'name', 200),
  certNo: field(body, 'cert_no', 100),
  phone: field(body, 'phone', 40)
})

export const toLegalValues = (legal: LegalSection | null): LegalValues =>
  legal === null
    ? { name: '', certNo: '', phone: '' }
    : { name: legal.name, certNo: legal.certNo, phone: legal.phone.replace(/^\+86/, '') }

/** `today` is 'YYYY-MM-DD' in Asia/Shanghai. */
export function readLegal (values: LegalValues, draft: Draft, today: string): Read<LegalSection> {
  const name = parseName(values.name)
  const certNo = parseCertNo('resident_id', values.certNo, today)
  const phone = readPhone(values.phone)
  const errors: FieldError[] = []
  if (!name.ok) errors.push({ field: 'name', code: name.code })
  if (!certNo.ok) {
    errors.push(
      blank(values.certNo)
        ? { field: 'cert_no', code: 'required' }
        : withSuggestion({ field: 'cert_no', code: certNo.code }, certNo.suggestion)
    )
  }
  if (!phone.ok) errors.push(...phone.errors)
  if (!name.ok || !certNo.ok || !phone.ok) return { ok: false, errors }
  const data = { name: name.value, certNo: certNo.value, phone: phone.data }
  const fault = draft.agent === null ? null : partyFault(draft.agent, data)
  return fault === null
    ? { ok: true, data }
    : { ok: false, errors: [{ field: fault === 'SAME_PHONE' ? 'phone' : 'cert_no', code: fault }] }
}

export function agentValues (body: unknown): AgentValues {
  const values = {
    ...legalValues(body),
    year: field(body, 'year', 40),
    month: field(body, 'month', 10),
    day: field(body, 'day', 10),
    term: field(body, 'term', 10),
    ethnicGroup: field(body, 'ethnic_group', 10),
    years: field(body, 'years', 10)
  }
  // 2015.06.01 pasted into the first of the three
  const [, year, month, day] = /^\s*(\d{4})\D+(\d{1,2})\D+(\d{1,2})\D*$/.exec(values.year.normalize('NFKC')) ?? []
  return year === undefined || values.month !== '' || values.day !== ''
    ? values
    : { ...values, year, month: month ?? '', day: day ?? '' }
}

export function toAgentValues (agent: AgentSection | null): AgentValues {
  const [year = '', month = '', day = ''] = agent?.validFrom.split('-') ?? []
  return {
    ...toLegalValues(agent),
    year,
    month,
    day,
    term: agent?.term ?? '',
    ethnicGroup: agent?.ethnicGroup ?? '',
    years: String(agent?.years ?? delegationYears[0])
  }
}

const digits = (text: string, size: number): string => text.normalize('NFKC').trim().padStart(size, '0')

export function readAgent (values: AgentValues, draft: Draft, today: string): Read<AgentSection> {
  const validFrom = `${digits(values.year, 4)}-${digits(values.month, 2)}-${digits(values.day, 2)}`
  const identity = readIdentity(
    { certType: 'resident_id', name: values.name, certNo: values.certNo, validFrom, term: values.term },
    today
  )
  const phone = readPhone(values.phone)
  const years = delegationYears.find((offer) => String(offer) === values.years)
  const errors = identity.ok ? [] : identity.faults.map((fault) => missing(fault, values))
  if (!phone.ok) errors.push(...phone.errors)
  if (years === undefined) errors.push({ field: 'years', code: 'required' })
  if (values.ethnicGroup !== '' && ethnicGroup(values.ethnicGroup) === undefined) {
    errors.push({ field: 'ethnic_group', code: 'unknown' })
  }
  if (errors.length > 0 || !identity.ok || !phone.ok || years === undefined) return { ok: false, errors }
  const { name, certNo } = identity.data
  const data: AgentSection = {
    name,
    certNo,
    phone: phone.data,
    validFrom,
    term: values.term as AgentSection['term'],
    ethnicGroup: values.ethnicGroup === '' ? null : values.ethnicGroup,
    years
  }
  const fault = draft.legal === null ? null : partyFault(data, draft.legal)
  return fault === null
    ? { ok: true, data }
    : { ok: false, errors: [{ field: fault === 'SAME_PHONE' ? 'phone' : 'cert_no', code: fault }] }
}

/** An empty field is missing, whichever other rule it breaks. */
function missing (fault: FieldError, values: AgentValues): FieldError {
  const empty: Record<string, boolean> = {
    name: blank(values.name),
    certNo: blank(values.certNo),
    validFrom: blank(values.year) && blank(values.month) && blank(values.day),
    term: values.term === ''
  }
  return empty[fault.field] === true ? { field: fault.field, code: 'required' } : fault
}

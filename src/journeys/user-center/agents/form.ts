/** The form of 新增 and 修改: the typed values and their meaning. */
import { parseCertNo } from '../../../domain/identity/cert-type.ts'
import { isCalendarDate } from '../../../domain/calendar-date.ts'
import { defaultValidTo } from '../../../domain/representation/delegation.ts'
import { parseName } from '../../../domain/identity/person-name.ts'
import { parsePhone } from '../../../domain/identity/phone-number.ts'
import { formField, formList } from '../../../http/forms.ts'
import type { FieldError, FormTarget } from '../../../http/pages.ts'
import type { DelegationView, DraftRefusal } from '../../../records/organizations/index.ts'
import type { WithUserCenterLayout } from '../me.ts'
import type { SiteChoice } from '../catalogue.ts'

export interface AgentValues {
  name: string
  certNo: string
  phone: string
  /** 'all' or 'some'. */
  sites: string
  site: string[]
  functions: string
  function: string[]
  starts: string
  ends: string
}

/** 新增, 修改. Posts `csrf` and AgentValues in wire names. */
export interface AgentFormPage extends WithUserCenterLayout, FormTarget {
  /** Masked agent whose delegation gets a new version; null = a new agent. */
  known: { name: string; certNo: string } | null
  values: AgentValues
  choices: SiteChoice[]
  errors: FieldError[]
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'user-center/agents/form': AgentFormPage
  }
}

export interface NewAgent {
  name: string
  certNo: string
  phone: string
}
export interface Terms {
  functions: string[] | null
  clientIds: string[] | null
  validFrom: string
  validTo: string
}

const field = (body: unknown, name: string): string => formField(body, name).slice(0, 200)

export const freshValues = (today: string): AgentValues => ({
  name: '',
  certNo: '',
  phone: '',
  sites: 'all',
  site: [],
  functions: 'all',
  function: [],
  starts: today,
  ends: defaultValidTo(today)
})

/** For a new version: the present values, from today or the earliest day that the rules allow. */
export const valuesOfView = (
  { clientIds, functions, validFrom, validTo }: DelegationView,
  today: string
): AgentValues => ({
  ...freshValues(today),
  sites: clientIds === null ? 'all' : 'some',
  site: clientIds ?? [],
  functions: functions === null ? 'all' : 'some',
  function: functions ?? [],
  starts: validFrom,
  ends: validTo < today ? defaultValidTo(today) : validTo
})

export const typedValues = (body: unknown): AgentValues => ({
  name: field(body, 'name'),
  certNo: field(body, 'cert_no'),
  phone: field(body, 'phone'),
  sites: field(body, 'sites'),
  site: formList(body, 'site'),
  functions: field(body, 'functions'),
  function: formList(body, 'function'),
  starts: field(body, 'starts'),
  ends: field(body, 'ends')
})

/** 2027-04-10, 2027.4.10, 2027年4月10日, 20270410. */
function parseDate (typed: string): string | null {
  const plain = typed.normalize('NFKC').trim()
  const [, year, month, day] =
    /^(\d{4})\D{1,2}(\d{1,2})\D{1,2}(\d{1,2})\D?$/.exec(plain) ?? /^(\d{4})(\d{2})(\d{2})$/.exec(plain) ?? []
  if (year === undefined || month === undefined || day === undefined) return null
  const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  return isCalendarDate(date) ? date : null
}

const required = (name: string): FieldError => ({ field: name, code: 'required' })
const choice = (mode: string, list: string[]): string[] | null => (mode === 'some' ? list : null)

/** Both ticked values and "all" is refused, because "all" gives much more. */
function choiceErrors (field: string, mode: string, list: string[]): FieldError[] {
  if (mode === 'all') return list.length === 0 ? [] : [{ field, code: 'ambiguous' }]
  return mode === 'some' && list.length > 0 ? [] : [required(field)]
}

export function readTerms (values: AgentValues): { ok: true; terms: Terms } | { ok: false; errors: FieldError[] } {
  const errors: FieldError[] = []
  const [validFrom, validTo] = [parseDate(values.starts), parseDate(values.ends)]
  errors.push(
    ...choiceErrors('site', values.sites, values.site),
    ...choiceErrors('function', values.functions, values.function)
  )
  if (validFrom === null) errors.push({ field: 'starts', code: values.starts.trim() === '' ? 'required' : 'date' })
  if (validTo === null) errors.push({ field: 'ends', code: values.ends.trim() === '' ? 'required' : 'date' })
  if (errors.length > 0 || validFrom === null || validTo === null) return { ok: false, errors }
  return {
    ok: true,
    terms: {
      validFrom,
      validTo,
      clientIds: choice(values.sites, values.site),
      functions: choice(values.functions, values.function)
    }
  }
}

/** Only documents that can be checked online; others are added in person. */
export function readAgent (
  values: AgentValues,
  today: string
): { ok: true; agent: NewAgent } | { ok: false; errors: FieldError[] } {
  const [name, certNo, phone] = [
    parseName(values.name),
    parseCertNo('resident_id', values.certNo, today),
    parsePhone(values.phone)
  ]
  const errors: FieldError[] = []
  if (!name.ok) errors.push(values.name.trim() === '' ? required('name') : { field: 'name', code: name.code })
  if (!certNo.ok) {
    errors.push(values.certNo.trim() === '' ? required('cert_no') : { field: 'cert_no', code: certNo.code })
  }
  if (!phone.ok) errors.push(values.phone.trim() === '' ? required('phone') : { field: 'phone', code: phone.code })
  if (!name.ok || !certNo.ok || !phone.ok) return { ok: false, errors }
  return { ok: true, agent: { name: name.value, certNo: certNo.value, phone: phone.value } }
}

/** A refusal by the rules, at the field that can be corrected. */
export function describeError (refusal: DraftRefusal, terms: Terms, today: string): FieldError {
  switch (refusal.code) {
    case 'validity':
      return {
        field: refusal.fault === 'past' && terms.validTo >= today ? 'starts' : 'ends',
        code: refusal.fault === 'date' ? 'date' : `term_${refusal.fault}`
      }
    case 'unknown_client':
      return { field: 'site', code: 'unknown_client' }
    case 'unknown_function':
      return { field: 'function', code: 'unknown_function' }
    default:
      return { field: 'form', code: refusal.code }
  }
}

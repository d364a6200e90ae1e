import { isCertType, parseCertNo, type CertType } from '../../domain/identity/cert-type.ts'
import { checkValidity, isTerm, type Term } from '../../domain/identity/id-validity.ts'
import { parseName } from '../../domain/identity/person-name.ts'
import type { FieldFault, IdentityInput } from '../scan-tickets/index.ts'

export interface CardValidity {
  /** 'YYYY-MM-DD' */
  validFrom: string
  /** 'YYYY-MM-DD'; null = 长期 */
  validTo: string | null
  term: Term
}

/** Identity data that follow every rule; whether they belong to anybody is another question. */
export interface IdentityData extends CardValidity {
  certType: CertType
  name: string
  certNo: string
}

const parseTerm = (text: string): Term | null => {
  const term = text === 'long' ? 'long' : Number(text)
  return isTerm(term) ? term : null
}

/**
 * Checks every field of the form and reports all faults separately, each with the code of the rule that it breaks.
 * `today` is 'YYYY-MM-DD' in Asia/Shanghai.
 */
export function readIdentity (
  input: Omit<IdentityInput, 'consent'>,
  today: string
): { ok: true; data: IdentityData } | { ok: false; faults: FieldFault[] } {
  const faults: FieldFault[] = []
  const name = parseName(input.name)
  if (!name.ok) faults.push({ field: 'name', code: name.code })
  const certType = isCertType(input.certType) ? input.certType : null
  if (certType === null) faults.push({ field: 'certType', code: 'UNKNOWN' })
  const certNo = certType === null ? null : parseCertNo(certType, input.certNo, today)
  if (certNo !== null && !certNo.ok) {
    faults.push({
      field: 'certNo',
      code: certNo.code,
      ...(certNo.suggestion === undefined ? {} : { details: { suggestion: certNo.suggestion } })
    })
  }
  const term = parseTerm(input.term)
  if (term === null) faults.push({ field: 'term', code: 'TERM' })
  const validity = checkValidity({
    birthdate: certNo?.ok === true ? certNo.birthdate : null,
    validFrom: input.validFrom,
    // a missing term was noted above; with this substitute the start date is checked too
    term: term ?? 'long',
    today,
    certType: certType ?? 'other'
  })
  if (!validity.ok) {
    for (const { field, code } of validity.errors) {
      if (term !== null || field === 'validFrom') faults.push({ field, code })
    }
  }
  if (faults.length > 0 || !name.ok || certType === null || certNo?.ok !== true || term === null || !validity.ok) {
    return { ok: false, faults }
  }
  return {
    ok: true,
    data: {
      certType,
      name: name.value,
      certNo: certNo.value,
      validFrom: input.validFrom,
      validTo: validity.validTo,
      term
    }
  }
}

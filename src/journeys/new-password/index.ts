/**
 * A new password typed on a page, of a person or an organization: the rules of the active profile as sentences, the
 * faults of what was typed, and its hash. Owns no table; the partial partials/new-password.eta has the fields.
 */
import { HasherBusy } from '../../ports/password-hasher.ts'
import {
  checkPassword,
  selectRules,
  type PasswordProfile,
  type PasswordRule
} from '../../domain/login/password-policy.ts'
import { formField } from '../../http/forms.ts'
import { PageError } from '../../http/page-error.ts'
import type { FieldError } from '../../domain/errors.ts'
import type { PasswordsDeps } from './deps.ts'

/** Written as faults are, because rule and fault must have the same words. */
export const passwordRules = (profile: PasswordProfile): FieldError[] => selectRules(profile).map(describeFault)

/** Reads `new_password` and `again`. @returns what to hash (NFKC), or every fault for its field */
export function readNewPassword (
  profile: PasswordProfile,
  body: unknown,
  context: Parameters<typeof checkPassword>[2]
): { ok: true; value: string } | { ok: false; errors: FieldError[] } {
  const typed = formField(body, 'new_password')
  const checked = checkPassword(profile, typed, context)
  const errors =
    typed === '' ? [{ field: 'new_password', code: 'required' }] : checked.ok ? [] : checked.failed.map(describeFault)
  if (typed !== formField(body, 'again')) errors.push({ field: 'again', code: 'different' })
  return checked.ok && errors.length === 0 ? { ok: true, value: checked.value } : { ok: false, errors }
}

/**
 * Outside of any transaction, because it takes time. @throws PageError 503 with `restartHref` when too many wait
 * already
 */
export async function hashNewPassword (
  { hasher }: Pick<PasswordsDeps, 'hasher'>,
  password: string,
  restartHref: string
): Promise<string> {
  try {
    return await hasher.hash(password)
  } catch (error) {
    if (error instanceof HasherBusy) throw new PageError(503, 'unavailable', { retryAfterSeconds: 5, restartHref })
    throw error
  }
}

function describeFault (rule: PasswordRule): FieldError {
  switch (rule.rule) {
    case 'length':
      return { field: 'new_password', code: 'length', details: { min: rule.min, max: rule.max } }
    // three of four classes have other words than two of three
    case 'classes':
      return {
        field: 'new_password',
        code: rule.of.includes('upper') ? 'classes_cased' : 'classes',
        details: { min: rule.min }
      }
    default:
      return { field: 'new_password', code: rule.rule }
  }
}

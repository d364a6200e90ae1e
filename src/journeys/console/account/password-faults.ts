/** The rules of administrators' passwords, and what a page says about each. */
import type { PasswordRule } from '../../../domain/login/password-policy.ts'
import type { FieldError } from '../../../http/pages.ts'

export const administratorProfile = 'mlps3'

export const passwordFault = (rule: PasswordRule): FieldError => {
  switch (rule.rule) {
    case 'length':
      return { field: 'new_password', code: 'length', details: { min: rule.min, max: rule.max } }
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

/**
 * Password profiles. A profile is a list of rules; the page's text is generated from the same list that
 * the check runs, so the two cannot differ. Passwords are compared in NFKC and never cut.
 */
import { DomainError } from '../errors.ts'
import { holdsOwnData, isCommonPassword } from './password-guessing.ts'
import type { PasswordContext } from './password-guessing.ts'

export type PasswordProfile = 'standard' | 'manual' | 'mlps3'
export type CharacterClass = 'letter' | 'upper' | 'lower' | 'digit' | 'symbol'

/** One requirement with the numbers its sentence needs. `rule` is the message key's last part. */
export type PasswordRule =
  /** Code points after NFKC. */
  | { readonly rule: 'length'; readonly min: number; readonly max: number }
  /** No control characters; blanks and every printable character are welcome. */
  | { readonly rule: 'characters' }
  /** At least `min` of the classes; waived from `unlessLength` code points on. */
  | {
    readonly rule: 'classes'
    readonly min: number
    readonly of: readonly CharacterClass[]
    readonly unlessLength?: number
  }
  /** Not a common password, keyboard run or repetition, with or without a little around it. */
  | { readonly rule: 'common' }
  /** No part of the person's document number, phone, code, birthday or name. */
  | { readonly rule: 'personal' }

export type PasswordResult =
  | { ok: true; /** NFKC: what is hashed */ value: string }
  | { ok: false; /** The very members of `rulesOf` that are not met. */ failed: PasswordRule[] }

/**
 * standard: the default. manual: exactly the operation manual of the platform (6–15, two classes).
 * mlps3: what assessors of GB/T 22239-2019 8.1.4.1 a expect (three of four classes, or 15 characters).
 */
export const passwordProfiles: Readonly<Record<PasswordProfile, readonly PasswordRule[]>> = {
  standard: [
    { rule: 'length', min: 8, max: 64 },
    { rule: 'characters' },
    { rule: 'classes', min: 2, of: ['digit', 'letter', 'symbol'] },
    { rule: 'common' },
    { rule: 'personal' }
  ],
  manual: [
    { rule: 'length', min: 6, max: 15 },
    { rule: 'characters' },
    { rule: 'classes', min: 2, of: ['digit', 'letter', 'symbol'] }
  ],
  mlps3: [
    { rule: 'length', min: 8, max: 64 },
    { rule: 'characters' },
    { rule: 'classes', min: 3, of: ['upper', 'lower', 'digit', 'symbol'], unlessLength: 15 },
    { rule: 'common' },
    { rule: 'personal' }
  ]
}

/** UTF-16 units beyond which a text is not even normalized: no profile allows as much. */
const ABSURD = 1024

/** The rules of a profile, in the order to show them. Throws `password_profile_unknown`. */
export function selectRules (profile: PasswordProfile): readonly PasswordRule[] {
  if (!Object.hasOwn(passwordProfiles, profile)) throw new DomainError('password_profile_unknown')
  return passwordProfiles[profile]
}

/**
 * The form that is hashed, at setting and at login: NFKC, blanks and case unchanged. Null when the text is too long for
 * any password; a login then refuses it without hashing.
 */
export function normalisePassword (password: string): string | null {
  return password.length > ABSURD ? null : password.normalize('NFKC')
}

/** Checks a new password. Names every rule that is not met; never throws. */
export function checkPassword (profile: PasswordProfile, password: string, context: PasswordContext): PasswordResult {
  const rules = selectRules(profile)
  const value = normalisePassword(password)
  const failed = rules.filter((rule) =>
    value === null || [...value].length > ABSURD ? rule.rule === 'length' : !meets(value, rule, context)
  )
  return failed.length === 0 && value !== null ? { ok: true, value } : { ok: false, failed }
}

function meets (value: string, rule: PasswordRule, context: PasswordContext): boolean {
  const length = [...value].length
  switch (rule.rule) {
    case 'length':
      return length >= rule.min && length <= rule.max
    // A lone surrogate would be replaced when encoded, making different passwords equal.
    case 'characters':
      return !/[\p{Cc}\p{Cs}]/u.test(value)
    case 'classes':
      return (
        length >= (rule.unlessLength ?? Infinity) ||
        rule.of.filter((name) => CLASSES[name].test(value)).length >= rule.min
      )
    case 'common':
      return !isCommonPassword(value)
    case 'personal':
      return !holdsOwnData(value, context)
  }
}

/** Letters without case (扎, བ) count as lower-case ones; everything that is no letter, mark or digit is a symbol. */
const CLASSES: Readonly<Record<CharacterClass, RegExp>> = {
  letter: /\p{L}/u,
  upper: /[\p{Lu}\p{Lt}]/u,
  lower: /[\p{Ll}\p{Lo}\p{Lm}]/u,
  digit: /\p{Nd}/u,
  symbol: /[^\p{L}\p{M}\p{Nd}\p{Cc}\p{Cs}]/u
}

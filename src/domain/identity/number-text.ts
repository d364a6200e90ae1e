/**
 * How people type numbers: full-width, with blanks, hyphens or pasted invisible characters, in lower case. All document
 * numbers have one normal form, because another spelling must not get another throttle counter or account.
 */

/** The longest text that is read; every number of ours has at most 18 characters. */
const LONGEST = 256

/**
 * NFKC, without blanks, hyphens and invisible format characters, ASCII letters in upper case. Idempotent; never throws.
 */
export function normaliseNumber (input: string): string {
  return (
    input
      .normalize('NFKC')
      .replace(/[\s\p{Cf}\p{Pd}\u2212]/gu, '')
      .replace(/[a-z]/g, (letter) => letter.toUpperCase())
      // What was removed may have stood between a letter and its accent.
      .normalize('NFKC')
  )
}

/** Too long for any number: refused before it is processed. */
export function isAbsurdlyLong (input: string): boolean {
  return input.length > LONGEST
}

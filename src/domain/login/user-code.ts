/**
 * The short code that a device shows and a person types in (RFC 8628 §6.1): eight letters of twenty, without vowels, so
 * that no words come out, shown in two groups.
 */

/** Twenty. */
export const userCodeLetters = 'BCDFGHJKLMNPQRSTVWXZ'
export const userCodeLength = 8
const letters = userCodeLetters
const length = userCodeLength

/** What people read instead of a letter of the set; each of these is in no code. */
const readAs: Readonly<Record<string, string>> = {
  0: 'Q',
  O: 'Q',
  1: 'L',
  I: 'L',
  2: 'Z',
  5: 'S',
  6: 'G',
  8: 'B',
  U: 'V'
}

/**
 * What was typed, in its normal form: case, width, spaces and hyphens do not count, and a look-alike counts as the
 * letter of the set. Null: no valid code.
 */
export function foldUserCode (typed: string): string | null {
  const folded = [...typed.slice(0, 64).normalize('NFKC').toUpperCase()]
    .filter((character) => /[A-Z0-9]/.test(character))
    .map((character) => readAs[character] ?? character)
  return folded.length === length && folded.every((letter) => letters.includes(letter)) ? folded.join('') : null
}

/** As devices show it: `WDJB-MJHT`. */
export const shownUserCode = (code: string): string => `${code.slice(0, length / 2)}-${code.slice(length / 2)}`

/**
 * How a guesser sees a password: as words, runs, years and dates with a little beside them. And what of
 * it the owner's own numbers, name and birthday give away.
 */
import { commonWords, longestCommonWord, runs } from './password-blocklist.ts'

/** A password needs this many different things: pieces a guesser knows count one each, as other characters do. */
const NEEDED = 5

/** A piece of personal data of this length counts, in every place of the password and in both directions. */
const OWN_PART = 5

/** First digits that read as a date (with or without century), a year, or a mobile number. */
const NUMBERS =
  /^(?:1[3-9]\d{9}|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:19[3-9]|20[0-4])\d)/

/**
 * Is the password made of so little beside common words, keyboard runs, repetitions and dates that it
 * comes early in any list? `password` is in NFKC and of sane length (the caller's business).
 */
export function isCommonPassword (password: string): boolean {
  const text = password.toLowerCase()
  // Letters written as digits and signs. '1' can be i or l, so there are two readings.
  const readings = [text, unleet(text, 'i'), unleet(text, 'l')]
  const things = new Set<string>()
  for (let at = 0; at < text.length;) {
    const length = knownPiece(text, readings, at)
    const thing = length > 0 ? text.slice(at, at + length) : String.fromCodePoint(text.codePointAt(at)!)
    things.add(thing)
    at += thing.length
  }
  return things.size < NEEDED
}

const LEET: Readonly<Record<string, string>> = { '@': 'a', 4: 'a', 0: 'o', 3: 'e', $: 's', 5: 's', 7: 't', '!': 'i' }

function unleet (text: string, one: string): string {
  return text.replace(/[@4035$7!1]/g, (sign) => LEET[sign] ?? one)
}

/** Length of the longest piece a guesser knows that starts here; 0 when there is none. */
function knownPiece (text: string, readings: string[], at: number): number {
  let longest = NUMBERS.exec(text.slice(at, at + 11))?.[0].length ?? 0
  let run = 3
  while (
    at + run <= text.length &&
    runs.includes(text.slice(at, at + run)) &&
    !text.slice(at, at + run).includes('\n')
  ) {
    longest = Math.max(longest, run++)
  }
  for (let length = Math.min(longestCommonWord, text.length - at); length > longest; length--) {
    if (readings.some((reading) => commonWords.has(reading.slice(at, at + length)))) return length
  }
  return longest
}

/** What the check knows about the owner: document and phone numbers, codes, dates; the name. */
export interface PasswordContext {
  identifiers: string[]
  name?: string | undefined
  /** Of those who answer for it too. */ otherNames?: string[]
}

/**
 * Whether the password contains a part of the person's identifiers (five characters or more), the birthday in a usual
 * order, or the name, forwards or backwards, with any characters between.
 */
export function holdsOwnData (password: string, context: PasswordContext): boolean {
  const text = bare(password)
  const backwards = [...text].reverse().join('')
  const held = (part: string) => text.includes(part) || backwards.includes(part)
  return (
    context.identifiers.some(
      (identifier) => windows(bare(identifier), OWN_PART).some(held) || birthdays(identifier).some(held)
    ) || [context.name ?? '', ...(context.otherNames ?? [])].flatMap(nameParts).some(held)
  )
}

/** Letters and digits only, lower case. */
function bare (text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]/gu, '')
}

function windows (text: string, size: number): string[] {
  const characters = [...text]
  return characters.slice(size - 1).map((_, at) => characters.slice(at, at + size).join(''))
}

/** Orders of the birth date other than the one in the number itself, whose parts are windows already. */
function birthdays (identifier: string): string[] {
  const match =
    /^\d{6}((?:19|20)\d\d)(\d\d)(\d\d)\d{3}[\dXx]$/.exec(identifier) ?? /^(\d{4})-(\d\d)-(\d\d)$/.exec(identifier)
  if (match === null) return []
  const [year, month, day] = match.slice(1) as [string, string, string]
  const [shortYear, m, d] = [year.slice(2), String(Number(month)), String(Number(day))]
  return [
    month + day + year,
    day + month + year,
    month + day + shortYear,
    day + month + shortYear,
    year + m + d,
    year + month + d,
    year + m + day,
    m + d + year,
    d + m + year
  ]
}

/** Names are short: of a Han name three characters (or all of two), of others five letters or the whole. */
function nameParts (name: string): string[] {
  const text = bare(name)
  const length = [...text].length
  if (/^\p{Script=Han}+$/u.test(text)) return length < 2 ? [] : windows(text, Math.min(length, 3))
  return length < 4 ? [] : windows(text, Math.min(length, OWN_PART))
}

/**
 * Names of persons. Tibetan names usually have no surname, so a name is one text and is never split.
 * Lengths are counted in code points: rare characters of GB 18030 level 2 lie outside the basic plane.
 */
import { isAbsurdlyLong } from './number-text.ts'

/** EMPTY · LENGTH more than 50 characters · CHARACTER digits, symbols, controls, no letter at all */
export type NameFault = 'EMPTY' | 'LENGTH' | 'CHARACTER'
export type NameResult = { ok: true; value: string } | { ok: false; code: NameFault }

/** 50 code points; real registers hold single-character names too. */
const LONGEST = 50

/** • ・ ･ ． ‧ ∙ ⋅ and the Greek ano teleia, all typed for the separating dot U+00B7. */
const DOTS = /[\u2022\u30FB\uFF65\uFF0E\u2027\u2219\u22C5\u0387]/g

/**
 * One spelling for what looks alike: NFC; dots as U+00B7 without blanks around them; no invisible
 * characters and glyph variants; single blanks, none between Han characters (old cards print 张 三); no
 * closing tsheg or shad after a Tibetan name. Idempotent, never throws.
 */
export function normaliseName (input: string): string {
  const text = input
    .replace(/[\p{Cf}\uFE00-\uFE0F\u{E0100}-\u{E01EF}]/gu, '')
    .normalize('NFC')
    .replace(DOTS, '·')
    .replace(/(?<=\p{Script=Han})\.(?=\p{Script=Han})/gu, '·')
    .replace(/\u0F0C/g, '\u0F0B')
    .replace(/[ \u00A0\u2000-\u200A\u202F\u205F\u3000]+/g, ' ')
    .replace(/ ?(?:· ?)+/g, '·')
    .replace(/(?<=\p{Script=Han}) (?=\p{Script=Han})/gu, '')
  return trimEnd(text.trimStart())
}

/** A loop, because /[…]+$/ is quadratic on long runs in the middle of a text. */
function trimEnd (text: string): string {
  let end = text.length
  while (end > 0 && /[\s\u0F0B\u0F0D\u0F0E]/.test(text[end - 1]!)) end--
  return text.slice(0, end)
}

/** Read a name as a person typed it. Never throws. */
export function parseName (input: string): NameResult {
  // Fifty characters may carry marks and selectors, but not twenty each.
  if (isAbsurdlyLong(input)) return { ok: false, code: 'LENGTH' }
  const value = normaliseName(input)
  const length = [...value].length
  if (length === 0) return { ok: false, code: 'EMPTY' }
  if (length > LONGEST) return { ok: false, code: 'LENGTH' }
  // Letters and marks of any script, 〇, and what may join them: · tsheg blank hyphen apostrophe period.
  if (!/^[\p{L}〇][\p{L}\p{M}〇·\u0F0B '’.-]*$/u.test(value) || value.endsWith('·')) {
    return { ok: false, code: 'CHARACTER' }
  }
  return { ok: true, value }
}

/** Are these spellings of the same name? Case counts; width of Latin letters does not. */
export function sameName (a: string, b: string): boolean {
  return comparable(a) === comparable(b)
}

function comparable (name: string): string {
  return normaliseName(
    normaliseName(name).replace(/[\uFF01-\uFF5E]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
  )
}

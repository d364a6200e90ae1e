/**
 * Personal data as screens, logs of releases and messages show them until they are unmasked. The rules show only as
 * much as lets the owner recognize the value.
 */

/** Last character only: 扎西顿珠 → ***珠. Counts graphemes, because a Tibetan stack must not be cut. */
export function maskName (name: string): string {
  const characters = Array.from(
    new Intl.Segmenter('zh', { granularity: 'grapheme' }).segment(name.trim()),
    (part) => part.segment
  )
  return characters.length < 2 ? '*'.repeat(characters.length) : '*'.repeat(characters.length - 1) + characters.at(-1)!
}

/** First and last character of a document number: 5****************5. */
export function maskCertNo (certNo: string): string {
  return maskMiddle(certNo, 1, 1)
}

/** First and last two digits of a mobile number, E.164 or national: 13*******00. */
export function maskPhone (phone: string): string {
  return maskMiddle(phone.replace(/^\+86/, ''), 2, 2)
}

/** Codes of organizations are public, except that of a 个体工商户 (92), which is a single person. */
export function maskUscc (uscc: string): string {
  return uscc.startsWith('92') ? maskMiddle(uscc, 2, 2) : uscc
}

/** First character of the mailbox, domain in full: z***@example.com. Always three stars. */
export function maskEmail (email: string): string {
  const at = email.lastIndexOf('@')
  return at < 1 ? '***' : `${[...email.slice(0, at)][0]!}***${email.slice(at)}`
}

/** Too short to hide anything between the ends: all stars. */
function maskMiddle (text: string, head: number, tail: number): string {
  const characters = [...text]
  const hidden = characters.length - head - tail
  if (hidden < 2) return '*'.repeat(characters.length)
  return characters.slice(0, head).join('') + '*'.repeat(hidden) + characters.slice(-tail).join('')
}

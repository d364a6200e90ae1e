/**
 * One rule for every text that people of the staff and programs type: names, reasons, notices, labels. Characters that
 * turn the direction of writing, break lines unseen, take no room, or control a terminal are taken out where a text
 * comes in, and shown by their number where an older row still has them. Otherwise a text could pretend to be another
 * (Unicode Technical Report 36, §3).
 */

/** Control characters but tab and line ends; soft hyphen; marks of direction; separators; zero width; half a pair. */
const unseen =
  '\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e' +
  '\\u2060-\\u2069\\ufeff\\ufff9-\\ufffb\\u{e0001}-\\u{e007f}\\p{Cs}'
const everyUnseen = new RegExp(`[${unseen}]`, 'gu')
const anyUnseen = new RegExp(`[${unseen}]`, 'u')
const anyUnsafe = new RegExp(`[\\t\\r\\n${unseen}]`, 'u')

/** Where a line would end, and not be seen to. */
const separators = /[\u0085\u2028\u2029]/g

/** A text of several lines without what nobody sees. */
export const cleanText = (text: string): string =>
  anyUnseen.test(text) ? text.replace(separators, ' ').replace(everyUnseen, '') : text

/** The same in one line. */
export const cleanLine = (text: string): string => cleanText(text.replace(/[\t\r\n\v\f]+/g, ' '))

/** Whether one line of text has something that is not seen. */
export const isUnsafeLine = (text: string): boolean => anyUnsafe.test(text)

/** U+202E as ⟨U+202E⟩. */
export const showText = (text: string): string =>
  anyUnseen.test(text)
    ? text.replace(everyUnseen, (sign) => `⟨U+${sign.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}⟩`)
    : text

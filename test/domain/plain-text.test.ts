import t from 'tap'
import { cleanLine, cleanText, isUnsafeLine, showText } from '../../src/domain/plain-text.ts'

const hidden = [
  '\u0000',
  '\u001b',
  '\u007f',
  '\u0085',
  '\u00ad',
  '\u061c',
  '\u180e',
  '\u200b',
  '\u200d',
  '\u200e',
  '\u200f',
  '\u2028',
  '\u2029',
  '\u202a',
  '\u202e',
  '\u2060',
  '\u2066',
  '\u2069',
  '\ufeff',
  '\ufff9',
  '\u{e0041}',
  '\ud800'
]

t.test('S43: what nobody sees is taken out, and shown where it is', async (t) => {
  for (const sign of hidden) {
    const text = `re${sign}turn`
    const name = sign.codePointAt(0)!.toString(16)
    t.match(cleanText(text), /^re ?turn$/, name)
    t.match(cleanLine(text), /^re ?turn$/, name)
    t.equal(isUnsafeLine(text), true, name)
    t.match(showText(text), /^re⟨U\+[0-9A-F]{4,5}⟩turn$/, name)
  }
})

t.test('S43: everything that is seen stays', async (t) => {
  for (const text of [
    '\u738b\u4dae \u674e·\u4e70\u4e70\u63d0',
    'བོད་ཡིག',
    'ئۇيغۇرچە',
    'O’Brien (sys)',
    '😀👍🏽',
    'é e\u0301',
    '\u{20BB7}',
    '㇀'
  ]) {
    for (const same of [cleanText, cleanLine, showText]) t.equal(same(text), text)
    t.equal(isUnsafeLine(text), false, text)
  }
  t.equal(cleanText('a\n\tb\r\n'), 'a\n\tb\r\n')
  t.equal(cleanLine('a\n\tb\r\n'), 'a b ')
  t.equal(isUnsafeLine('a\nb'), true)
})

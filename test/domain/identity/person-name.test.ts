import t from 'tap'
import fc from 'fast-check'
import { normaliseName, parseName, sameName } from '../../../src/domain/identity/person-name.ts'
import { anyText, isQuick, longTexts } from '../unicode.ts'

const value = (input: string) => {
  const result = parseName(input)
  return result.ok ? result.value : result.code
}

t.test('names as people have them', async (t) => {
  for (const name of [
    '扎西顿珠',
    '次仁',
    '王',
    '阿卜杜拉·买买提',
    '𠮷野',
    '〇云',
    '㛃',
    'བཀྲ་ཤིས་དོན་གྲུབ',
    'Jean-Luc O’Neill',
    "D'Arcy",
    'José Á.',
    'Наталья',
    '扎'.repeat(50),
    '𠮷'.repeat(50)
  ]) {
    t.equal(value(name), name)
  }
})

t.test('one spelling for what looks alike', async (t) => {
  for (const dot of '·•・･．‧∙⋅\u0387') {
    t.equal(value(`阿卜杜拉${dot}买买提`), '阿卜杜拉·买买提', `U+${dot.charCodeAt(0).toString(16)}`)
  }
  for (const [input, expected] of [
    ['  扎西 ', '扎西'],
    ['张　三', '张三'],
    ['张 三', '张三'],
    ['阿卜杜拉 · 买买提', '阿卜杜拉·买买提'],
    ['阿卜杜拉··买买提', '阿卜杜拉·买买提'],
    ['阿卜杜拉.买买提', '阿卜杜拉·买买提'],
    ['扎\u200B西\uFEFF', '扎西'],
    ['Jose\u0301  Garcia', 'José Garcia'],
    ['葛\u{E0100}城', '葛城'],
    ['བཀྲ་ཤིས་', 'བཀྲ་ཤིས'],
    ['བཀྲ་ཤིས།', 'བཀྲ་ཤིས'],
    ['བཀྲ\u0F0Cཤིས', 'བཀྲ་ཤིས'],
    ['扎西\n', '扎西']
  ] as const) {
    t.equal(value(input), expected, JSON.stringify(input))
  }
})

t.test('refused', async (t) => {
  for (const [input, expected] of [
    ['', 'EMPTY'],
    [' \u3000\u200B', 'EMPTY'],
    ['扎'.repeat(51), 'LENGTH'],
    ['𠮷'.repeat(51), 'LENGTH'],
    ['扎西1', 'CHARACTER'],
    ['扎西１', 'CHARACTER'],
    ['扎\u0000西', 'CHARACTER'],
    ['扎\t西', 'CHARACTER'],
    ['<b>扎西', 'CHARACTER'],
    ['扎西😀', 'CHARACTER'],
    ['·扎西', 'CHARACTER'],
    ['扎西·', 'CHARACTER'],
    ['---', 'CHARACTER'],
    ['\u0301扎', 'CHARACTER'],
    ['扎\uD800', 'CHARACTER'],
    ['扎\uE000', 'CHARACTER'],
    ['张*三', 'CHARACTER']
  ] as const) {
    t.equal(value(input), expected, JSON.stringify(input))
  }
})

t.test('sameName', async (t) => {
  t.ok(sameName('阿卜杜拉•买买提', ' 阿卜杜拉·买买提'))
  t.ok(sameName('Jose\u0301', 'José'))
  t.ok(sameName('ＷＡＮＧ', 'WANG'))
  t.ok(sameName('བཀྲ་ཤིས་', 'བཀྲ་ཤིས'))
  t.notOk(sameName('扎西顿珠', '扎西顿'))
  t.notOk(sameName('阿卜杜拉·买买提', '阿卜杜拉买买提'))
  t.notOk(sameName('Wang', 'WANG'))
})

t.test('any text: never throws, normal form is stable and equals what is accepted', async (t) => {
  fc.assert(
    fc.property(anyText, (text) => {
      const normal = normaliseName(text)
      const result = parseName(text)
      return (
        normaliseName(normal) === normal &&
        sameName(text, normal) &&
        (!result.ok || (result.value === normal && parseName(normal).ok))
      )
    }),
    { numRuns: 5000 }
  )
  for (const text of longTexts) {
    t.equal(value(text), 'LENGTH')
    t.ok(isQuick(() => parseName(text), 5))
    t.ok(
      isQuick(() => normaliseName(text), 5),
      JSON.stringify(text.slice(0, 2))
    )
  }
})

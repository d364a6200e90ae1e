import t from 'tap'
import fc from 'fast-check'
import { maskCertNo, maskEmail, maskName, maskPhone, maskUscc } from '../../../src/domain/identity/masking.ts'

t.test('names: the last character', async (t) => {
  for (const [name, masked] of [
    ['扎西顿珠', '***珠'],
    ['李强', '*强'],
    ['王', '*'],
    ['', ''],
    ['𠮷野', '*野'],
    ['野𠮷', '*𠮷'],
    ['阿卜杜拉·买买提', '*******提']
  ] as const) {
    t.equal(maskName(name), masked)
  }
  t.match(maskName('བཀྲ་ཤིས'), /^\*+ས$/)
  t.match(maskName('བསྒྲུབས་བསྒྲུ'), /^\*+སྒྲུ$/, 'a stack stays whole')
})

t.test('numbers', async (t) => {
  t.equal(maskCertNo('540102199003072515'), '5****************5')
  t.equal(maskCertNo('11010519491231002X'), '1****************X')
  t.equal(maskCertNo('CAN110081080310'), 'C*************0')
  t.equal(maskPhone('+8613800138000'), '13*******00')
  t.equal(maskPhone('13800138000'), '13*******00')
  t.equal(maskUscc('92540202MA6T9XYW1N'), '92**************1N')
  t.equal(maskUscc('91540102MA6T1A2BXK'), '91540102MA6T1A2BXK', 'public')
  t.equal(maskEmail('zhaxi@example.com'), 'z***@example.com')
  t.equal(maskEmail('@example.com'), '***')
  t.equal(maskEmail('none'), '***')
})

t.test('short or odd values give nothing away', async (t) => {
  for (const value of ['', '5', '55', '555']) t.equal(maskCertNo(value), '*'.repeat(value.length))
  for (const value of ['1234', '12345']) t.equal(maskPhone(value), '*'.repeat(value.length))
  const shown = (text: string) => [...text].filter((character) => character !== '*').length
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      (value) =>
        shown(maskCertNo(value)) <= 2 &&
        shown(maskPhone(value)) <= 4 &&
        // All but the last grapheme is stars, and nothing is lost or added but what they stand for.
        /^\**(?:\P{M}\p{M}*|.*)$/su.test(maskName(value)) &&
        value.trim().endsWith(maskName(value).replace(/^\*+/, ''))
    )
  )
})

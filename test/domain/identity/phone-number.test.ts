import t from 'tap'
import fc from 'fast-check'
import { formatPhone, parsePhone } from '../../../src/domain/identity/phone-number.ts'
import { pairs, vectors } from '../vectors.ts'
import { anyText, isQuick, longTexts } from '../unicode.ts'

const code = (input: string) => {
  const result = parsePhone(input)
  return result.ok ? 'OK' : result.code
}

t.test('vectors', async (t) => {
  for (const national of vectors.mobile.valid) {
    t.same(parsePhone(national), { ok: true, value: `+86${national}`, national })
  }
  for (const [input, national] of pairs(vectors.mobile.normalise)) {
    t.same(parsePhone(input), { ok: true, value: `+86${national}`, national })
  }
  for (const input of vectors.mobile.invalid) t.equal(parsePhone(input).ok, false, input)
})

t.test('says what is wrong', async (t) => {
  t.equal(code('12012345678'), 'PREFIX')
  t.equal(code('10212345678'), 'PREFIX')
  t.equal(code('1380013800'), 'LENGTH')
  t.equal(code('138001380000'), 'LENGTH')
  t.equal(code('1410000000012'), 'LENGTH', 'IoT numbers have 13 digits')
  t.equal(code('8613800138000'), 'OK')
  t.equal(code('+85291234567'), 'COUNTRY')
  t.equal(code('0085291234567'), 'COUNTRY')
  t.equal(code('+13800138000'), 'COUNTRY')
  t.equal(code('1380013800O'), 'FORMAT')
  t.equal(code('138+00138000'), 'FORMAT')
  t.equal(code('+86 86 13800138000'), 'LENGTH')
  t.equal(code('0891-6322222'), 'PREFIX', 'landline of Lhasa')
  t.equal(code(''), 'LENGTH')
})

t.test('one number, however it is typed', async (t) => {
  for (const input of [
    '138 0013 8000',
    '(+86) 138-0013-8000',
    '＋８６１３８００１３８０００',
    '\u202D138\u200B00138000\u202C',
    '138–0013–8000'
  ]) {
    t.match(parsePhone(input), { ok: true, value: '+8613800138000' }, input)
  }
})

t.test('display', async (t) => {
  t.equal(formatPhone('+8613800138000'), '138 0013 8000')
  t.equal(formatPhone('13800138000'), '138 0013 8000')
  t.equal(formatPhone('n/a'), 'n/a')
})

t.test('any text: never throws; what is accepted is E.164 and is accepted again', async (t) => {
  fc.assert(
    fc.property(anyText, (text) => {
      const result = parsePhone(text)
      return (
        !result.ok ||
        (/^\+861[3-9]\d{9}$/.test(result.value) &&
          code(result.value) === 'OK' &&
          code(formatPhone(result.value)) === 'OK')
      )
    }),
    { numRuns: 2000 }
  )
  fc.assert(
    fc.property(
      fc.stringMatching(/^1[3-9]\d{9}$/),
      fc.constantFrom('', '+86', '0086', '86', '+86-'),
      (national, prefix) => code(prefix + national) === 'OK'
    )
  )
  for (const text of longTexts) {
    t.equal(parsePhone(text).ok, false)
    t.ok(isQuick(() => parsePhone(text), 5))
  }
})

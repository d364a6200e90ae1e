import t from 'tap'
import fc from 'fast-check'
import { normaliseUscc, organizationCodeCheck, parseUscc, usccCheck } from '../../../src/domain/identity/uscc.ts'
import { pairs, vectors } from '../vectors.ts'
import { anyText, isQuick, longTexts } from '../unicode.ts'

const code = (input: string) => {
  const result = parseUscc(input)
  return result.ok ? 'OK' : result.code
}
const valid = [
  ...vectors.uscc.real,
  ...vectors.uscc.synthetic,
  ...vectors.uscc.checkCharZero,
  ...vectors.uscc.orgCheckX
]
const CHARSET = '0123456789ABCDEFGHJKLMNPQRTUWXY'

t.test('vectors', async (t) => {
  for (const value of valid) {
    t.same(
      parseUscc(value),
      { ok: true, value, dept: value[0], category: value[1], region: value.slice(2, 8), type: value.slice(0, 2) },
      value
    )
  }
  for (const [value, expected] of pairs([...vectors.uscc.invalid, ...vectors.uscc.invalidIsolated])) {
    t.equal(code(value), expected, value)
  }
})

t.test('both checks of the worked example of the standard', async (t) => {
  t.equal(organizationCodeCheck('M000100Y'), '4')
  t.equal(usccCheck('91350100M000100Y4'), '3')
})

t.test('names the place of a fault, counted from 1', async (t) => {
  t.same(parseUscc('9133010079965505IB'), { ok: false, code: 'CHARSET', position: 17 })
  t.same(parseUscc('01540102MA6T1A2BXW'), { ok: false, code: 'DEPT', position: 1 })
  t.same(parseUscc('94540102MA6T1A2BXA'), { ok: false, code: 'CATEGORY', position: 2 })
  t.same(parseUscc('91990102MA6T1A2BX3'), { ok: false, code: 'REGION', position: 3 })
  t.same(parseUscc('91A30100799655058B'), { ok: false, code: 'REGION', position: 3 })
  t.same(parseUscc('91330100799655058C'), { ok: false, code: 'CHECK' })
})

t.test('suggests for the letters the standard leaves out, never corrects', async (t) => {
  const value = '91330100799655058B'
  t.same(parseUscc('9I330I00799655058B'), { ok: false, code: 'CHARSET', position: 2, suggestion: value })
  t.same(parseUscc('9133O1OO799655O58B'), { ok: false, code: 'CHARSET', position: 5, suggestion: value })
  t.same(parseUscc('913301007996SS058B'), { ok: false, code: 'CHARSET', position: 13, suggestion: value })
  t.same(parseUscc('9I540I0ZMA6TIAZBXK'), {
    ok: false,
    code: 'CHARSET',
    position: 2,
    suggestion: '91540102MA6T1A2BXK'
  })
  const withU = `91540102MA6T1U2B${organizationCodeCheck('MA6T1U2B')}`
  const code = withU + usccCheck(withU)
  t.match(parseUscc(code.replace('U', 'V')), { ok: false, code: 'CHARSET', suggestion: code })
  t.notOk('suggestion' in parseUscc('9I330100799655058C'), 'only what would be valid')
  t.notOk('suggestion' in parseUscc('91330100799655058?'))
})

t.test('departments and categories of the standard, all of them and no others', async (t) => {
  const table =
    '11 12 13 19 21 29 31 32 33 34 35 39 41 49 51 52 53 59 61 62 69 71 72 79 81 89 91 92 93 A1 A9 N1 N2 N3 N9 Y1'.split(
      ' '
    )
  for (const dept of CHARSET) {
    for (const category of CHARSET) {
      const body = `${dept}${category}540102MA6T1A2BX`
      t.equal(code(body + usccCheck(body)) === 'OK', table.includes(dept + category), dept + category)
    }
  }
})

t.test('regions: national registry and abolished counties pass', async (t) => {
  const fault = (region: string) => {
    const body = `91${region}MA6T1A2BX`
    return code(body + usccCheck(body))
  }
  for (const region of ['100000', '540000', '542121', '540125', '659001']) t.equal(fault(region), 'OK', region)
  for (const region of ['000000', '100001', '710000', '990000', '54010A']) t.equal(fault(region), 'REGION', region)
})

t.test('input as typed', async (t) => {
  for (const input of [
    '９１３３０１００７９９６５５０５８Ｂ',
    ' 9133 0100 7996 5505 8b ',
    '913301-00799655058-B',
    '91330100799655058\u200BB'
  ]) {
    t.match(parseUscc(input), { ok: true, value: '91330100799655058B' }, input)
  }
  t.equal(code(''), 'LENGTH')
  t.equal(code('330100000012345'), 'LENGTH', '15-digit registration number')
  t.equal(code('799655058'), 'LENGTH', '9-character organization code')
})

t.test('every single substitution and every swap of unequal neighbours is caught', async (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...valid), fc.nat(17), fc.constantFrom(...CHARSET), (value, at, other) => {
      fc.pre(value[at] !== other)
      return !parseUscc(value.slice(0, at) + other + value.slice(at + 1)).ok
    }),
    { numRuns: 1000 }
  )
  fc.assert(
    fc.property(fc.constantFrom(...valid), fc.nat(16), (value, at) => {
      fc.pre(value[at] !== value[at + 1])
      return !parseUscc(value.slice(0, at) + value[at + 1] + value[at] + value.slice(at + 2)).ok
    }),
    { numRuns: 1000 }
  )
  t.pass()
})

t.test('every code built from good parts is valid, whatever the check character', async (t) => {
  const checks = new Set<string>()
  const part = fc.string({ unit: fc.constantFrom(...CHARSET), minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(part, (organization) => {
      const body = `91540102${organization}${organizationCodeCheck(organization)}`
      checks.add(usccCheck(body))
      // The definition of MOD 31-3, not our way to the sign: the weighted sum and the check make 0.
      const value = body + usccCheck(body)
      const sum = [...value].reduce(
        (total, character, at) => total + CHARSET.indexOf(character) * (at === 17 ? 1 : 3 ** at % 31),
        0
      )
      return parseUscc(value).ok && sum % 31 === 0
    }),
    { numRuns: 2000 }
  )
  t.equal(checks.size, 31, 'including 0')
})

t.test('any text: never throws, normal form is stable', async (t) => {
  fc.assert(
    fc.property(anyText, (text) => {
      const normal = normaliseUscc(text)
      const result = parseUscc(text)
      return normaliseUscc(normal) === normal && (!result.ok || result.value === normal)
    }),
    { numRuns: 2000 }
  )
  for (const text of longTexts) {
    t.equal(code(text), 'LENGTH')
    t.ok(isQuick(() => parseUscc(text), 5))
  }
})

import t from 'tap'
import fc from 'fast-check'
import {
  normaliseResidentId,
  parseForeignPr15,
  parseResidentId,
  residentIdCheck,
  upgradeLegacy15
} from '../../../src/domain/identity/resident-id.ts'
import type { ResidentId } from '../../../src/domain/identity/resident-id.ts'
import { pairs, today, vectors } from '../vectors.ts'
import { anyText, isQuick, longTexts } from '../unicode.ts'

const parse = (input: string) => parseResidentId(input, today)
const code = (input: string) => {
  const result = parse(input)
  return result.ok ? 'OK' : result.code
}
/** The vectors' labels may go on after the code: REGION_710000_…. */
const sameCode = (actual: string, label: string) => label === actual || label.startsWith(`${actual}_`)

t.test('vectors', async (t) => {
  for (const number of vectors.residentId.valid) {
    t.match(
      parse(number),
      { ok: true, value: number, kind: 'resident_id', region: number.slice(0, 6), regionKnown: true },
      number
    )
  }
  for (const [input, value] of pairs(vectors.residentId.normalise)) {
    t.equal(normaliseResidentId(input), value)
    t.match(parse(input), { ok: true, value })
  }
  for (const number of vectors.hkmtResidence.valid) {
    t.match(
      parse(number),
      { ok: true, value: number, kind: number.startsWith('83') ? 'tw_residence' : 'hkm_residence' },
      number
    )
  }
  for (const number of [...vectors.foreignPR.new18Valid, ...vectors.foreignPR.old15Valid]) {
    t.match(parse(number), { ok: true, value: number, kind: 'foreign_pr' }, number)
  }
  const invalid = [...vectors.residentId.invalid, ...vectors.hkmtResidence.invalid, ...vectors.foreignPR.invalid]
  for (const [number, expected] of pairs(invalid)) {
    t.ok(sameCode(code(number), expected), `${number} ${expected} (${code(number)})`)
  }
  for (const [old, upgraded] of pairs(vectors.residentId.legacy15)) t.equal(upgradeLegacy15(old), upgraded)
})

t.test('what a number tells', async (t) => {
  t.same(parse('540102199003072515'), {
    ok: true,
    value: '540102199003072515',
    kind: 'resident_id',
    birthdate: '1990-03-07',
    gender: 'male',
    region: '540102',
    regionKnown: true
  })
  t.match(parse('540103199511214029'), { gender: 'female', birthdate: '1995-11-21' })
  t.same(parse('911124198108030024'), {
    ok: true,
    value: '911124198108030024',
    kind: 'foreign_pr',
    birthdate: '1981-08-03',
    gender: 'female',
    region: '110000',
    regionKnown: true,
    nationality: '124'
  })
  t.same(parse('can 1100-8108-0310'), {
    ok: true,
    value: 'CAN110081080310',
    kind: 'foreign_pr',
    birthdate: '1981-08-03',
    gender: null,
    region: '110000',
    regionKnown: true,
    nationality: 'CAN'
  })
})

t.test('the birth date may be today, not tomorrow', async (t) => {
  const body = '54010220261122001'
  const number = body + residentIdCheck(body)
  t.match(parseResidentId(number, '2026-11-22'), { ok: true })
  t.same(parseResidentId(number, '2026-11-21'), { ok: false, code: 'FUTURE' })
  const old = '54010218491231001'
  t.equal(code(old + residentIdCheck(old)), 'DATE')
})

t.test('regions: the province decides, the county only informs', async (t) => {
  const known = (region: string) => {
    const body = `${region}19700101001`
    const result = parse(body + residentIdCheck(body))
    return result.ok ? result.regionKnown : result.code
  }
  for (const region of [
    '540102',
    '542121',
    '542201',
    '542301',
    '542322',
    '542423',
    '542527',
    '542622',
    '542721',
    '540125',
    '540126',
    '540128',
    '540131',
    '540422',
    '540481',
    '540530',
    '540581',
    '110105',
    '500101',
    '429004',
    '653201'
  ]) {
    t.equal(known(region), true, region)
  }
  for (const region of ['540199', '540200', '549999', '542821', '110000', '110100', '118001']) {
    t.equal(known(region), false, region)
  }
  for (const region of ['160101', '710000', '710101', '810001', '840000', '660101', '010101']) {
    t.equal(known(region), 'REGION', region)
  }
})

t.test('offers what may have been meant, and only if it is valid', async (t) => {
  t.same(parse('540102900101001'), { ok: false, code: 'LEGACY15', suggestion: '540102199001010011' })
  t.same(parse('540102901301001'), { ok: false, code: 'LEGACY15' })
  t.same(parse('54O1O2199003072515'), { ok: false, code: 'FORMAT', suggestion: '540102199003072515' })
  t.same(parse('11010519491231002*'), { ok: false, code: 'FORMAT', suggestion: '11010519491231002X' })
  t.same(parse('11010519491231002×'), { ok: false, code: 'FORMAT', suggestion: '11010519491231002X' })
  t.same(parse('54O1O2199003072516'), { ok: false, code: 'FORMAT' })
})

t.test('spellings of one number are one number', async (t) => {
  for (const input of [
    '11010519491231002ｘ',
    '110105-19491231-002x',
    '11010519491231002\u2169',
    '\u200B1101 0519\u00A04912 3100\u20602X\uFEFF'
  ]) {
    t.match(parse(input), { ok: true, value: '11010519491231002X' }, JSON.stringify(input))
  }
})

t.test('permanent residence, 15 characters', async (t) => {
  const fault = (input: string) => {
    const result = parseForeignPr15(input, today)
    return result.ok ? 'OK' : result.code
  }
  t.equal(fault('CAN110081080310'), 'OK')
  t.equal(fault('CAN11008108031'), 'LENGTH')
  t.equal(fault('123456789012345'), 'FORMAT')
  t.equal(fault('CAN110081133010'), 'CHECK')
  const check = (body: string) =>
    [...'0123456789'].map((digit) => body + digit).find((number) => fault(number) !== 'CHECK')!
  t.equal(fault(check('CAN99008108031')), 'REGION')
  t.equal(fault(check('CAN11008113301')), 'DATE')
  t.match(parseForeignPr15(check('CAN11002611221'), today), { birthdate: '2026-11-22' })
  t.match(parseForeignPr15(check('CAN11002611231'), today), { birthdate: '1926-11-23' })
  t.match(parseForeignPr15(check('CAN11000002291'), today), { birthdate: '2000-02-29' })
})

const digits = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: length, maxLength: length })
const valid = fc.constantFrom(
  ...vectors.residentId.valid,
  ...vectors.hkmtResidence.valid,
  ...vectors.foreignPR.new18Valid
)

t.test('the check equals the ISO 7064 recurrence for any body', async (t) => {
  fc.assert(
    fc.property(digits(17), (body) => {
      // Pure system with modulus 11 and radix 2, evaluated digit by digit: another road to the same sign.
      let product = 0
      for (const digit of body) product = ((product + Number(digit)) * 2) % 11
      const check = (12 - product) % 11
      return residentIdCheck(body) === (check === 10 ? 'X' : String(check))
    })
  )
  t.pass()
})

t.test('every single substitution and every swap of unequal neighbours is caught', async (t) => {
  fc.assert(
    fc.property(valid, fc.nat(17), fc.constantFrom(...'0123456789X'), (number, at, other) => {
      fc.pre(number[at] !== other)
      return !parse(number.slice(0, at) + other + number.slice(at + 1)).ok
    })
  )
  fc.assert(
    fc.property(valid, fc.nat(16), (number, at) => {
      fc.pre(number[at] !== number[at + 1])
      return !parse(number.slice(0, at) + number[at + 1] + number[at] + number.slice(at + 2)).ok
    })
  )
  t.pass()
})

t.test('any text: never throws, normal form is stable, what is accepted is in normal form', async (t) => {
  fc.assert(
    fc.property(anyText, (text) => {
      const normal = normaliseResidentId(text)
      const result = parse(text)
      upgradeLegacy15(text)
      parseForeignPr15(text, today)
      return (
        normaliseResidentId(normal) === normal && (!result.ok || (result.value === normal && parse(result.value).ok))
      )
    }),
    { numRuns: 2000 }
  )
  for (const text of longTexts) {
    t.equal(code(text), 'LENGTH')
    t.ok(isQuick(() => parse(text), 5))
    t.ok(isQuick(() => normaliseResidentId(text), 5))
  }
})

t.test('upgrading a legacy number keeps region, birthday and sequence', async (t) => {
  fc.assert(
    fc.property(digits(15), (old) => {
      const upgraded = upgradeLegacy15(old)!
      return (
        upgraded.length === 18 &&
        upgraded.slice(0, 6) + upgraded.slice(8, 17) === old &&
        residentIdCheck(upgraded) === upgraded[17]
      )
    })
  )
  t.equal(upgradeLegacy15('54010290010100'), null)
  t.equal(upgradeLegacy15('CAN110081080310'), null)
  const sample = parse(vectors.residentId.valid[0]!) as ResidentId
  t.equal(parse(upgradeLegacy15(sample.value.slice(0, 6) + sample.value.slice(8, 17))!).ok, true)
})

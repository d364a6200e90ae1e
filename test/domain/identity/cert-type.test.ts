import t from 'tap'
import fc from 'fast-check'
import {
  certTypeCode,
  certTypes,
  isCertType,
  onlineCertTypes,
  parseCertNo
} from '../../../src/domain/identity/cert-type.ts'
import type { CertType } from '../../../src/domain/identity/cert-type.ts'
import { today, vectors } from '../vectors.ts'
import { anyText, isQuick, longTexts } from '../unicode.ts'

const read = (certType: CertType, input: string) => {
  const result = parseCertNo(certType, input, today)
  return result.ok ? result.value : result.code
}

t.test('GA/T 517, out and in', async (t) => {
  t.same(
    certTypes.map((certType) => `${certType} ${certTypeCode(certType)}`),
    [
      'resident_id 111',
      'hkm_residence 154',
      'tw_residence 154',
      'foreign_pr 553',
      'passport 414',
      'hkm_travel 516',
      'tw_travel 511',
      'military 114',
      'other 990'
    ]
  )
  t.equal(certTypeCode('toString'), '990')
})

t.test('values from outside', async (t) => {
  t.ok(isCertType('passport'))
  for (const value of ['PASSPORT', '', null, 0, 'constructor']) t.notOk(isCertType(value))
  t.same(onlineCertTypes, ['resident_id'])
})

t.test('numbers of the 11643 family are read for the chosen type only', async (t) => {
  t.same(parseCertNo('resident_id', ' 11010519491231002x', today), {
    ok: true,
    value: '11010519491231002X',
    birthdate: '1949-12-31',
    gender: 'female'
  })
  t.equal(read('hkm_residence', vectors.hkmtResidence.valid[0]!), vectors.hkmtResidence.valid[0])
  t.equal(read('tw_residence', '830000199201300022'), '830000199201300022')
  t.same(parseCertNo('foreign_pr', 'CAN110081080310', today), {
    ok: true,
    value: 'CAN110081080310',
    birthdate: '1981-08-03',
    gender: null
  })
  t.equal(read('foreign_pr', '911124198108030024'), '911124198108030024')
  t.equal(read('resident_id', '830000199201300022'), 'KIND')
  t.equal(read('tw_residence', '810000199001010019'), 'KIND')
  t.equal(read('foreign_pr', '540102199003072515'), 'KIND')
  t.equal(read('resident_id', '540102199003072510'), 'CHECK')
})

t.test('formats', async (t) => {
  const table: Array<[CertType, string[], string[]]> = [
    ['passport', ['E12345678', 'EA1234567', 'g12345678', 'L898902C3', '12345'], ['E123', 'E1234567é', 'A'.repeat(18)]],
    ['hkm_travel', ['H12345678', 'm1234567800', 'H 1234 5678'], ['T12345678', 'H1234567', 'H123456789', '12345678']],
    ['tw_travel', ['12345678', '1234567890A'], ['1234567', '123456789', '1234567890', 'T12345678']],
    ['military', ['军字第1234567号', '南字12345'], ['军', '军字第1234567号;']],
    ['other', ['ABC-1234', '证（2024）第12号'], ['ab', "x'; drop", 'A'.repeat(41)]]
  ]
  for (const [certType, good, bad] of table) {
    for (const number of good) {
      t.match(parseCertNo(certType, number, today), { ok: true, birthdate: null, gender: null }, number)
    }
    for (const number of bad) t.same(parseCertNo(certType, number, today), { ok: false, code: 'FORMAT' }, number)
  }
})

t.test('any text, any type: never throws; what is accepted is stable', async (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...certTypes), anyText, (certType, text) => {
      const result = parseCertNo(certType, text, today)
      return !result.ok || read(certType, result.value) === result.value
    }),
    { numRuns: 2000 }
  )
  for (const certType of certTypes) {
    for (const text of longTexts) {
      t.equal(read(certType, text), 'LENGTH')
      t.ok(isQuick(() => read(certType, text), 5))
    }
  }
})

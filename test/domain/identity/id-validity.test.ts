import t from 'tap'
import fc from 'fast-check'
import {
  addYears,
  ageOn,
  checkValidity,
  derivedEnd,
  expectedTerm,
  isTerm
} from '../../../src/domain/identity/id-validity.ts'
import type { Term, ValidityInput } from '../../../src/domain/identity/id-validity.ts'
import { isCalendarDate } from '../../../src/domain/calendar-date.ts'
import { today, vectors } from '../vectors.ts'

t.test('vectors', async (t) => {
  for (const [start, years, end] of vectors.validity.addYears as Array<[string, number, string]>) {
    t.equal(addYears(start, years), end)
  }
  for (const [birth, issue, term] of vectors.validity.term as Array<[string, string, Term]>) {
    t.equal(expectedTerm(birth, issue), term)
  }
})

const date = fc
  .date({ min: new Date('1900-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
  .map((day) => day.toISOString().slice(0, 10))

t.test('addYears equals the overflow of the proleptic calendar', async (t) => {
  fc.assert(
    fc.property(date, fc.constantFrom(0, 1, 4, 5, 10, 20, 100), (start, years) => {
      const day = new Date(`${start}T00:00:00Z`)
      day.setUTCFullYear(day.getUTCFullYear() + years)
      return addYears(start, years) === day.toISOString().slice(0, 10)
    }),
    { numRuns: 2000 }
  )
  t.throws(() => addYears('2023-02-29', 5), RangeError)
})

t.test('ageOn counts the birthdays that have come', async (t) => {
  fc.assert(
    fc.property(date, date, (a, b) => {
      const [birth, on] = a < b ? [a, b] : [b, a]
      let age = 0
      while (addYears(birth, age + 1) <= on) age++
      return ageOn(birth, on) === age
    })
  )
  t.equal(ageOn('1992-02-29', '2018-02-28'), 25)
  t.equal(ageOn('1992-02-29', '2018-03-01'), 26)
  t.equal(ageOn('1992-02-29', '2020-02-28'), 27)
  t.equal(ageOn('1992-02-29', '2020-02-29'), 28)
})

t.test('calendar dates', async (t) => {
  for (const good of ['2000-02-29', '1900-01-01', '2024-12-31']) t.ok(isCalendarDate(good), good)
  for (const bad of [
    '1900-02-29',
    '2023-02-29',
    '2024-13-01',
    '2024-00-10',
    '2024-04-31',
    '2024-4-1',
    '2024-01-00',
    '',
    '99991231',
    '2024-01-01T00:00:00Z',
    '２０２４-01-01',
    '2024-01-01\n'
  ]) {
    t.notOk(isCalendarDate(bad), JSON.stringify(bad))
  }
})

const card: ValidityInput = {
  birthdate: '1990-03-07',
  validFrom: '2020-06-01',
  term: 20,
  today,
  certType: 'resident_id'
}
const check = (change: Partial<ValidityInput>) => {
  const result = checkValidity({ ...card, ...change })
  return result.ok
    ? `ok ${result.validTo}${result.warnings.map((issue) => ` ${issue.field}:${issue.code}`).join('')}`
    : result.errors.map((issue) => `${issue.field}:${issue.code}`).join(' ')
}

t.test('a right card', async (t) => {
  t.equal(check({}), 'ok 2040-06-01')
  t.equal(check({ birthdate: '1960-01-01', term: 'long' }), 'ok null')
  t.equal(check({ birthdate: '2012-01-01', validFrom: '2024-02-29', term: 5 }), 'ok 2029-03-01')
  t.equal(derivedEnd('2024-02-29', 'long'), null)
})

t.test('each rule', async (t) => {
  t.equal(check({ validFrom: today }), 'ok 2046-11-22', 'issued today')
  t.equal(check({ validFrom: '2026-11-23' }), 'validFrom:FUTURE')
  t.equal(
    check({ birthdate: '2020-06-01', term: 5, today: '2024-01-01' }),
    'validFrom:BEFORE_BIRTH',
    'on the day of birth'
  )
  t.equal(check({ birthdate: '2020-05-31', term: 5, today: '2024-01-01' }), 'ok 2025-06-01')
  t.equal(check({ birthdate: '1950-01-01', validFrom: '2003-12-31', term: 'long' }), 'ok null validFrom:BEFORE_2004')
  t.equal(check({ birthdate: '1950-01-01', validFrom: '2004-01-01', term: 'long' }), 'ok null')
  t.equal(check({ validFrom: '2006-11-22', birthdate: '1979-01-01' }), 'ok 2026-11-22', 'valid through the last day')
  t.equal(check({ validFrom: '2006-11-21', birthdate: '1979-01-01' }), 'validTo:EXPIRED')
  t.equal(check({ term: 10 }), 'term:TERM_MISMATCH')
  t.equal(check({ term: 'long' }), 'term:TERM_MISMATCH')
  t.equal(check({ term: 10, strictTerm: false }), 'ok 2030-06-01 term:TERM_MISMATCH')
  t.equal(check({ term: null }), 'term:TERM')
  t.equal(check({ term: 7 as unknown as Term }), 'term:TERM')
  t.equal(check({ validFrom: '2020-02-30' }), 'validFrom:DATE')
  t.equal(check({ validFrom: '' }), 'validFrom:DATE')
  t.equal(check({ birthdate: null, term: 10 }), 'ok 2030-06-01', 'without a birth date no term can be expected')
})

t.test('an end date given must be the one that follows', async (t) => {
  t.equal(check({ validTo: '2040-06-01' }), 'ok 2040-06-01')
  t.equal(check({ validTo: '2040-05-31' }), 'validTo:END_MISMATCH')
  t.equal(check({ validTo: null }), 'validTo:END_MISMATCH')
  t.equal(check({ validTo: '9999-12-31', birthdate: '1960-01-01', term: 'long' }), 'validTo:END_MISMATCH')
  t.equal(check({ validTo: null, birthdate: '1960-01-01', term: 'long' }), 'ok null')
  t.equal(check({ validTo: '2040-06-31' }), 'validTo:DATE')
  t.equal(check({ validTo: '' }), 'ok 2040-06-01', 'an empty field is not given')
})

t.test('several faults at once', async (t) => {
  t.equal(
    check({ birthdate: '1979-01-01', validFrom: '2005-11-21', term: 10 }),
    'validTo:EXPIRED term:TERM_MISMATCH'.split(' ').reverse().join(' ')
  )
  t.equal(check({ validFrom: '2027-01-01', validTo: '2040-01-01' }), 'validFrom:FUTURE validTo:END_MISMATCH')
})

t.test('other documents: their own end, no rule about the age', async (t) => {
  const passport = { certType: 'passport' as const, birthdate: null, term: null }
  t.equal(check({ ...passport, validTo: '2030-05-31' }), 'ok 2030-05-31')
  t.equal(check({ ...passport, validTo: '2026-11-21' }), 'validTo:EXPIRED')
  t.equal(check({ ...passport, validTo: '2020-06-01' }), 'validTo:END_BEFORE_START')
  t.equal(check({ ...passport }), 'term:TERM')
  t.equal(check({ ...passport, validTo: null }), 'ok null')
  t.equal(check({ certType: 'hkm_residence', validFrom: '2024-06-01', term: 5 }), 'ok 2029-06-01')
  t.equal(check({ certType: 'foreign_pr', term: 10 }), 'ok 2030-06-01')
  t.equal(check({ certType: 'foreign_pr', term: 10, validFrom: '2003-01-01', today: '2010-01-01' }), 'ok 2013-01-01')
})

t.test('any text in the dates: an answer, never an exception', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (validFrom, validTo) => {
      const result = checkValidity({ ...card, validFrom, validTo })
      return !result.ok
    })
  )
  fc.assert(
    fc.property(date, fc.constantFrom<Term>(5, 10, 20, 'long'), (validFrom, term) => {
      const result = checkValidity({ ...card, validFrom, term })
      return (
        !result.ok ||
        (term === expectedTerm('1990-03-07', validFrom) && (result.validTo === null || result.validTo >= today))
      )
    })
  )
  t.same(['5', 5, 'long', null, undefined].map(isTerm), [false, true, true, false, false])
})

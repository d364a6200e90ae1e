// Every fault of the identity form is told apart; the end of validity follows from start and term (GA 214.8-2004).
import t from 'tap'
import { readIdentity } from '../../../src/records/identity/index.ts'

const today = '2026-02-03'
const good = {
  certType: 'resident_id',
  name: '测试·扎西',
  certNo: '540102199003072515',
  validFrom: '2018-05-01',
  term: '20'
}
const faults = (extra: object): string[] => {
  const result = readIdentity({ ...good, ...extra }, today)
  return result.ok ? [] : result.faults.map(({ field, code }) => `${field}:${code}`)
}

t.test('right', async (t) => {
  t.same(readIdentity(good, today), { ok: true, data: { ...good, validTo: '2038-05-01', term: 20 } })
  t.match(
    readIdentity({ ...good, name: ' 测试•扎西', certNo: '５４０102 1990 0307 2515' }, today),
    { ok: true, data: { name: '测试·扎西', certNo: good.certNo } },
    'as people type'
  )
  // born 1990-03-07: 46 years old on 2036-03-07
  t.match(readIdentity({ ...good, validFrom: '2036-03-07', term: 'long' }, '2036-04-01'), {
    ok: true,
    data: { validTo: null, term: 'long' }
  })
  t.match(
    readIdentity({ ...good, validFrom: '2016-02-29', term: '10' }, today),
    { ok: true, data: { validTo: '2026-03-01' } },
    '29 February'
  )
})

t.test('wrong', async (t) => {
  const table: Array<[string, object, string[]]> = [
    ['no name', { name: ' ' }, ['name:EMPTY']],
    ['digits in a name', { name: '扎西3' }, ['name:CHARACTER']],
    ['long name', { name: '扎'.repeat(51) }, ['name:LENGTH']],
    ['check digit', { certNo: '540102199003072514' }, ['certNo:CHECK']],
    ['old number', { certNo: '540102900307251' }, ['certNo:LEGACY15']],
    ['length', { certNo: '5401021990' }, ['certNo:LENGTH']],
    ['number of another kind', { certType: 'hkm_residence' }, ['certNo:KIND']],
    ['unknown kind', { certType: 'ZZ' }, ['certType:UNKNOWN']],
    ['no date', { validFrom: '2018-13-01' }, ['validFrom:DATE']],
    ['empty date', { validFrom: '' }, ['validFrom:DATE']],
    ['future', { validFrom: '2026-02-04', term: '20' }, ['validFrom:FUTURE']],
    ['before birth', { validFrom: '1990-03-07' }, ['validFrom:BEFORE_BIRTH', 'validTo:EXPIRED']],
    ['term does not fit the age', { term: '10' }, ['term:TERM_MISMATCH']],
    ['no term', { term: '' }, ['term:TERM']],
    ['foreign term', { term: '15' }, ['term:TERM']],
    ['no term and a bad date', { term: '', validFrom: 'x' }, ['term:TERM', 'validFrom:DATE']],
    ['outdated', { validFrom: '2015-02-01', term: '10' }, ['validTo:EXPIRED']],
    [
      'everything',
      { name: '', certNo: '', certType: '', validFrom: '', term: '' },
      ['name:EMPTY', 'certType:UNKNOWN', 'term:TERM', 'validFrom:DATE']
    ]
  ]
  for (const [name, extra, expected] of table) t.same(faults(extra), expected, name)
})

t.test('nothing that anybody sends throws', async (t) => {
  for (const text of ['\u0000', '\ud800', 'x'.repeat(100_000), '__proto__', '1e3', ' 20', '长期']) {
    for (const field of ['name', 'certNo', 'certType', 'validFrom', 'term']) {
      t.ok(faults({ [field]: text }).length >= 0, `${field}: ${JSON.stringify(text.slice(0, 12))}`)
    }
  }
})

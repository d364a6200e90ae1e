import t from 'tap'
import {
  databaseError,
  DatabaseUnavailable,
  isDatabaseUnavailable,
  isUniqueViolation
} from '../../src/database/errors.ts'

const coded = (code: string, extra: object = {}): Error => Object.assign(new Error(code), { code }, extra)

t.test('absence and overload of the database', async (t) => {
  for (const code of ['ECONNREFUSED', 'ECONNRESET', '57P01', '57P03', '57014', '53300', '08006', '25006']) {
    t.ok(isDatabaseUnavailable(coded(code)), code)
  }
  for (const code of ['23505', '42P01', '22P02', '28P01', '40001', '57000']) {
    t.notOk(isDatabaseUnavailable(coded(code)), code)
  }
  t.ok(isDatabaseUnavailable(new AggregateError([coded('ECONNREFUSED')])), 'both addresses of localhost')
  t.ok(isDatabaseUnavailable(new DatabaseUnavailable(undefined)))
  for (const other of [null, undefined, 'ECONNREFUSED', new Error('something else'), {}]) {
    t.notOk(isDatabaseUnavailable(other))
  }
})

t.test('what callers see', async (t) => {
  const lost = databaseError(coded('ECONNRESET'))
  t.match(lost, { name: 'DatabaseUnavailable', code: 'ECONNRESET', cause: { code: 'ECONNRESET' } })
  t.equal(databaseError(lost), lost, 'wrapped once')
  const taken = coded('23505', {
    constraint: 'person_phone',
    detail: 'Key (phone_index)=(abc) already exists.',
    params: ['abc']
  })
  t.equal(databaseError(taken), taken)
  t.notMatch(JSON.stringify(taken), 'abc')
  t.ok(isUniqueViolation(taken, 'person_phone'))
  t.notOk(isUniqueViolation('23505'))
  t.equal(databaseError('text'), 'text')
})

import t from 'tap'
import { DomainError } from '../../src/domain/errors.ts'

t.test('a code that is the message key, details only when given', async (t) => {
  const plain = new DomainError('delegation_not_active')
  t.ok(plain instanceof Error)
  t.match(plain, { name: 'DomainError', code: 'delegation_not_active', message: 'delegation_not_active' })
  t.notOk('details' in plain)
  t.same(new DomainError('too_many', { left: 3 }).details, { left: 3 })
})

import t from 'tap'
import { statement, statementName } from '../../src/database/statement.ts'

t.test('statements that would fail later are refused at once', async (t) => {
  statement('test.a', 'select 1 as a')
  t.equal(statementName('select 1 as a'), 'test.a')
  t.equal(statementName('select 2'), undefined)
  t.doesNotThrow(() => statement('test.a', 'select 1 as a'), 'the same again is the same')
  t.throws(() => statement('test.a', 'select 2 as a'), /defined twice/)
  t.throws(() => statement('x'.repeat(64), 'select 3'), /63 bytes/)
  for (const text of [
    'select * from person',
    'select p.* from person p',
    'update x set a = 1 returning *',
    'select a, p.* from person p',
    'SELECT\n  * from x',
    'select distinct * from x'
  ]) {
    t.throws(() => statement(`test.star ${text}`.slice(0, 60), text), /name the columns/, text)
  }
  for (const text of ['select count(*) from person', 'select a * b from x', 'select 2 * $1::int as n']) {
    t.doesNotThrow(() => statement(`test.ok ${text}`, text), text)
  }
})

import t from 'tap'
import { isTooDeep } from '../../src/domain/json-depth.ts'

t.test('S31: depth is counted in objects and lists, however wide or deep they are', async (t) => {
  const nest = (depth: number): unknown => JSON.parse('{"a":['.repeat(depth) + '1' + ']}'.repeat(depth))
  t.notOk(isTooDeep('text'))
  t.notOk(isTooDeep(null))
  t.notOk(isTooDeep(nest(16)))
  t.ok(isTooDeep(nest(17)))
  t.ok(isTooDeep(nest(100_000)))
  t.notOk(isTooDeep(Array.from({ length: 300_000 }, () => ({ a: [1] }))))
})

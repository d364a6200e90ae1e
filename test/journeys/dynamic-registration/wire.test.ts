import t from 'tap'
import { validateClient } from '../../../src/domain/client/metadata.ts'
import { parseContent } from '../../../src/journeys/dynamic-registration/wire.ts'
import { testRules } from '../../domain/client/support.ts'

t.test('a language is a member of its own, whatever it is called', async (t) => {
  const sent = JSON.parse(
    '{"redirect_uris":["https://gjj.example.gov.cn/cb"],"client_name#__proto__":{"zh-CN":"x"}}'
  ) as Record<string, unknown>
  const checked = validateClient(parseContent(sent), testRules)
  t.notOk(checked.ok)
  if (checked.ok) return
  t.same(checked.faults.map(({ field, code }) => `${field} ${code}`).sort(), [
    '/policy/names/__proto__ unknown',
    '/policy/names/zh-CN missing'
  ])
  t.ok(
    validateClient(parseContent({ ...sent, 'client_name#__proto__': undefined, client_name: '公积金查询' }), testRules)
      .ok === false,
    'and is refused beside a good name'
  )
})

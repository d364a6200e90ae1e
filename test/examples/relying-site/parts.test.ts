import t from 'tap'
import { levelOf, satisfies } from '../../../examples/relying-site/assurance.ts'
import { ExpiringMap } from '../../../examples/relying-site/expiring-map.ts'
import { html } from '../../../examples/relying-site/html.ts'

t.test('ExpiringMap is bounded, forgets, and takes once', async (t) => {
  let now = 0
  const map = new ExpiringMap<number>(10, 2, () => now)
  map.set('a', 1)
  now = 5
  map.set('b', 2)
  map.set('a', 3)
  map.set('c', 4)
  t.equal(map.get('b'), undefined, 'the oldest made room')
  t.equal(map.get('a'), 3, 'set again is young again')
  t.equal(map.take('c'), 4)
  t.equal(map.take('c'), undefined)
  now = 14
  t.equal(map.get('a'), 3)
  now = 15
  t.equal(map.get('a'), undefined)
  map.set('d', 5)
  now = 30
  map.set('e', 6)
  t.strictSame([...map.entries()], [['e', 6]], 'the dead are cleared away')
})

t.test('levels', async (t) => {
  t.equal(levelOf('urn:kora:loa:4'), 4)
  for (const unknown of [undefined, null, 3, 'urn:kora:loa:5', 'urn:kora:loa:33', 'urn:other:3']) {
    t.equal(levelOf(unknown), 0)
  }
  t.ok(satisfies('urn:kora:loa:4', 'urn:kora:loa:3'))
  t.notOk(satisfies('urn:kora:loa:2', 'urn:kora:loa:3'))
  t.ok(satisfies('urn:kora:loa:2', 'urn:kora:loa:3 urn:kora:loa:2'))
  t.notOk(satisfies(undefined, 'urn:kora:loa:1'))
  t.notOk(satisfies('urn:kora:loa:4', 'urn:other'))
})

t.test('html escapes', async (t) => {
  t.equal(
    html`<p title="${'"\'<&>'}">${[html`<i>${1}</i>`, null, undefined, false, '<']}</p>`.text,
    '<p title="&quot;&#39;&lt;&amp;&gt;"><i>1</i>&lt;</p>'
  )
})

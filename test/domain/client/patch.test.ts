import t from 'tap'
import { applyPatch, mergePatches, createPatch } from '../../../src/domain/client/patch.ts'
import type { ClientContent } from '../../../src/domain/client/record.ts'

const content = (metadata: object, policy: object = {}): ClientContent =>
  ({ kind: 'server', metadata, policy }) as unknown as ClientContent

t.test('a patch holds while its members are what they were', async (t) => {
  const from = content({ redirect_uris: ['a'], scope: 'openid' }, { names: { 'zh-CN': 'x' } })
  const patch = createPatch(from, content({ redirect_uris: ['a', 'b'] }, { names: { 'zh-CN': 'x', 'a/b~c': 'y' } }))
  t.same(
    patch.map(({ field }) => field),
    ['/metadata/redirect_uris', '/metadata/scope', '/policy/names/a~1b~0c']
  )
  const stored = JSON.parse(JSON.stringify(patch)) as typeof patch
  const elsewhere = content({ ...from.metadata, client_uri: 'u' }, { names: { 'zh-CN': 'z' } })
  t.same(
    applyPatch(elsewhere, stored),
    content({ redirect_uris: ['a', 'b'], client_uri: 'u' }, { names: { 'zh-CN': 'z', 'a/b~c': 'y' } })
  )
  t.equal(applyPatch(content({ redirect_uris: ['a'] }, { names: {} }), stored), null, 'a member that is gone')
  t.equal(applyPatch(content({ ...from.metadata, redirect_uris: ['c'] }, from.policy), stored), null)
  t.equal(applyPatch(content(from.metadata), stored), null, 'nor is there anything to put it into')
})

t.test('two patches of one person: the later one decides, lists keep the additions of both', async (t) => {
  const change = (field: string, before: unknown, after: unknown) => ({ field, before, after })
  t.same(
    mergePatches(
      [change('/metadata/redirect_uris', ['a', 'b'], ['b', 'c']), change('/metadata/scope', 'x', 'y')],
      [change('/metadata/redirect_uris', ['a', 'b'], ['a', 'b', 'd']), change('/policy/trusted', false, true)]
    ),
    [
      change('/metadata/scope', 'x', 'y'),
      change('/metadata/redirect_uris', ['a', 'b'], ['b', 'd', 'c']),
      change('/policy/trusted', false, true)
    ]
  )
  t.same(
    mergePatches([change('/metadata/jwks', undefined, { keys: [] })], [change('/metadata/jwks/keys', [], [1])]),
    [change('/metadata/jwks/keys', [], [1])],
    'a part of a member is the same member'
  )
})

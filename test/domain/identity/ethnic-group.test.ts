import t from 'tap'
import { ethnicGroup, ethnicGroups, ethnicGroupsForTibet } from '../../../src/domain/identity/ethnic-group.ts'

t.test('GB/T 3304: 56 groups and two more', async (t) => {
  t.same(
    ethnicGroups.map((group) => group.code),
    [...Array.from({ length: 56 }, (_, at) => String(at + 1).padStart(2, '0')), '97', '98']
  )
  t.equal(new Set(ethnicGroups.map((group) => group.zh)).size, 58)
  t.equal(new Set(ethnicGroups.map((group) => group.en)).size, 58)
  for (const group of ethnicGroups.slice(0, 56)) t.match(group.zh, /^\p{Script=Han}+族$/u)
  for (const group of ethnicGroups) t.match(group.en, /^[A-Z][a-zA-Z ]+$/)
  t.match(ethnicGroup('04'), { zh: '藏族', en: 'Tibetan' })
  t.match(ethnicGroup('36'), { zh: '毛南族' }, 'not the abolished 毛难族')
  t.match(ethnicGroup('46'), { zh: '德昂族' }, 'not the abolished 崩龙族')
  t.match(ethnicGroup('56'), { zh: '基诺族' })
  for (const code of ['00', '57', '4', '', '藏族']) t.equal(ethnicGroup(code), undefined)
})

t.test('the order of a Tibetan form', async (t) => {
  t.same(
    ethnicGroupsForTibet.slice(0, 8).map((group) => group.zh),
    ['藏族', '汉族', '门巴族', '珞巴族', '回族', '纳西族', '其他', '蒙古族']
  )
  t.same(
    [...ethnicGroupsForTibet].sort((a, b) => (a.code < b.code ? -1 : 1)),
    ethnicGroups
  )
})

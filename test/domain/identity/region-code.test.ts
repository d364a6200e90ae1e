import t from 'tap'
import {
  isKnownCounty,
  isProvince,
  tibetanDivisionName,
  tibetanPrefectures
} from '../../../src/domain/identity/region-code.ts'

t.test('西藏自治区 since April 2023: 7 prefectures, 8 districts, 2 cities, 64 counties', async (t) => {
  const counties = tibetanPrefectures.flatMap((prefecture) => prefecture.counties)
  t.same(
    tibetanPrefectures.map((prefecture) => prefecture.counties.length),
    [8, 18, 11, 7, 12, 11, 7]
  )
  t.equal(counties.filter((county) => county.name.endsWith('区')).length, 8)
  t.equal(counties.filter((county) => county.name.endsWith('市')).length, 2)
  t.equal(counties.filter((county) => county.name.endsWith('县')).length, 64)
  t.equal(new Set(counties.map((county) => county.code)).size, 74)
  t.same(
    counties.map((county) => county.code),
    counties.map((county) => county.code).sort()
  )
  for (const county of counties) t.match(county, { code: /^54\d{4}$/, name: /^\p{Script=Han}+$/u })
  for (const county of counties) t.ok(isKnownCounty(county.code))
})

t.test('names', async (t) => {
  t.equal(tibetanDivisionName('540000'), '西藏自治区')
  t.equal(tibetanDivisionName('540500'), '西藏自治区山南市')
  t.equal(tibetanDivisionName('540581'), '西藏自治区山南市错那市')
  for (const code of ['540530', '110101', '', '54']) {
    t.equal(tibetanDivisionName(code), null, 'not a division of today')
  }
})

t.test('provinces', async (t) => {
  const known = Array.from({ length: 100 }, (_, at) => String(at).padStart(2, '0')).filter(isProvince)
  t.equal(known.length, 31)
  for (const code of ['54', '11', '65']) t.ok(known.includes(code))
  for (const code of ['71', '81', '82', '90']) t.notOk(known.includes(code))
})

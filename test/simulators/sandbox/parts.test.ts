import t from 'tap'
import { checkValidity } from '../../../src/domain/identity/id-validity.ts'
import { parseResidentId } from '../../../src/domain/identity/resident-id.ts'
import { demoPeople } from '../../../src/simulators/demo-people.ts'
import { identityData } from '../../../src/simulators/phone/identity-data.ts'
import type { Journey } from '../../../src/simulators/phone/index.ts'
import { createPhoneStore } from '../../../src/simulators/phone/store.ts'
import { createPopulation } from '../../../src/simulators/sandbox/population.ts'
import { formatCurl } from '../../../src/simulators/sandbox/curl.ts'

const today = '2026-11-22'
const ownerOf = (handle: string) => {
  const { name, certNo, validFrom, term } =
    demoPeople.find((person) => person.handle === handle) ?? (t.bailout(handle) as never)
  return { handle, personId: null, name, certType: 'resident_id', certNo, validFrom, term }
}

t.test('what is typed: the card of every demo person is valid today', async (t) => {
  for (const { handle, certNo } of demoPeople) {
    const data = identityData(ownerOf(handle), {}, today)
    const number = parseResidentId(data.cert_no, today)
    t.ok(number.ok && data.consent && data.cert_no === certNo, handle)
    const term = data.term === 'long' ? 'long' : (Number(data.term) as 5 | 10 | 20)
    const result = checkValidity({
      birthdate: number.ok ? number.birthdate : null,
      validFrom: data.valid_from,
      term,
      today,
      certType: 'resident_id'
    })
    t.ok(result.ok, `${handle}: ${JSON.stringify(result)}`)
  }
})

t.test('mistakes: one at a time, and nothing else wrong', async (t) => {
  const owner = ownerOf('zhaxi')
  const wrongNumber = identityData(owner, { outcome: 'wrong_number' }, today)
  t.not(wrongNumber.cert_no, owner.certNo)
  t.ok(parseResidentId(wrongNumber.cert_no, today).ok, 'a valid number of somebody else')
  t.equal(wrongNumber.cert_no.slice(0, 14), owner.certNo.slice(0, 14))
  t.not(identityData(owner, { outcome: 'wrong_name' }, today).name, owner.name)
  t.equal(identityData(owner, { outcome: 'no_consent' }, today).consent, false)
  for (const handle of ['zhaxi', 'xuesheng', 'zhuoma']) {
    const {
      valid_from: validFrom,
      term,
      cert_no: certNo
    } = identityData(ownerOf(handle), { outcome: 'expired_card' }, today)
    const number = parseResidentId(certNo, today)
    t.same(
      checkValidity({
        birthdate: number.ok ? number.birthdate : null,
        validFrom,
        term: Number(term) as 5 | 10 | 20,
        today,
        certType: 'resident_id'
      }),
      { ok: false, errors: [{ field: 'validTo', code: 'EXPIRED' }] },
      handle
    )
  }
  t.match(identityData(owner, { outcome: 'wrong_name', fields: { name: '某', term: '5' } }, today), {
    name: '某',
    term: '5',
    cert_no: owner.certNo
  })
})

t.test('store: 15 minutes, 500 journeys, the oldest goes first', async (t) => {
  let now = 0
  const store = createPhoneStore(() => now)
  const put = (id: number): void => {
    store.put({ id: String(id) } as Journey)
  }
  put(0)
  now = 15 * 60_000 - 1
  t.equal(store.get('0')?.id, '0')
  now++
  t.equal(store.get('0'), null)
  for (let id = 1; id <= 501; id++) put(id)
  t.equal(store.get('1'), null)
  t.equal(store.get('2')?.id, '2')
  t.same([store.list().length, store.list()[0]?.id], [500, '501'])
})

t.test('population: names as typed, answers as set, at most 1000 entries', async (t) => {
  const population = createPopulation()
  const [{ certNo, name } = t.bailout() as never] = demoPeople
  t.equal(population.compare(certNo, ` ${name} `), 'match')
  t.equal(population.compare(certNo, '别人'), 'mismatch')
  t.equal(population.compare('110101199003070134', name), 'no_record')
  population.set(certNo, { status: 'mismatch' })
  t.equal(population.compare(certNo, name), 'mismatch')
  population.set('110101199003070134', { available: false })
  t.match(population.get('110101199003070134'), { status: 'no_record', available: false })
  for (let at = population.list().length; at < 1000; at++) population.set(`x${at}`, { name: 'x' })
  t.equal(population.set('one more', { name: 'x' }), false)
  t.equal(population.set(certNo, { status: 'match' }), true, 'those that are there can still be changed')
})

t.test('curl: quoted for the shell', async (t) => {
  t.equal(
    formatCurl({ method: 'POST', url: 'http://localhost/x', body: { name: "it's" }, headers: ['A: b'] }),
    "curl -X POST 'http://localhost/x' \\\n  -H 'A: b' \\\n  -H 'Content-Type: application/json' \\\n  -d " +
      "'{\"name\":\"it'\\''s\"}'"
  )
  t.equal(formatCurl({ method: 'GET', url: 'http://localhost/x', body: null }), "curl -X GET 'http://localhost/x'")
})

import t from 'tap'
import fc from 'fast-check'
import {
  delegationEnd,
  emptyDraft,
  isStale,
  mayOpen,
  parseOrganizationName,
  partyFault,
  findPlace,
  findPrefecture,
  readRegion,
  listSections,
  stepNumber,
  verifiedContent,
  type AgentSection,
  type Draft,
  type Place,
  type RegistrationState
} from '../../../src/domain/representation/registration.ts'

const unit = { uscc: '31540000MD01234545', name: '西藏示例律师事务所', named: 'register', region: null } as const
const legal = { name: '扎西顿珠', certNo: '540102199003072515', phone: '+8613800138000' }
const agent: AgentSection = {
  name: '白玛央金',
  certNo: '540126197708125025',
  phone: '+8613700137000',
  validFrom: '2023-09-01',
  term: 'long',
  ethnicGroup: null,
  years: 1
}
const proved = (phone: string): Draft['phone'] => ({ phone, codeId: 'sms_x' })
const full: Draft = { ...emptyDraft, unit, agent, legal, phone: proved(agent.phone) }

t.test('the page that is due follows from what is there', async (t) => {
  const due = (
    draft: Draft,
    applicant: 'agent' | 'legal_representative' = 'agent',
    state: RegistrationState = 'draft'
  ): Place => findPlace({ applicant, state, draft })
  t.equal(due(emptyDraft), 'unit')
  t.equal(due({ ...emptyDraft, unit }), 'agent')
  t.equal(due({ ...emptyDraft, unit }, 'legal_representative'), 'legal')
  t.equal(due({ ...emptyDraft, unit, agent }), 'phone')
  t.equal(
    due({ ...emptyDraft, unit, agent, phone: proved(legal.phone) }),
    'phone',
    'another number than the one proved'
  )
  t.equal(due({ ...emptyDraft, unit, agent, phone: proved(agent.phone) }), 'legal')
  t.equal(due(full), 'check')
  t.equal(due({ ...full, unit: null }), 'unit', 'whatever is missing comes first')
  t.equal(due(full, 'agent', 'verifying'), 'qr')
  t.equal(due(full, 'agent', 'verified'), 'password')
  t.equal(due(full, 'agent', 'completed'), 'done')
  t.same((['unit', 'check', 'qr', 'password', 'done'] as const).map(stepNumber), [1, 1, 2, 3, 3])
})

t.test('no page ahead of its turn, and nothing is changed after the verification', async (t) => {
  const places: Place[] = ['unit', 'agent', 'legal', 'phone', 'check', 'qr', 'password', 'done']
  const open = (state: RegistrationState, draft: Draft): Place[] =>
    places.filter((place) => mayOpen(place, { applicant: 'agent', state, draft }))
  t.same(open('draft', emptyDraft), ['unit'])
  t.same(open('draft', { ...emptyDraft, unit, agent }), ['unit', 'agent', 'phone'])
  t.same(open('draft', full), ['unit', 'agent', 'legal', 'phone', 'check'])
  t.same(open('verifying', full), ['unit', 'agent', 'legal', 'phone', 'check', 'qr'], 'going back is possible')
  t.same(open('verified', full), ['password'])
  t.same(open('completed', full), ['done'])
  t.notOk(
    mayOpen('agent', { applicant: 'legal_representative', state: 'draft', draft: full }),
    'a section of the other path'
  )
  const part = <T>(value: T) => fc.constantFrom(null, value)
  fc.assert(
    fc.property(
      part(unit),
      part(agent),
      part(legal),
      part(proved(agent.phone)),
      fc.constantFrom('agent' as const, 'legal_representative' as const),
      (one, two, three, phone, applicant) => {
        const standing = {
          applicant,
          state: 'draft' as const,
          draft: { ...emptyDraft, unit: one, agent: two, legal: three, phone }
        }
        const sections = listSections(applicant)
        const due = sections.indexOf(findPlace(standing) as never)
        return due >= 0 && sections.every((section, at) => mayOpen(section, standing) === (at <= due))
      }
    )
  )
})

t.test('agent and legal representative are two people', async (t) => {
  t.equal(partyFault(agent, legal), null)
  t.equal(partyFault({ ...agent, certNo: legal.certNo }, legal), 'SAME_PERSON')
  t.equal(partyFault({ ...agent, phone: legal.phone }, legal), 'SAME_PHONE')
})

t.test('a delegation ends the day before its anniversary', async (t) => {
  t.equal(delegationEnd('2026-04-11', 1), '2027-04-10')
  t.equal(delegationEnd('2026-01-01', 3), '2028-12-31')
  t.equal(delegationEnd('2024-02-29', 1), '2025-02-28', '29 February is followed by 1 March')
})

t.test('names of organizations', async (t) => {
  for (const name of [
    '西藏示例科技有限公司',
    '西藏（拉萨）ABC 有限公司',
    '拉萨市“幸福·家园”合作社',
    'བོད་ལྗོངས་ཚོང་གཉེར',
    '  某某\u200b公司  '
  ]) {
    t.ok(parseOrganizationName(name).ok, name)
  }
  t.same(parseOrganizationName('  某某\n 公司 '), { ok: true, value: '某某 公司' })
  t.same(
    parseOrganizationName('西藏（拉萨）公司'),
    { ok: true, value: '西藏（拉萨）公司' },
    'full-width brackets stay'
  )
  t.same(parseOrganizationName(' '), { ok: false, code: 'REQUIRED' })
  t.same(parseOrganizationName('某'), { ok: false, code: 'LENGTH' })
  t.same(parseOrganizationName('某'.repeat(101)), { ok: false, code: 'LENGTH' })
  t.same(parseOrganizationName('某某<b>公司'), { ok: false, code: 'CHARACTER' })
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseOrganizationName(text)
      return true
    })
  )
})

t.test('the region is left out, a prefecture, or a county of it', async (t) => {
  t.same(readRegion('', '540102'), { ok: true, value: null })
  t.same(readRegion('540100', ''), { ok: true, value: '540100' })
  t.same(readRegion('540400', '540481'), { ok: true, value: '540481' })
  t.same(readRegion('540100', '540481'), { ok: false, code: 'REGION' })
  t.same(readRegion('110000', ''), { ok: false, code: 'REGION' })
  t.equal(findPrefecture('540481'), '540400')
  t.equal(findPrefecture('540400'), '540400')
  t.equal(findPrefecture(null), '')
})

t.test('a verification is good for half an hour', async (t) => {
  const verified = { verification: { ticketId: 'st_x', faceCheckId: null, at: 1000 } }
  t.same(
    [1000, 2800, 2801].map((now) => isStale(verified, now)),
    [false, false, true]
  )
  t.notOk(isStale(emptyDraft, 1e9))
})

t.test('what one scan proves changes with every value, and not with the order of members', async (t) => {
  const before = verifiedContent('agent', full)
  t.equal(
    verifiedContent('agent', { ...full, legal: { phone: legal.phone, certNo: legal.certNo, name: legal.name } }),
    before
  )
  for (const other of [
    { ...full, unit: { ...unit, name: '别的单位' } },
    { ...full, legal: { ...legal, phone: '+8613800138001' } },
    { ...full, agent: { ...agent, years: 3 } }
  ]) {
    t.not(verifiedContent('agent', other), before)
  }
  t.not(verifiedContent('legal_representative', full), before)
  t.equal(verifiedContent('agent', { ...full, verification: { ticketId: 'st_x', faceCheckId: null, at: 1 } }), before)
})

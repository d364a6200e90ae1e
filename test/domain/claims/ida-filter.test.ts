import t from 'tap'
import fc from 'fast-check'
import {
  filterVerifiedClaims,
  normaliseClaimsParameter,
  verifiedClaimNames,
  type VerifiedClaimsRequest
} from '../../../src/domain/claims/ida-filter.ts'
import type { VerifiedClaims } from '../../../src/domain/claims/verified-claims.ts'

const now = Date.parse('2026-06-01T00:00:00Z')
const person: VerifiedClaims = {
  verification: {
    trust_framework: 'tf:id',
    time: '2026-05-31T00:00:00Z',
    evidence: [
      {
        type: 'document',
        check_details: [{ check_method: 'bvr', time: '2026-05-31T00:00:00Z' }],
        document_details: { type: 'idcard', date_of_issuance: '2020-01-01' }
      },
      { type: 'electronic_record', check_details: [{ check_method: 'data' }], record: { type: 'population_register' } }
    ]
  },
  claims: { name: '次仁卓玛', birthdate: '1995-11-21' }
}
const authority: VerifiedClaims = {
  verification: { trust_framework: 'tf:dlg', time: '2026-01-01T00:00:00Z', verification_process: 'dlg_1' },
  claims: {
    authority: {
      applies_to: { registration_number: '91540102MA6T1A2BXK', organization_name: '示例' },
      permission: [{ role: 'agent', function: ['a', 'b'] }]
    }
  }
}
const available = [person, authority]
const ask = (...requests: unknown[]): VerifiedClaims[] =>
  filterVerifiedClaims(available, { requests: requests as VerifiedClaimsRequest[] }, now)
const name = { name: null }

t.test('only what was asked for', async (t) => {
  t.same(ask({ verification: { trust_framework: null }, claims: name }), [
    { verification: { trust_framework: 'tf:id' }, claims: { name: '次仁卓玛' } }
  ])
  t.same(
    ask({ verification: {}, claims: name }),
    [{ verification: { trust_framework: 'tf:id' }, claims: { name: '次仁卓玛' } }],
    'the framework is always said'
  )
  t.same(ask({ verification: { trust_framework: null, time: null }, claims: { birthdate: null, phone: null } }), [
    { verification: { trust_framework: 'tf:id', time: '2026-05-31T00:00:00Z' }, claims: { birthdate: '1995-11-21' } }
  ])
  t.same(ask({ verification: { trust_framework: null }, claims: {} }), [])
  t.same(ask({ verification: { trust_framework: null }, claims: { phone: null } }), [])
  t.same(
    ask({
      verification: { trust_framework: null },
      claims: { authority: { applies_to: { registration_number: null } } }
    }),
    [
      {
        verification: { trust_framework: 'tf:dlg' },
        claims: { authority: { applies_to: { registration_number: '91540102MA6T1A2BXK' } } }
      }
    ]
  )
})

t.test('several requests: each answered by itself', async (t) => {
  const both = ask(
    { verification: { trust_framework: { value: 'tf:id' } }, claims: name },
    { verification: { trust_framework: { value: 'tf:dlg' } }, claims: { authority: null } }
  )
  t.same(
    both.map(({ verification }) => verification.trust_framework),
    ['tf:id', 'tf:dlg']
  )
  t.equal(
    ask(
      { verification: { trust_framework: null }, claims: name },
      { verification: { trust_framework: null }, claims: name }
    ).length,
    2
  )
})

const cases: Array<[string, unknown, unknown, number]> = [
  ['value met', { trust_framework: { value: 'tf:id' } }, name, 1],
  ['value not met', { trust_framework: { value: 'tf:other' } }, name, 0],
  ['values met', { trust_framework: { values: ['x', 'tf:id'] } }, name, 1],
  ['values not met', { trust_framework: { values: ['x'] } }, name, 0],
  ['values empty', { trust_framework: { values: [] } }, name, 0],
  ['max_age met', { trust_framework: null, time: { max_age: 86_400 } }, name, 1],
  ['max_age not met', { trust_framework: null, time: { max_age: 86_399 } }, name, 0],
  ['max_age on what is no date', { trust_framework: { max_age: 1e12 } }, name, 0],
  ['constraint on what is not there', { trust_framework: null, assurance_level: { value: 'high' } }, name, 0],
  ['asked for, not there', { trust_framework: null, assurance_level: null }, name, 1],
  ['essential, not there', { trust_framework: null, assurance_level: { essential: true } }, name, 0],
  [
    'essential deep down, not there',
    {
      trust_framework: null,
      evidence: [{ type: { value: 'document' }, document_details: { serial_number: { essential: true } } }]
    },
    name,
    0
  ],
  ['not essential, not there', { trust_framework: null, assurance_level: { essential: false } }, name, 1],
  ['evidence met', { trust_framework: null, evidence: [{ type: { value: 'document' } }] }, name, 1],
  ['evidence not met', { trust_framework: null, evidence: [{ type: { value: 'vouch' } }] }, name, 0],
  [
    'evidence: alternatives',
    { trust_framework: null, evidence: [{ type: { value: 'vouch' } }, { type: { value: 'electronic_record' } }] },
    name,
    1
  ],
  [
    'evidence: check method',
    {
      trust_framework: null,
      evidence: [{ type: { value: 'document' }, check_details: [{ check_method: { value: 'bvr' } }] }]
    },
    name,
    1
  ],
  [
    'evidence: other check method',
    {
      trust_framework: null,
      evidence: [{ type: { value: 'document' }, check_details: [{ check_method: { value: 'pvp' } }] }]
    },
    name,
    0
  ],
  [
    'evidence: document type',
    {
      trust_framework: null,
      evidence: [{ type: { value: 'document' }, document_details: { type: { values: ['passport', 'idcard'] } } }]
    },
    name,
    1
  ],
  [
    'evidence: other document type',
    {
      trust_framework: null,
      evidence: [{ type: { value: 'document' }, document_details: { type: { value: 'passport' } } }]
    },
    name,
    0
  ],
  [
    'evidence: age of the document',
    {
      trust_framework: null,
      evidence: [{ type: { value: 'document' }, document_details: { date_of_issuance: { max_age: 3600 } } }]
    },
    name,
    0
  ],
  ['claim: value met', { trust_framework: null }, { name: { value: '次仁卓玛' } }, 1],
  ['claim: value not met, the only one', { trust_framework: null }, { name: { value: '别人' } }, 0],
  [
    'claim: value not met, another is there',
    { trust_framework: null },
    { name: { value: '别人' }, birthdate: null },
    1
  ],
  [
    'claim: essential and not met',
    { trust_framework: null },
    { name: { value: '别人', essential: true }, birthdate: null },
    0
  ],
  ['claim: essential, not there', { trust_framework: null }, { name: null, phone: { essential: true } }, 0],
  [
    'claim: the organization asked for',
    { trust_framework: null },
    { authority: { applies_to: { registration_number: { value: '91540102MA6T1A2BXK' } } } },
    1
  ],
  [
    'claim: another organization',
    { trust_framework: null },
    { authority: { applies_to: { registration_number: { value: '91540000741928375U' } } } },
    0
  ],
  [
    'claim: list met',
    { trust_framework: null },
    { authority: { permission: [{ function: { value: ['a', 'b'] } }] } },
    1
  ],
  [
    'claim: list not met',
    { trust_framework: null },
    { authority: { permission: [{ function: { value: ['a'] } }] } },
    0
  ]
]

t.test('constraints', async (t) => {
  for (const [title, verification, claims, elements] of cases) {
    t.equal(ask({ verification, claims }).length, elements, title)
  }
})

t.test('evidence: filter and template at once', async (t) => {
  const [element] = ask({
    verification: {
      trust_framework: null,
      evidence: [{ type: { value: 'document' }, document_details: { type: null } }]
    },
    claims: name
  })
  t.same(element?.verification.evidence, [{ type: 'document', document_details: { type: 'idcard' } }])
})

const normalised = (claims: Record<string, unknown>) => normaliseClaimsParameter(claims)
const good = { verification: { trust_framework: null }, claims: { name: null } }

t.test('parameter: object and array become the same form; nothing else is touched', async (t) => {
  t.same(normalised({ userinfo: { verified_claims: good, name: null }, id_token: { acr: { essential: true } } }), {
    ok: true,
    claims: { userinfo: { verified_claims: { requests: [good] }, name: null }, id_token: { acr: { essential: true } } }
  })
  t.same(normalised({ id_token: { verified_claims: [good, good] } }), {
    ok: true,
    claims: { id_token: { verified_claims: { requests: [good, good] } } }
  })
  t.same(normalised({ userinfo: { verified_claims: null } }), {
    ok: true,
    claims: { userinfo: { verified_claims: null } }
  })
  const once = normalised({ userinfo: { verified_claims: [good] } })
  t.same(once.ok && normalised(once.claims), once, 'twice is once')
  t.same([...verifiedClaimNames(once.ok ? once.claims : {})], ['name'])
  t.same([...verifiedClaimNames({ userinfo: { verified_claims: null } })], [])
})

t.test('parameter: what is refused', async (t) => {
  const refused: unknown[] = [
    [],
    Array(11).fill(good),
    'x',
    1,
    true,
    {},
    { claims: { name: null } },
    { verification: { trust_framework: null } },
    { ...good, claims: [] },
    { ...good, verification: null },
    [good, null],
    { ...good, claims: { name: { essential: 'yes' } } },
    { ...good, claims: { name: { values: 'x' } } },
    { ...good, claims: { name: { max_age: '5' } } },
    { ...good, claims: { name: { max_age: -1 } } },
    { ...good, claims: { name: { purpose: 'ab' } } },
    { ...good, claims: { name: 'x' } },
    { ...good, verification: { evidence: [] } },
    { ...good, verification: { evidence: {} } },
    { ...good, verification: { evidence: [{ method: null }] } },
    { ...good, claims: { a: { b: { c: { d: { e: { f: { g: { h: { i: null } } } } } } } } } },
    { requests: ['x'] }
  ]
  for (const verified of refused) {
    t.equal(normalised({ userinfo: { verified_claims: verified } }).ok, false, JSON.stringify(verified).slice(0, 80))
  }
})

t.test('properties: never throws, never more than is there', async () => {
  const contains = (whole: unknown, part: unknown): boolean => {
    if (Array.isArray(part)) {
      return Array.isArray(whole) && part.every((item) => whole.some((other) => contains(other, item)))
    }
    if (typeof part === 'object' && part !== null) {
      return (
        typeof whole === 'object' &&
        whole !== null &&
        Object.entries(part).every(([key, value]) => contains((whole as Record<string, unknown>)[key], value))
      )
    }
    return whole === part
  }
  const { node } = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constant(null),
      fc.record({ value: fc.constantFrom('tf:id', 'document', 'x', 1) }),
      fc.record({ essential: fc.boolean() }),
      fc.record({ max_age: fc.nat() }),
      fc.dictionary(
        fc.constantFrom(
          'trust_framework',
          'time',
          'type',
          'evidence',
          'document_details',
          'check_details',
          'name',
          'authority',
          'permission',
          '__proto__',
          'constructor'
        ),
        tie('node')
      ),
      fc.array(tie('node'), { maxLength: 2 })
    )
  }))
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      normaliseClaimsParameter({ userinfo: { verified_claims: json } })
    })
  )
  fc.assert(
    fc.property(
      fc.record({
        verification: fc.dictionary(fc.constantFrom('trust_framework', 'time', 'evidence'), node),
        claims: fc.dictionary(fc.constantFrom('name', 'birthdate', 'authority', 'toString'), node)
      }),
      (request) => {
        for (const element of ask(request)) {
          if (!available.some((whole) => contains(whole, element))) throw new Error(JSON.stringify(element))
        }
      }
    ),
    { numRuns: 500 }
  )
})

import t from 'tap'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { representationClaim } from '../../../../src/domain/claims/claims.ts'
import type { Representation } from '../../../../src/domain/representation/representation.ts'
import { verifiedClaims } from '../../../../src/domain/claims/verified-claims.ts'
import { claimSchemas } from '../../../../src/journeys/developers/claim-schemas/schemas.ts'
import { startKora } from '../../../support/driver/index.ts'

const organization = {
  id: 'org_1',
  uscc: '91540102MA6T1A2BXK',
  name: '西藏示例科技有限公司',
  type: '91',
  status: 'active'
} as const
const delegation = {
  id: 'dlg_1',
  version: 3,
  functions: null,
  clientIds: null,
  validFrom: '2026-04-11',
  validTo: '2027-04-10'
}
const agent: Representation = {
  role: 'agent',
  organization,
  delegation,
  approval: { approvedAt: '2026-04-11T02:00:00Z', faceCheckId: 'fc_1' }
}
const legal: Representation = { role: 'legal_representative', organization, since: null }

t.test('what we send is valid by what we publish; what we never send is not', async (t) => {
  const issuer = 'https://sso.example.gov.cn'
  const ajv = new Ajv2020({ strictRequired: false, strictTypes: false })
  addFormats.default(ajv)
  for (const schema of Object.values(claimSchemas(issuer))) ajv.addSchema(schema)
  const valid = (name: string, value: unknown): boolean =>
    ajv.validate(`${issuer}/schemas/${name}.json`, value) as boolean
  for (const representation of [{ role: 'self' } as const, legal, agent]) {
    for (const catalogue of [[], ['tax.filing']]) {
      t.ok(
        valid('representation', representationClaim(representation, catalogue)),
        `${representation.role} ${catalogue.join()}`
      )
    }
  }
  const full = representationClaim(agent, ['a'])
  for (const [title, forged] of Object.entries({
    'a role of its own': { ...full, role: 'admin' },
    'self with an organization': { ...full, role: 'self' },
    'legal representative by delegation': { ...full, role: 'legal_representative' },
    'agent without delegation': { role: 'agent', organization: full['organization'] },
    'a code with I': {
      role: 'legal_representative',
      organization: { ...(full['organization'] as object), uscc: '91540102MA6TIA2BXK' }
    }
  })) {
    t.notOk(valid('representation', forged), title)
  }

  const person = {
    assuranceLevel: 3 as const,
    certType: 'resident_id',
    certNo: '540103199511214029',
    certValidFrom: null,
    certValidTo: null,
    identityVerifiedAt: new Date(),
    faceVerifiedAt: new Date()
  }
  const elements = verifiedClaims({
    issuer,
    person,
    claims: { name: '次仁卓玛' },
    allowed: new Set(['name', 'authority']),
    representation: agent,
    catalogue: ['a'],
    audience: 'https://x.example'
  })
  t.equal(elements.length, 2)
  t.ok(valid('verified-claims', elements), ajv.errorsText())
  t.notOk(
    valid('verified-claims', [{ ...elements[0], verification: { trust_framework: 'https://elsewhere.example' } }])
  )
})

t.test('published under the issuer', async (t) => {
  const kora = await startKora(t)
  for (const name of Object.keys(claimSchemas(kora.issuer))) {
    const response = await fetch(`${kora.issuer}/schemas/${name}`)
    t.equal(response.status, 200, name)
    t.match(response.headers.get('content-type'), 'application/schema+json')
    t.same(await response.json(), claimSchemas(kora.issuer)[name], 'and its $id is its address')
  }
  t.equal((await fetch(`${kora.issuer}/schemas/other.json`)).status, 404)
})

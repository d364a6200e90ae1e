/** JSON Schema (2020-12) of the claims that are Kora's own, as docs/claims.md describes them. */
import { trustFrameworks } from '../../../domain/claims/verified-claims.ts'

const dialect = 'https://json-schema.org/draft/2020-12/schema'
const text = { type: 'string', minLength: 1 }
const date = { type: 'string', format: 'date' }
const uscc = { type: 'string', pattern: '^[0-9A-HJ-NPQRTUWXY]{18}$', description: '统一社会信用代码 (GB 32100-2015)' }
const status = { enum: ['active', 'suspended', 'dissolved', 'pending'] }

const object = (required: string[], properties: object, more: object = {}): object => ({
  type: 'object',
  required,
  properties,
  ...more
})

const organization = object(['uscc', 'name', 'type', 'status'], {
  uscc,
  name: text,
  type: {
    type: 'string',
    pattern: '^[0-9A-Z]{2}$',
    description: 'Department and category: the first two characters of the code.'
  },
  status
})

const delegation = object(['id', 'version', 'valid_from', 'valid_to'], {
  id: { type: 'string', pattern: '^dlg_' },
  version: { type: 'integer', minimum: 1 },
  functions: {
    type: 'array',
    items: text,
    uniqueItems: true,
    description:
      'What the agent may do at this site: codes of its published catalogue. Absent: not limited, and the site ' +
      'publishes none. Empty: nothing.'
  },
  valid_from: { ...date, description: 'Asia/Shanghai, included.' },
  valid_to: { ...date, description: 'Asia/Shanghai, included.' }
})

const representation = {
  oneOf: [
    object(
      ['role'],
      { role: { const: 'self' } },
      { not: { anyOf: [{ required: ['organization'] }, { required: ['delegation'] }] } }
    ),
    object(
      ['role', 'organization'],
      { role: { const: 'legal_representative' }, organization: { $ref: 'organization.json' } },
      { not: { required: ['delegation'] } }
    ),
    object(['role', 'organization', 'delegation'], {
      role: { const: 'agent' },
      organization: { $ref: 'organization.json' },
      delegation
    })
  ]
}

const authority = object(['applies_to', 'permission', 'granted_by'], {
  applies_to: object(['organization_name', 'registration_number', 'legal_jurisdiction'], {
    organization_name: text,
    registration_number: uscc,
    legal_jurisdiction: { const: 'CN' },
    organization_status: status
  }),
  permission: {
    type: 'array',
    minItems: 1,
    items: object(['role', 'audience', 'may_delegate'], {
      role: { enum: ['agent', 'legal_representative'] },
      function: { type: 'array', items: text },
      audience: { type: 'array', items: text, minItems: 1 },
      validity: object(['start', 'end'], { start: date, end: date }),
      may_delegate: { type: 'boolean' }
    })
  },
  granted_by: object(['method'], { method: { enum: ['delegated', 'appointed'] }, reason: text })
})

/**
 * What OIDC4IDA leaves to the provider; the rest is in its own schema (openid.net/schemas). Parts that were not
 * requested are absent.
 */
const verifiedClaims = (issuer: string): object => ({
  type: 'array',
  minItems: 1,
  items: object(['verification', 'claims'], {
    verification: object(['trust_framework'], {
      trust_framework: { enum: Object.values(trustFrameworks(issuer)) },
      time: { type: 'string', format: 'date-time' },
      verification_process: text,
      evidence: { type: 'array', minItems: 1 }
    }),
    claims: object(
      [],
      {
        name: text,
        gender: { enum: ['male', 'female'] },
        birthdate: date,
        cert_type: text,
        cert_no: text,
        authority: { $ref: 'authority.json' }
      },
      { minProperties: 1 }
    )
  })
})

/** By file name. `authority` in a filtered answer holds only the members that were asked for; this is the whole one. */
export function claimSchemas (issuer: string): Record<string, object> {
  const schemas = { organization, representation, authority, 'verified-claims': verifiedClaims(issuer) }
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      `${name}.json`,
      { $schema: dialect, $id: `${issuer}/schemas/${name}.json`, title: name.replace('-', '_'), ...schema }
    ])
  )
}

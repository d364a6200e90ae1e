/**
 * JSON schemas written from the standards: OpenID Connect for Identity Assurance 1.0 (draft 12 and later) §5, with the
 * elements that Kora uses, and the OpenID Authority claims in the form of docs/claims.md. Strict where the standard
 * allows extensions, so that a member nobody meant to send is found.
 */
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'

const text = { type: 'string', minLength: 1 }
const date = { type: 'string', format: 'date' }
const time = { type: 'string', format: 'date-time', pattern: 'Z$' }
const object = (required: string[], properties: object): object => ({
  type: 'object',
  required,
  properties,
  additionalProperties: false
})
const list = (items: object): object => ({ type: 'array', minItems: 1, items })

const checks = list(
  object(['check_method'], {
    check_method: { enum: ['bvr', 'pvp', 'data'] },
    organization: text,
    check_id: text,
    time
  })
)
const place = object([], { name: text, country: text, country_code: { type: 'string', pattern: '^[A-Z]{3}$' } })

const evidence = {
  oneOf: [
    object(['type', 'document_details'], {
      type: { const: 'document' },
      check_details: checks,
      document_details: object(['type'], {
        type: text,
        document_number: text,
        personal_number: text,
        serial_number: text,
        date_of_issuance: date,
        date_of_expiry: date,
        issuer: place
      })
    }),
    object(['type', 'record'], {
      type: { const: 'electronic_record' },
      check_details: checks,
      record: object(['type'], { type: text, created_at: text, date_of_expiry: date, source: place })
    }),
    object(['type', 'attestation'], {
      type: { const: 'vouch' },
      check_details: checks,
      attestation: object(['type'], {
        type: text,
        reference_number: text,
        date_of_issuance: date,
        date_of_expiry: date,
        voucher: object([], { name: text, occupation: text, organization: text })
      })
    })
  ]
}

const authority = object(['applies_to', 'permission', 'granted_by'], {
  applies_to: object(['organization_name', 'registration_number', 'legal_jurisdiction'], {
    organization_name: text,
    registration_number: { type: 'string', pattern: '^[0-9A-HJ-NPQRTUWXY]{18}$' },
    legal_jurisdiction: { const: 'CN' },
    organization_status: { enum: ['active', 'suspended', 'dissolved', 'pending'] }
  }),
  permission: list(
    object(['role', 'audience', 'may_delegate'], {
      role: { enum: ['agent', 'legal_representative'] },
      function: { type: 'array', items: text },
      audience: list(text),
      validity: object(['start', 'end'], { start: date, end: date }),
      may_delegate: { type: 'boolean' }
    })
  ),
  granted_by: object(['method'], { method: { enum: ['delegated', 'appointed'] }, reason: text })
})

const element = object(['verification', 'claims'], {
  verification: object(['trust_framework'], {
    trust_framework: { type: 'string', format: 'uri' },
    assurance_level: text,
    time,
    verification_process: text,
    evidence: list(evidence)
  }),
  claims: {
    type: 'object',
    minProperties: 1,
    properties: {
      name: text,
      gender: { enum: ['male', 'female'] },
      birthdate: date,
      cert_type: text,
      cert_no: text,
      authority
    },
    additionalProperties: false
  }
})

export const verifiedClaimsSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  oneOf: [element, { type: 'array', minItems: 1, items: element }]
}

const ajv = new Ajv({ allErrors: true, strict: true, strictRequired: false, strictTypes: false })
addFormats.default(ajv)

/** Null = valid. */
export function schemaFaults (schema: object, value: unknown): string | null {
  const validate = ajv.compile(schema)
  return validate(value) ? null : ajv.errorsText(validate.errors)
}

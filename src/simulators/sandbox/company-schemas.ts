/** Shapes of organizations in the sandbox API: as they are in Kora, and as the company register has them. */
import Type, { type Static, type TSchema } from 'typebox'
import { delegationStates } from '../../domain/representation/delegation.ts'
import { companyStatuses } from '../../ports/registry.ts'

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const companyStatus = Type.Enum([...companyStatuses], {
  description: '`suspended`: nobody may act for it; `dissolved`: it is no more.'
})

const someone = Type.Object({
  handle: nullable(Type.String({ description: 'Of a demo person.' })),
  name: Type.String(),
  cert_type: Type.String(),
  cert_no: Type.String()
})

export const company = Type.Object({
  uscc: Type.String(),
  name: Type.String(),
  status: companyStatus,
  legal_representative: someone,
  version: Type.Integer({ description: 'Of this entry: grows with every change.' }),
  available: Type.Boolean(),
  account: Type.Boolean({ description: 'Has this organization an account in Kora?' })
})
export type CompanyView = Static<typeof company>
export const companyList = Type.Object({ companies: Type.Array(company) })

export const companyChange = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    status: Type.Optional(companyStatus),
    legal_representative: Type.Optional(
      Type.Union([
        Type.String({ minLength: 1, maxLength: 64, description: 'Handle, person id, document number or phone.' }),
        Type.Object(
          {
            name: Type.String({ minLength: 1, maxLength: 100 }),
            cert_no: Type.String({
              minLength: 1,
              maxLength: 64,
              description: 'A valid 公民身份号码; somebody new is added to the population register.'
            })
          },
          { additionalProperties: false }
        )
      ])
    ),
    available: Type.Optional(
      Type.Boolean({ description: 'False: the register gives no answer about this organization (an outage).' })
    ),
    version: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Default: newer than everything before. An older one plays news that come late.'
      })
    )
  },
  { additionalProperties: false }
)
export type CompanyChangeRequest = Static<typeof companyChange>

export const companyAnswer = Type.Object({
  ...company.properties,
  applied: Type.Boolean({
    description:
      'Kora has read this news and acted on it. False: not within three seconds, or another register is configured.'
  })
})

export const delegation = Type.Object(
  {
    delegation_id: Type.String(),
    version: Type.Integer(),
    state: Type.Enum([...delegationStates]),
    agent: someone,
    functions: nullable(
      Type.Array(Type.String(), { description: 'Codes of the catalogue in `policy.functions` of the clients.' })
    ),
    client_ids: nullable(Type.Array(Type.String())),
    valid_from: Type.String(),
    valid_to: Type.String(),
    reason: nullable(Type.String()),
    login: Type.String({ description: 'What happens when this agent signs in now.' })
  },
  { description: '`functions` and `client_ids` null: not limited.' }
)

export const organization = Type.Object({
  handle: nullable(Type.String()),
  organization_id: nullable(
    Type.String({ description: 'Null: in the company register only, without an account here. It can be registered.' })
  ),
  uscc: Type.String(),
  name: Type.String(),
  type: Type.String({ description: 'First two characters of the code.' }),
  password: nullable(Type.String({ description: 'Null: has none, or not one of the demo data.' })),
  status: nullable(Type.String({ description: 'In Kora, now.' })),
  legal_representative: nullable(someone),
  legal_representative_login: Type.String({ description: 'What happens when the legal representative signs in now.' }),
  delegations: Type.Array(delegation, { description: 'The newest version of each.' }),
  register: nullable(
    Type.Object(
      { name: Type.String(), status: Type.String(), legal_representative: someone },
      { description: 'What the company register says now.' }
    )
  ),
  note: Type.String()
})
export type OrganizationView = Static<typeof organization>
export type DelegationEntry = Static<typeof delegation>
export type Someone = Static<typeof someone>

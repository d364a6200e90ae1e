/** Shapes of the sandbox API, from which requests are checked and the OpenAPI document is made. */
import Type, { type Static, type TSchema } from 'typebox'
import { outcomes as faceOutcomes } from '../face-provider/index.ts'
import { organization } from './company-schemas.ts'

const text = (description: string, example?: string) =>
  Type.String({ maxLength: 512, description, ...(example === undefined ? {} : { examples: [example] }) })
const enumOf = <T extends string>(values: readonly T[], description: string) =>
  Type.Enum([...values] as [T, ...T[]], { description })

export const person = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'Handle, person id, document number or phone of a person.',
  examples: ['zhaxi']
})
export const faceOutcome = enumOf(
  faceOutcomes,
  'How a face check ends. `timeout`, `down`, `garbage` and `forged` are faults of the provider, not tries of the ' +
    'person.'
)
export type FaceOutcomeName = Static<typeof faceOutcome>

export const identityOutcomes = ['correct', 'wrong_name', 'wrong_number', 'expired_card', 'no_consent'] as const
export const stepNames = ['device', 'scan', 'accept', 'identity', 'face', 'counter-code', 'confirm'] as const

export const identity = Type.Object(
  {
    outcome: Type.Optional(enumOf(identityOutcomes, 'What is typed into the form; default `correct`.')),
    fields: Type.Optional(
      Type.Object(
        {
          cert_type: Type.Optional(text('Type of document')),
          name: Type.Optional(text('Name')),
          cert_no: Type.Optional(text('Number')),
          valid_from: Type.Optional(text('Start of validity, YYYY-MM-DD', '2018-06-01')),
          term: Type.Optional(text('5, 10, 20 or long', '20'))
        },
        { additionalProperties: false, description: 'Typed instead of what the outcome would type.' }
      )
    )
  },
  { additionalProperties: false }
)
export type IdentityChoice = Static<typeof identity>

export const payload = Type.String({
  minLength: 1,
  maxLength: 512,
  description: "What the phone's camera reads: the address in the QR code, or its last 28 characters."
})
export const checkNumber = Type.String({
  maxLength: 16,
  description:
    'The number shown beside the QR code. When it must be typed and is left out, the simulated person reads it from ' +
    'the screen.'
})
export const device = Type.String({
  minLength: 1,
  maxLength: 64,
  description:
    "`bound`: the person's own phone (default); `new`: a new phone, which is the person's own from then on; else the " +
    'handle of the person whose phone is used.',
  examples: ['bound']
})
export const faces = Type.Union([faceOutcome, Type.Array(faceOutcome, { minItems: 1, maxItems: 10 })], {
  description: 'Outcome of the face check, or of its successive tries; default `pass`.'
})
export const counterCode = Type.String({
  maxLength: 40,
  description: 'A counter code, used instead of the face check.'
})

export const journeyRequest = Type.Object(
  {
    payload,
    person,
    device: Type.Optional(device),
    identity: Type.Optional(identity),
    face: Type.Optional(faces),
    counter_code: Type.Optional(counterCode),
    check_number: Type.Optional(checkNumber),
    decision: Type.Optional(
      enumOf(['confirm', 'reject'], '`reject` declines right after the scan; default `confirm`.')
    ),
    stop_after: Type.Optional(
      enumOf(stepNames, 'Do no more after this step; the journey can be continued step by step.')
    )
  },
  { additionalProperties: false }
)
export type JourneyRequest = Static<typeof journeyRequest>

export const transcriptStep = Type.Object({
  step: Type.String({ description: 'Name of the step.' }),
  request: Type.Object(
    { method: Type.String(), path: Type.String(), body: Type.Unknown() },
    { description: "Without the device's proof and its scan token." }
  ),
  status: Type.Integer(),
  response: Type.Unknown()
})
export type TranscriptStep = Static<typeof transcriptStep>

const refusal = Type.Object({
  step: Type.String(),
  status: Type.Integer(),
  code: Type.String({ description: 'Stable code of the app API, for example `wrong_person`.' })
})
export const journeyAnswer = Type.Object({
  journey: Type.String({ description: 'Id for further single steps; 15 minutes.' }),
  outcome: enumOf(['confirmed', 'rejected', 'refused', 'stopped'], '`stopped`: `stop_after` was reached.'),
  refusal: Type.Union([refusal, Type.Null()]),
  steps: Type.Array(transcriptStep)
})
export type JourneyAnswer = Static<typeof journeyAnswer>

export const stepAnswer = Type.Object({
  journey: Type.String(),
  outcome: enumOf(
    ['open', 'confirmed', 'rejected', 'refused'],
    '`refused`: this step was; the journey may still go on.'
  ),
  refusal: Type.Union([refusal, Type.Null()]),
  view: Type.Unknown({
    description: 'What the phone shows now, as the app API gave it; null before a scan succeeded.'
  }),
  steps: Type.Array(transcriptStep, { description: 'The calls made by this step.' })
})
export type StepAnswer = Static<typeof stepAnswer>

export const journeyId = Type.String({ pattern: '^[\\w-]{22}$', description: 'From the answer to `scan`.' })

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const account = Type.Object({
  handle: Type.String(),
  person_id: nullable(Type.String({ description: 'Null when demo data was not written.' })),
  name: Type.String(),
  name_bo: nullable(Type.String()),
  cert_type: Type.String(),
  cert_no: Type.String(),
  phone: Type.String({ description: '11 digits' }),
  password: nullable(Type.String({ description: 'Null: has none (not activated).' })),
  state: enumOf(['fresh', 'face-verified', 'locked', 'disabled', 'unactivated'], 'As the demo data made it.'),
  card: Type.Object({
    valid_from: Type.String(),
    term: Type.String(),
    valid_to: nullable(Type.String({ description: 'Null: long term.' }))
  }),
  register: Type.Object(
    { name: Type.String(), status: Type.String() },
    { description: 'What the population register says now.' }
  ),
  now: nullable(
    Type.Object(
      { status: Type.String(), assurance_level: Type.Integer(), face_verified: Type.Boolean() },
      { description: 'The account as it is now.' }
    )
  ),
  note: Type.String()
})
export const accounts = Type.Object({ persons: Type.Array(account), organizations: Type.Array(organization) })
export type Accounts = Static<typeof accounts>

export const client = Type.Object({
  client_id: Type.String(),
  client_secret: nullable(
    Type.String({ description: 'Of demo clients only: of others nothing but a hash is stored.' })
  ),
  private_jwk: nullable(Type.Record(Type.String(), Type.String(), { description: 'Of the demo client that signs.' })),
  status: Type.String(),
  redirect_uris: Type.Array(Type.String()),
  token_endpoint_auth_method: Type.String(),
  scope: Type.String(),
  metadata: Type.Unknown({ description: 'As registered (OpenID Connect Dynamic Client Registration 1.0 §2).' }),
  policy: Type.Unknown(),
  note: Type.String()
})
export const clients = Type.Object({
  issuer: Type.String(),
  discovery: Type.String(),
  clients: Type.Array(client),
  resource_servers: Type.Array(
    Type.Object({
      identifier: Type.String(),
      name: Type.String(),
      scopes: Type.String(),
      token_format: Type.String(),
      signing_alg: Type.String(),
      ttl_seconds: Type.Integer(),
      minimum_level: nullable(Type.Integer())
    })
  )
})
export type Clients = Static<typeof clients>

export const ticket = Type.Object({
  ticket_id: Type.String(),
  purpose: Type.String(),
  client_name: Type.String(),
  payload: Type.String({ description: 'What the QR code holds at this moment.' }),
  check_number: Type.String(),
  created_at: Type.String()
})
export const ticketList = Type.Object({ tickets: Type.Array(ticket) })
export type OpenTicket = Static<typeof ticket>

export const message = Type.Object({
  message_id: Type.String(),
  phone: Type.String(),
  template: Type.String(),
  parameters: Type.Unknown(),
  at: Type.String()
})
export const messageList = Type.Object({ messages: Type.Array(message) })

export const faceScript = Type.Object(
  {
    outcomes: Type.Array(faceOutcome, {
      maxItems: 100,
      description:
        'Empty with `person`: this person decides on the capture page again; empty without: everything scripted is ' +
        'forgotten.'
    }),
    person: Type.Optional(person)
  },
  {
    additionalProperties: false,
    description:
      'Without `person`: outcomes of the next face checks of anybody, in order. With `person`: the first outcome, ' +
      'for all checks of that person.'
  }
)
export const faceScriptView = Type.Object({
  next: Type.Array(Type.String()),
  persons: Type.Array(Type.Object({ person: Type.String(), outcome: Type.String() })),
  outcomes: Type.Array(Type.String(), { description: 'All that can be chosen.' })
})

export const registerStatuses = ['match', 'mismatch', 'no_record'] as const
export const citizenChange = Type.Object(
  {
    name: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, description: 'The name that the register knows.' })
    ),
    status: Type.Optional(
      enumOf(
        registerStatuses,
        'What the register answers: `match` compares names; `mismatch` and `no_record` whatever is asked.'
      )
    ),
    available: Type.Optional(
      Type.Boolean({ description: 'False: the register gives no answer about this person (an outage).' })
    )
  },
  { additionalProperties: false }
)
export const citizen = Type.Object({
  handle: nullable(Type.String()),
  cert_no: Type.String(),
  name: Type.String(),
  status: Type.String(),
  available: Type.Boolean()
})
export const population = Type.Object({ population: Type.Array(citizen) })

export const counterCodeAnswer = Type.Object({
  code: Type.String({ description: 'Eight digits, shown once.' }),
  expires_at: Type.String()
})

export const problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.Optional(Type.String()),
    trace_id: Type.String()
  },
  { description: 'RFC 9457' }
)

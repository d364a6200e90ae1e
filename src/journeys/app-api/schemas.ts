/**
 * Every body and every answer of the app API, once: they check requests, shape answers, and make the OpenAPI
 * description.
 */
import Type, { type TObject, type TProperties, type TSchema } from 'typebox'

/** Ids, tokens, digests: our own alphabet, because nothing else may reach the database. */
const token = (maxLength: number, description?: string): ReturnType<typeof Type.String> =>
  Type.String({ pattern: `^[A-Za-z0-9_-]{1,${maxLength}}$`, ...(description === undefined ? {} : { description }) })
const text = (maxLength: number, description: string): ReturnType<typeof Type.String> =>
  Type.String({ maxLength, description })
const nullable = <S extends TSchema>(schema: S, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description })

/** A body: what it does not describe is refused, because nobody would do it. */
const closed = <P extends TProperties>(members: P, options: Record<string, unknown> = {}): TObject<P> =>
  Type.Object(members, { ...options, additionalProperties: false })

const purpose = Type.Enum([
  'login',
  'step-up',
  'approve-delegation',
  'organization-password',
  'register',
  'recover',
  'change-phone'
])
const requirement = Type.Enum(['identity', 'face'])
const time = Type.String({ format: 'date-time' })
const seconds = Type.Integer({ minimum: 0, description: 'Seconds.' })

export const MaskedPerson = Type.Object(
  {
    masked_name: Type.String(),
    masked_cert_no: Type.String()
  },
  { description: 'Masked, for the person to recognise.' }
)

// --- devices ---

export const NewDevice = closed({
  label: text(200, 'What the owner will recognise the phone by, for example the model. Cut to 64 characters.')
})

export const Device = Type.Object({
  device_id: Type.String(),
  label: Type.String(),
  bound: Type.Boolean({
    description: 'Belongs to a person: since the first face check (or counter code) made on it.'
  }),
  person: nullable(MaskedPerson)
})

// --- scans ---

export const NewScan = closed({
  payload: text(512, 'What the QR code says: the whole address, or its last part.')
})

export const Context = Type.Object(
  {
    client_name: Type.String(),
    client_host: Type.String(),
    place: Type.String({ description: 'Coarse place of the browser.' }),
    browser: Type.String(),
    at: time,
    subject: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'What exactly is approved, for purposes other than login.'
      })
    )
  },
  { description: 'Show all of it before the person may confirm.' }
)

const FaceTries = Type.Object(
  { attempt: Type.Integer(), day: Type.Integer() },
  { description: 'Tries left; the smaller number counts.' }
)

const scanMembers = {
  scan_id: Type.String(),
  purpose,
  state: Type.Enum([
    'waiting',
    'scanned',
    'identity',
    'face',
    'confirmed',
    'consumed',
    'rejected',
    'failed',
    'expired',
    'superseded'
  ]),
  context: Context,
  context_digest: Type.String({ description: 'Names exactly what was shown; goes back with accept and confirm.' }),
  requires: Type.Array(requirement, { description: 'What is still missing, in this order.' }),
  check_number: Type.Object({
    mode: Type.Enum(['compare', 'enter'], {
      description:
        'compare: show the number beside the question whether the other screen shows the same; enter: the person ' +
        'types the number of the other screen.'
    }),
    number: Type.Optional(Type.String({ description: 'Only with compare.' }))
  }),
  person: nullable(MaskedPerson, 'Who is expected, when that is known.'),
  accepted: Type.Boolean(),
  face_tries: FaceTries,
  expires_in: seconds
}

export const Scan = Type.Object(scanMembers)

export const StartedScan = Type.Object({
  ...scanMembers,
  scan_token: Type.String({
    description:
      'Needed for every later step, in the header Scan-Token; works with this device only. Keep it in memory.'
  })
})

export const Acceptance = closed({
  context_digest: token(128),
  check_number: Type.Optional(
    Type.String({ pattern: '^[0-9]{1,4}$', description: 'As typed; only with check_number.mode "enter".' })
  )
})

const Consent = closed(
  {
    given: Type.Boolean(),
    version: text(64, 'Version of the text that was shown.')
  },
  { description: 'The separate consent to this step: an unticked box of its own.' }
)

export const Identity = closed({
  cert_type: text(40, 'For example resident_id.'),
  name: text(200, 'As on the document.'),
  cert_no: text(100, 'As typed.'),
  valid_from: Type.String({ maxLength: 10, description: 'YYYY-MM-DD: first day of validity.' }),
  term: Type.String({ maxLength: 10, description: '5, 10, 20 or long: years of validity.' }),
  consent: Consent
})

export const FaceStart = closed({
  consent: Consent,
  return_url: Type.Optional(
    text(
      512,
      "Where the provider's page sends the person back to: an address of this service, for which the app watches."
    )
  ),
  client_meta: Type.Optional(text(4096, "What the provider's SDK collects before the start."))
})

export const FaceCheck = Type.Object({
  check_id: Type.String(),
  method: Type.Enum(['redirect', 'sdkToken', 'upload']),
  url: Type.Optional(Type.String({ description: 'With redirect: open it in a web view with a camera.' })),
  token: Type.Optional(Type.String({ description: "With sdkToken and upload: hand it to the provider's SDK." })),
  expires_at: time,
  tries_left: Type.Integer()
})

export const VerdictRequest = closed({ check_id: token(64) })

export const Verdict = Type.Object({
  status: Type.Enum(['passed', 'pending', 'failed', 'unavailable'], {
    description: 'pending: ask again in a few seconds. unavailable: a fault of the provider, not counted as a try.'
  }),
  reason: Type.Optional(Type.String({ description: 'With failed.' })),
  tries_left: Type.Optional(FaceTries),
  offer_alternative: Type.Optional(Type.Boolean({ description: 'Offer the counter code.' })),
  retry_after: Type.Optional(seconds)
})

export const CounterCode = closed({ code: text(40, 'As typed; blanks and hyphens do not matter.') })

export const Confirmed = Type.Object({ state: Type.Literal('confirmed') })
export const Rejected = Type.Object({ state: Type.Literal('rejected') })

export const ProblemDetails = Type.Object(
  {
    type: Type.String(),
    title: Type.String({ description: 'In the language of Accept-Language.' }),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable; what the app acts on.' }),
    trace_id: Type.String({ description: 'For support.' }),
    faults: Type.Optional(
      Type.Array(
        Type.Object({
          field: Type.String(),
          code: Type.String(),
          details: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])))
        })
      )
    )
  },
  { description: 'RFC 9457.' }
)

/** Names under components/schemas. */
export const namedSchemas = {
  NewDevice,
  Device,
  NewScan,
  StartedScan,
  Scan,
  Acceptance,
  Identity,
  FaceStart,
  FaceCheck,
  VerdictRequest,
  Verdict,
  CounterCode,
  Confirmed,
  Rejected,
  ProblemDetails
} as const satisfies Record<string, TSchema>

export type SchemaName = keyof typeof namedSchemas

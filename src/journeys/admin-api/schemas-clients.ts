/** Clients as the admin API shows and takes them: the same `{kind, metadata, policy}` as in `kora apply` files. */
import Type from 'typebox'
import { adminScopes } from '../../domain/administration/admin-scopes.ts'
import { clientKinds, clientStatuses } from '../../domain/client/record.ts'
import { dualControlReasonNames } from '../../domain/administration/dual-control.ts'
import { closed, history, list, nullable, reason, text, time } from './schema-parts.ts'

const optionalText = (description?: string) =>
  Type.Optional(Type.String(description === undefined ? {} : { description }))
const texts = (description?: string) =>
  Type.Optional(Type.Array(Type.String(), description === undefined ? {} : { description }))
const flag = Type.Optional(Type.Boolean())
const Kind = Type.Enum([...clientKinds])
const Status = Type.Enum([...clientStatuses])

export const ClientMetadata = closed(
  {
    client_name: optionalText(),
    application_type: Type.Optional(Type.Enum(['web', 'native'])),
    grant_types: texts(),
    response_types: texts(),
    response_modes: texts('query, form_post; signed (JARM): jwt, query.jwt, form_post.jwt. All when absent.'),
    redirect_uris: texts('Compared exactly.'),
    post_logout_redirect_uris: texts(),
    backchannel_logout_uri: optionalText(),
    backchannel_logout_session_required: flag,
    initiate_login_uri: optionalText(),
    client_uri: optionalText(),
    policy_uri: optionalText(),
    tos_uri: optionalText(),
    sector_identifier_uri: optionalText(),
    subject_type: Type.Optional(Type.Enum(['public', 'pairwise'])),
    scope: optionalText(),
    token_endpoint_auth_method: optionalText(),
    token_endpoint_auth_signing_alg: optionalText(),
    id_token_signed_response_alg: optionalText(),
    userinfo_signed_response_alg: optionalText('Userinfo as a signed JWT. Plain JSON when absent.'),
    introspection_signed_response_alg: optionalText(
      'Of introspection answers asked for as JWT (RFC 9701); ES256 when absent.'
    ),
    authorization_signed_response_alg: optionalText('Of signed authorization responses (JARM); ES256 when absent.'),
    request_object_signing_alg: optionalText('Of request objects (RFC 9101). Any that is offered when absent.'),
    require_signed_request_object: flag,
    jwks: Type.Optional(
      Type.Object(
        { keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) },
        { description: 'Public keys only.' }
      )
    ),
    jwks_uri: optionalText(),
    require_pushed_authorization_requests: flag,
    dpop_bound_access_tokens: flag,
    tls_client_auth_subject_dn: optionalText(
      'RFC 4514, as in the certificate: CN=…,O=…,C=CN. One of the five names with tls_client_auth.'
    ),
    tls_client_auth_san_dns: optionalText(),
    tls_client_auth_san_uri: optionalText(),
    tls_client_auth_san_ip: optionalText(),
    tls_client_auth_san_email: optionalText(),
    tls_client_certificate_bound_access_tokens: flag,
    default_max_age: Type.Optional(Type.Integer()),
    require_auth_time: flag,
    default_acr_values: texts(),
    contacts: texts(),
    software_id: optionalText(),
    software_version: optionalText()
  },
  {
    description:
      'Registered names of RFC 7591 and OpenID Connect Registration; members left out get secure defaults of the kind.'
  }
)

const names = closed({ 'zh-CN': Type.String(), bo: optionalText(), en: optionalText() })
const policyMembers = {
  unit: optionalText('The unit responsible.'),
  owner: optionalText(),
  profile: Type.Optional(Type.Enum(['standard', 'high'])),
  minimumLevel: Type.Optional(Type.Integer({ minimum: 1, maximum: 4 })),
  trusted: flag,
  subjectKinds: Type.Optional(Type.Array(Type.Enum(['person', 'organization']))),
  roles: Type.Optional(Type.Array(Type.Enum(['self', 'legal_representative', 'agent']))),
  ownService: flag,
  functions: Type.Optional(Type.Array(closed({ code: Type.String(), name: Type.String() }))),
  aliases: Type.Optional(Type.Record(Type.String(), Type.String())),
  optionalScopes: texts(),
  purposes: Type.Optional(
    Type.Record(Type.String(), Type.String(), { description: 'Why each scope is needed; shown to people.' })
  ),
  introspects: texts(),
  resources: Type.Optional(
    Type.Record(
      Type.String(),
      closed({
        scopes: texts('In the name of a person who signed in.'),
        machineScopes: texts('In its own name: client_credentials.')
      }),
      { description: 'APIs that it may ask tokens for, by identifier. A second administrator agrees to more.' }
    )
  ),
  representationRequests: flag,
  adminScopes: Type.Optional(
    Type.Array(Type.Enum([...adminScopes]), { description: 'Given in the console or on the command line only.' })
  ),
  homeUri: optionalText(),
  logo: optionalText()
}

export const ClientPolicy = closed({ names, ...policyMembers })

export const ClientInput = closed(
  {
    kind: Type.Optional(Kind),
    metadata: Type.Optional(ClientMetadata),
    policy: Type.Optional(ClientPolicy),
    reason
  },
  { description: 'The whole content: what is left out gets its default, unknown members are faults.' }
)

export const NewClient = closed({
  client_id: Type.Optional(text(64, 'a–z 0–9 . _ -, 3–64; made when absent.')),
  status: Type.Optional(Type.Enum(['draft', 'test', 'live'])),
  kind: Type.Optional(Kind),
  metadata: Type.Optional(ClientMetadata),
  policy: Type.Optional(ClientPolicy),
  reason
})

export const ClientPatch = closed(
  {
    kind: Type.Optional(Type.Unknown()),
    metadata: Type.Optional(Type.Unknown()),
    policy: Type.Optional(Type.Unknown()),
    reason
  },
  { description: 'JSON Merge Patch (RFC 7396): null takes a member away. The result is checked as a whole.' }
)

const clientMembers = {
  client_id: Type.String(),
  status: Status,
  version: Type.Integer({ description: 'Also the ETag.' }),
  kind: Kind,
  metadata: ClientMetadata,
  policy: ClientPolicy,
  created_at: time,
  updated_at: time
}
export const Client = closed(clientMembers)
export const Secret = closed({
  id: Type.String(),
  secret: nullable(
    Type.String(),
    'Shown once. Null when the answer is repeated for the same Idempotency-Key: make another one.'
  ),
  hint: Type.String({ description: 'Last four characters.' })
})
export const ClientCreated = closed({
  client: Client,
  secret: nullable(Secret),
  change: nullable(
    Type.String(),
    'Address of the change that waits for a second administrator: powers that the client was made without.'
  ),
  changes: Type.Array(Type.String(), { description: 'Addresses of all changes that wait, going live included.' })
})
export const ClientLine = closed({
  client_id: Type.String(),
  name: Type.String(),
  unit: nullable(Type.String()),
  owner: nullable(Type.String()),
  kind: Kind,
  status: Status,
  confidential: Type.Boolean(),
  hosts: Type.Array(Type.String()),
  version: Type.Integer(),
  updated_at: time,
  last_used_at: nullable(time),
  errors: Type.Integer({ description: 'Of today and yesterday.' })
})
export const ClientList = list(ClientLine)
export const ClientExport = list(
  closed({ client_id: Type.String(), status: Status, kind: Kind, metadata: ClientMetadata, policy: ClientPolicy })
)
export const Difference = closed({ field: Type.String(), before: Type.Unknown(), after: Type.Unknown() })
export const Fault = closed({
  pointer: Type.String({ description: 'JSON pointer (RFC 6901) into the body.' }),
  code: Type.String(),
  received: Type.String(),
  expected: Type.String(),
  message: Type.String({ description: 'In the language of Accept-Language (zh-CN, en).' })
})
export const ValidationResult = closed({
  valid: Type.Boolean(),
  faults: Type.Array(Fault),
  second_administrator: Type.Array(Type.Enum([...dualControlReasonNames]), {
    description: 'Why a second administrator would be needed.'
  }),
  content: nullable(closed({ kind: Kind, metadata: ClientMetadata, policy: ClientPolicy }), 'With the defaults.')
})
export const StatusChange = closed({ status: Status, reason })
export const NewSecret = closed({
  grace_seconds: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 7_776_000,
      description: 'How long the former one is still good; 604800 when absent.'
    })
  ),
  reason
})
export const SecretMade = closed({
  id: Type.String(),
  secret: nullable(Type.String(), 'Shown once; null in a repeated answer.'),
  hint: Type.String(),
  previous: nullable(closed({ id: Type.String(), ends_at: time }))
})
export const SecretRequested = closed(
  {
    change: Type.String({ description: 'Address of the change; also in Location.' }),
    id: Type.String(),
    secret: Secret
  },
  { description: 'The client has a power, so the secret is good when another administrator has approved it.' }
)
export const SecretList = closed({
  items: Type.Array(
    closed({
      id: Type.String(),
      hint: Type.String(),
      created_at: time,
      expires_at: nullable(time),
      last_used_on: nullable(Type.String())
    })
  )
})
export const AddressTest = closed({
  address: text(4000, 'A redirect URI, or a whole authorization or logout request.'),
  use: Type.Optional(Type.Enum(['redirect_uri', 'post_logout_redirect_uri']))
})
export const AddressResult = closed({
  address: Type.String(),
  parameter: nullable(Type.String()),
  client_id: nullable(Type.String()),
  matches: Type.Boolean(),
  nearest: nullable(
    closed({
      address: Type.String(),
      differences: Type.Array(closed({ name: Type.String(), received: Type.String(), registered: Type.String() }))
    })
  ),
  fault: nullable(
    closed({ code: Type.String(), expected: Type.String() }),
    'Why it could not be registered as it stands.'
  )
})
export const ClientHistory = history()
export const ClientFailures = closed({
  items: Type.Array(
    closed({ code: Type.String(), address: Type.String(), count: Type.Integer(), first_at: time, last_at: time })
  )
})

export const RegistrationToken = closed({
  id: Type.String(),
  kinds: Type.Array(Type.String()),
  scopes: Type.Array(Type.String(), { description: 'Beside openid.' }),
  hosts: Type.Array(Type.String(), { description: 'Of every address; empty: clients without addresses only.' }),
  uses_left: Type.Integer(),
  clients: Type.Integer({ description: 'Made with it that still manage themselves.' }),
  created_by: Type.String(),
  reason: Type.String(),
  created_at: time,
  expires_at: time,
  live: Type.Boolean()
})
export const RegistrationTokenList = list(RegistrationToken)
export const NewRegistrationToken = closed({
  kinds: Type.Optional(
    Type.Array(Type.Enum([...clientKinds]), { minItems: 1, maxItems: 10, description: '["server"] when absent.' })
  ),
  scopes: Type.Optional(Type.Array(text(60), { maxItems: 50 })),
  hosts: Type.Optional(
    Type.Array(Type.String({ pattern: '^[A-Za-z0-9.-]{1,253}$' }), {
      maxItems: 50,
      description: 'Of every address; without them only clients without addresses are registered.'
    })
  ),
  uses: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: '1 when absent.' })),
  days: Type.Optional(Type.Integer({ minimum: 1, maximum: 90, description: '7 when absent.' })),
  reason
})
export const RegistrationTokenMade = closed({
  id: Type.String(),
  secret: nullable(Type.String(), 'Shown once; null in a repeated answer.'),
  expires_at: time,
  registration_endpoint: Type.String()
})

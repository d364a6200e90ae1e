/**
 * People, organizations, delegations, keys, the trail and waiting changes as the admin API shows them: masked, always.
 */
import Type from 'typebox'
import { closed, list, nullable, reason, text, time } from './schema-parts.ts'

export const Reason = closed({ reason })

export const PersonQuery = closed({
  text: text(200, 'Document number, phone, account id, subject identifier, or a name.'),
  last_four: Type.Optional(text(10, 'Last four characters of the document number; needed with a name.'))
})
export const Person = closed({
  id: Type.String(),
  name: Type.String({ description: 'Masked, as all that follows.' }),
  cert_type: Type.String(),
  cert_no: Type.String(),
  phone: nullable(Type.String()),
  status: Type.String(),
  level: Type.Integer(),
  created_at: time
})
export const PersonList = list(Person)
export const PeopleFound = closed({ by: Type.Enum(['cert_no', 'phone', 'id', 'name']), items: Type.Array(Person) })
export const PersonDetail = closed({
  id: Type.String(),
  sub: Type.String(),
  status: Type.String(),
  level: Type.Integer(),
  name: Type.String(),
  cert_type: Type.String(),
  cert_no: Type.String(),
  phone: nullable(Type.String()),
  email: nullable(Type.String()),
  identity_verified_at: nullable(time),
  face_verified_at: nullable(time),
  face_tries_left: Type.Integer(),
  sessions: Type.Array(
    closed({
      mark: Type.String(),
      started_at: nullable(time),
      expires_at: nullable(time),
      acr: nullable(Type.String()),
      sites: Type.Array(Type.String())
    })
  ),
  devices: Type.Array(
    closed({ id: Type.String(), kind: Type.String(), label: Type.String(), bound_at: nullable(time) })
  ),
  represents: Type.Array(
    closed({ id: Type.String(), name: Type.String(), uscc: Type.String(), status: Type.String() })
  )
})
export const Done = closed({
  outcome: Type.Enum(['done', 'unchanged'], { description: 'unchanged: it was so already, nothing was written.' })
})

export const OrganizationQuery = closed({
  text: Type.Optional(text(100, 'Unified social credit code (exact), or part of the name.')),
  status: Type.Optional(text(30)),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  after: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,300}$' }))
})
export const Organization = closed({
  id: Type.String(),
  uscc: Type.String(),
  name: Type.String(),
  status: Type.String(),
  agents: Type.Integer(),
  created_at: time
})
export const OrganizationList = list(Organization)
export const Delegation = closed({
  id: Type.String(),
  version: Type.Integer(),
  state: Type.String(),
  organization_id: Type.String(),
  uscc: Type.String(),
  organization_name: Type.String(),
  agent_id: Type.String(),
  agent: closed(
    { name: Type.String(), cert_no: Type.String(), phone: nullable(Type.String()) },
    { description: 'Masked.' }
  ),
  functions: nullable(Type.Array(Type.String()), 'Null = all.'),
  client_ids: nullable(Type.Array(Type.String()), 'Null = all.'),
  valid_from: Type.String(),
  valid_to: Type.String(),
  reason: nullable(Type.String()),
  created_at: time,
  submitted_at: nullable(time),
  decided_at: nullable(time),
  ended_at: nullable(time)
})
export const DelegationList = list(Delegation)
export const OrganizationDetail = closed({
  id: Type.String(),
  uscc: Type.String(),
  name: Type.String(),
  status: Type.String(),
  held: Type.Boolean({ description: 'Suspended by staff.' }),
  region: nullable(Type.String()),
  created_at: time,
  register_checked_at: nullable(time),
  legal_representative: nullable(
    closed({ id: Type.String(), name: Type.String(), cert_no: Type.String(), since: nullable(time) })
  )
})

export const OrganizationChecked = closed({
  found: Type.Boolean({ description: 'Known to the company register.' }),
  changed: Type.Array(Type.String(), {
    description: 'What was changed here, because the register has a newer version.'
  }),
  name: nullable(Type.String(), 'In the register.'),
  status: nullable(Type.String(), 'In the register.'),
  legal_representative: nullable(
    Type.Boolean(),
    'Whether the one on record is the one of the register; null: there is none, or the register cannot tell.'
  )
})

export const NewKey = closed({ alg: Type.Enum(['ES256', 'RS256']), reason })
export const Key = closed({
  kid: Type.String(),
  alg: Type.String(),
  state: Type.Enum(['pre-published', 'active', 'retired', 'removed']),
  created_at: time,
  activated_at: nullable(time),
  retired_at: nullable(time),
  removed_at: nullable(time),
  due_at: nullable(time, 'Pre-published: from when it may sign. Retired: from when it may be removed.'),
  public_jwk: Type.Record(Type.String(), Type.Unknown())
})
export const KeyList = closed({ items: Type.Array(Key) })
export const KeyPublished = closed({ kid: Type.String() })
export const KeyRemoved = closed({
  kid: Type.String(),
  was: Type.String({ description: 'State that it had.' }),
  active: nullable(Type.String(), 'Kid that signs from now on.'),
  successor_known: Type.Boolean({
    description: 'False: sites learn of the successor only when they read the key set again.'
  }),
  sites_may_trust_for_seconds: Type.Integer({
    description: 'How long sites may still have the removed key in their cache.'
  })
})
export const RemovedKeyUses = closed({
  items: Type.Array(
    closed({
      kid: Type.String(),
      client_id: Type.String(),
      place: Type.String(),
      uses: Type.Integer(),
      first_at: time,
      last_at: time
    })
  )
})

export const AuditEvent = closed({
  id: Type.Integer(),
  at: time,
  sequence: nullable(Type.Integer(), 'Place in the chain; null until sealed.'),
  genuine: Type.Boolean({ description: 'False: changed after it was recorded.' }),
  type: Type.String(),
  outcome: Type.String(),
  actor: nullable(Type.String()),
  role: nullable(Type.String()),
  person_id: nullable(Type.String()),
  organization_id: nullable(Type.String()),
  delegation_id: nullable(Type.String()),
  client_id: nullable(Type.String()),
  address: nullable(Type.String()),
  reason: nullable(Type.String()),
  trace_id: nullable(Type.String()),
  details: Type.Record(Type.String(), Type.Unknown())
})
export const AuditList = list(AuditEvent)

export const Change = closed({
  id: Type.String(),
  kind: Type.String(),
  subject: Type.String(),
  state: Type.String({
    description:
      'pending, approved, rejected, withdrawn, expired, superseded (another request or change took its place).'
  }),
  reason: Type.String(),
  created_at: time,
  expires_at: time,
  decided_at: nullable(time),
  decision_reason: nullable(Type.String())
})
export const ApprovalRequested = closed(
  { change: Type.String({ description: 'Address of the change; also in Location.' }), id: Type.String() },
  { description: 'In the console one administrator endorses it and another one decides; nothing has changed yet.' }
)

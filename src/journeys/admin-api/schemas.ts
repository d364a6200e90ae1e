/**
 * Every body and every answer of the admin API by name: they check requests, are checked against answers in tests, and
 * make the description.
 */
import Type, { type TSchema } from 'typebox'
import { closed } from './schema-parts.ts'
import * as clients from './schemas-clients.ts'
import * as resourceServers from './schemas-resource-servers.ts'
import * as desk from './schemas-desk.ts'

const ProblemDetails = Type.Object(
  {
    type: Type.String(),
    title: Type.String({ description: 'In the language of Accept-Language (zh-CN, en).' }),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable; what programs act on.' }),
    trace_id: Type.String({ description: 'For support.' }),
    faults: Type.Optional(Type.Array(clients.Fault)),
    current: Type.Optional(Type.Union([clients.Client, resourceServers.ResourceServer])),
    yours: Type.Optional(
      Type.Union([
        closed({ kind: Type.String(), metadata: clients.ClientMetadata, policy: clients.ClientPolicy }),
        resourceServers.ResourceServerContent
      ])
    ),
    diff: Type.Optional(
      Type.Array(Type.Object({ field: Type.String() }), { description: 'From what it is now to what you sent.' })
    )
  },
  { description: 'RFC 9457.' }
)

/** Names under components/schemas. */
export const namedSchemas = {
  ...clients,
  ...resourceServers,
  ...desk,
  ProblemDetails
} as const satisfies Record<string, TSchema>

export type SchemaName = keyof typeof namedSchemas

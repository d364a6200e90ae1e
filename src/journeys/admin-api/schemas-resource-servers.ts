/** Resource servers (APIs) as the admin API shows and takes them: the same members as in `kora apply` files. */
import Type from 'typebox'
import {
  resourceServerStatuses,
  resourceSigningAlgs,
  tokenFormats,
  tokenSeconds
} from '../../domain/resource-server/record.ts'
import { closed, history, list, nullable, reason, text, time } from './schema-parts.ts'

const texts = closed({
  'zh-CN': Type.Optional(Type.String()),
  bo: Type.Optional(Type.String()),
  en: Type.Optional(Type.String())
})
const scopes = Type.Record(Type.String(), texts, {
  description: 'By name: what people read before they agree. zh-CN is needed.'
})
const ResourceServerStatus = Type.Enum([...resourceServerStatuses])
const identifier = Type.String({ description: '`resource` of requests and `aud` of tokens; never changes.' })

const content = {
  names: texts,
  scopes,
  tokenFormat: Type.Enum([...tokenFormats], { description: 'An opaque token is revoked at once, a JWT is not.' }),
  signingAlg: Type.Enum([...resourceSigningAlgs]),
  ttlSeconds: Type.Integer({
    description: `From ${tokenSeconds.least}; opaque at most ${tokenSeconds.opaque}, JWT at most ${tokenSeconds.jwt}.`
  }),
  minimumLevel: nullable(
    Type.Integer({ minimum: 1, maximum: 4 }),
    'Of the login behind a token; null: as the client says.'
  )
}
const introspectors = Type.Array(Type.String(), { description: 'Clients that may introspect its tokens.' })

export const ResourceServerContent = closed(content)

export const ResourceServer = closed({
  id: Type.String({ description: 'In addresses of this API.' }),
  identifier,
  status: ResourceServerStatus,
  version: Type.Integer({ description: 'Also the ETag.' }),
  ...content,
  introspectors,
  clients: Type.Array(
    closed({
      client_id: Type.String(),
      name: Type.String(),
      scopes: Type.Array(Type.String(), { description: 'In the name of a person.' }),
      machineScopes: Type.Array(Type.String(), { description: 'In its own name.' })
    }),
    { description: 'Who may ask for its tokens; changed at each client (`policy.resources`).' }
  ),
  created_at: time,
  updated_at: time
})

export const ResourceServerLine = closed({
  id: Type.String(),
  identifier,
  status: ResourceServerStatus,
  version: Type.Integer(),
  ...content,
  clients: Type.Integer({ description: 'How many may ask for its tokens.' }),
  updated_at: time
})
export const ResourceServerList = list(ResourceServerLine)

const input = {
  names: Type.Optional(texts),
  scopes: Type.Optional(scopes),
  tokenFormat: Type.Optional(content.tokenFormat),
  signingAlg: Type.Optional(content.signingAlg),
  ttlSeconds: Type.Optional(content.ttlSeconds),
  minimumLevel: Type.Optional(content.minimumLevel),
  introspectors: Type.Optional(introspectors)
}
export const NewResourceServer = closed({ identifier: Type.Optional(text(200)), ...input, reason })
export const ResourceServerInput = closed(
  { ...input, reason },
  { description: 'The whole content: what is left out gets its default; introspectors left out stay as they are.' }
)
export const ResourceServerPatch = closed(
  { ...Object.fromEntries(Object.keys(input).map((name) => [name, Type.Optional(Type.Unknown())])), reason },
  { description: 'JSON Merge Patch (RFC 7396): null takes a member away. The result is checked as a whole.' }
)
export const ResourceServerStatusChange = closed({ status: ResourceServerStatus, reason })
export const ResourceServerHistory = history()

/** The OpenAPI 3.1 description, made of the table and the schemas that the router itself uses. */
import { adminApiResource, adminScopes } from '../../domain/administration/admin-scopes.ts'
import { problemStatus, type ProblemCode } from './problems.ts'
import { isRepeatable, prefix, type Route } from './routes.ts'
import { namedSchemas, type SchemaName } from './schemas.ts'

const ref = (name: SchemaName): object => ({ $ref: `#/components/schemas/${name}` })
const parameter = (name: string): object => ({ $ref: `#/components/parameters/${name}` })

const statusTexts: Readonly<Record<number, string>> = {
  200: 'Done',
  201: 'Made',
  202: 'Waits for a second administrator',
  204: 'Done, nothing to say',
  400: 'Not readable',
  401: 'No good access token',
  403: 'Not for this client',
  404: 'Not there',
  409: 'Does not fit the state',
  412: 'Changed meanwhile: both versions are in the answer',
  413: 'More than 128 KiB',
  415: 'Of another type than described',
  422: 'To be corrected and sent again',
  428: 'If-Match is missing',
  429: 'Too many',
  503: 'Another service does not answer: later'
}

/** Every code that a route may refuse with. */
export function listRefusals (line: Route): ProblemCode[] {
  return [
    ...new Set<ProblemCode>([
      'token_missing',
      'token_invalid',
      'proof_invalid',
      'too_many_requests',
      ...(line.scope === null ? [] : ['insufficient_scope' as const]),
      ...(line.query.length > 0 ? ['malformed_query' as const] : []),
      ...(line.body === null
        ? []
        : ([
            'malformed_body',
            'unsupported_media_type',
            'body_too_large',
            'unknown_members',
            'invalid_fields'
          ] as const)),
      ...(line.picture ? (['unsupported_media_type', 'body_too_large', 'invalid_fields'] as const) : []),
      ...(line.writes ? ['reason_required' as const] : []),
      ...(isRepeatable(line) ? (['malformed_idempotency_key', 'idempotency_key_reused'] as const) : []),
      ...(line.versioned ? (['version_required', 'version_conflict'] as const) : []),
      ...line.refusals
    ])
  ]
}

function describeOperation (line: Route): object {
  const codes = new Map<number, string[]>()
  for (const code of listRefusals(line)) {
    codes.set(problemStatus[code], [...(codes.get(problemStatus[code]) ?? []), code])
  }
  const answers = Object.entries(line.answers).map(([status, name]): [string, object] => [
    status,
    {
      description: statusTexts[Number(status)] ?? 'Done',
      ...(name === null ? {} : { content: { 'application/json': { schema: ref(name) } } })
    }
  ])
  const problems = [...codes].map(([status, names]): [string, object] => [
    String(status),
    {
      description: `${statusTexts[status] ?? 'Refused'} (code: ${names.join(', ')})`,
      content: { 'application/problem+json': { schema: ref('ProblemDetails') } }
    }
  ])
  return {
    operationId: line.operationId,
    tags: [line.tag],
    summary: line.summary,
    security: [{ oauth: line.scope === null ? [] : [line.scope] }],
    parameters: [
      ...[...line.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
        name,
        in: 'path',
        required: true,
        schema: { type: 'string' }
      })),
      ...line.query.map(({ name, description, pattern, values }) => ({
        name,
        in: 'query',
        description,
        schema: {
          type: 'string',
          maxLength: 300,
          ...(pattern === undefined ? {} : { pattern }),
          ...(values === undefined ? {} : { enum: values })
        }
      })),
      ...(line.writes ? [parameter('Reason')] : []),
      ...(line.versioned ? [parameter('IfMatch')] : []),
      ...(isRepeatable(line) ? [parameter('IdempotencyKey')] : [])
    ],
    ...(line.picture ? { requestBody: { required: true, content: { 'image/png': {}, 'image/jpeg': {} } } } : {}),
    ...(line.body === null
      ? {}
      : {
          requestBody: {
            required: line.body !== 'Reason',
            content: {
              [line.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json']: {
                schema: ref(line.body)
              }
            }
          }
        }),
    responses: Object.fromEntries([...answers, ...problems].sort(([a], [b]) => Number(a) - Number(b)))
  }
}

const header = (name: string, required: boolean, description: string): object => ({
  name,
  in: 'header',
  required,
  description,
  schema: { type: 'string' }
})

export function openApi (routes: readonly Route[], issuer: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const line of routes) {
    ;(paths[line.path.replaceAll(/:(\w+)/g, '{$1}')] ??= {})[line.method.toLowerCase()] = describeOperation(line)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Kora admin API',
      version: '1',
      description: `Administration for programs. Access tokens: client_credentials with private_key_jwt at ${issuer}/oidc/token, resource=${adminApiResource(issuer)}; opaque, five minutes, bound to a key when asked with DPoP.`
    },
    servers: [{ url: issuer + prefix }],
    paths,
    components: {
      schemas: namedSchemas,
      parameters: {
        Reason: header(
          'Kora-Reason',
          false,
          'Why, percent-encoded where it is not ASCII; or the member `reason` of the body. Goes into the audit trail.'
        ),
        IfMatch: header('If-Match', true, 'ETag of the version that the change is made from.'),
        IdempotencyKey: header(
          'Idempotency-Key',
          false,
          'A request that comes again with the same key within 24 hours acts once; the answer is repeated without ' +
            'secrets (header Idempotency-Replayed: true).'
        )
      },
      securitySchemes: {
        oauth: {
          type: 'oauth2',
          flows: {
            clientCredentials: {
              tokenUrl: `${issuer}/oidc/token`,
              scopes: Object.fromEntries(adminScopes.map((scope) => [scope, scope]))
            }
          }
        }
      }
    }
  }
}

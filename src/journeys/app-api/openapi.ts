/** The OpenAPI 3.1 description, made of the table and the schemas that the router itself uses. */
import { problemStatus } from './problems.ts'
import { prefix, type Route } from './routes.ts'
import { namedSchemas, type SchemaName } from './schemas.ts'

const ref = (name: SchemaName): object => ({ $ref: `#/components/schemas/${name}` })
const problem = (description: string): object => ({
  description,
  content: { 'application/problem+json': { schema: ref('ProblemDetails') } }
})

const statusTexts: Record<number, string> = {
  200: 'Done',
  201: 'Made',
  204: 'Done, nothing to say',
  400: 'Not a JSON object',
  401: 'The proof is not accepted',
  403: 'Not this person or device, or no tries left',
  404: "Unknown, or not this device's",
  409: 'Does not fit the state',
  410: 'Too late',
  413: 'More than 16 KB',
  415: 'Not application/json',
  422: 'To be corrected and sent again',
  429: 'Too many',
  503: 'A service behind is not available; nothing was counted'
}

function describeOperation (line: Route): object {
  const codes = new Map<number, string[]>()
  const note = (status: number, code?: string): void => {
    codes.set(status, [...(codes.get(status) ?? []), ...(code === undefined ? [] : [code])])
  }
  note(401)
  if (line.body !== null) {
    note(400, 'malformed_body')
    note(400, 'unknown_members')
    for (const status of [413, 415]) note(status)
  }
  for (const code of new Set(line.refusals)) note(problemStatus[code], code)
  const answers = Object.entries(line.answers).map(([status, name]): [string, object] => [
    status,
    {
      description: statusTexts[Number(status)] ?? 'Done',
      ...(name === null ? {} : { content: { 'application/json': { schema: ref(name) } } })
    }
  ])
  const problems = [...codes].map(([status, names]): [string, object] => [
    String(status),
    problem(`${statusTexts[status] ?? 'Refused'}${names.length > 0 ? ` (code: ${names.join(', ')})` : ''}`)
  ])
  return {
    operationId: line.operationId,
    summary: line.summary,
    security: [{ deviceProof: [] }],
    ...(line.scanToken ? { parameters: [{ $ref: '#/components/parameters/ScanToken' }] } : {}),
    ...(line.body === null
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: ref(line.body) } } } }),
    responses: Object.fromEntries([...answers, ...problems].sort(([a], [b]) => Number(a) - Number(b)))
  }
}

export function openApi (routes: readonly Route[], issuer: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const line of routes) (paths[line.path] ??= {})[line.method.toLowerCase()] = describeOperation(line)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Kora app API',
      version: '1',
      description:
        "The native app's door to the phone side. Every request carries a proof of the device's key (header DPoP). " +
        'See docs/app-api.md.'
    },
    servers: [{ url: issuer + prefix }],
    paths,
    components: {
      schemas: namedSchemas,
      parameters: {
        ScanToken: {
          name: 'Scan-Token',
          in: 'header',
          required: true,
          schema: { type: 'string' },
          description: 'scan_token of the answer to the scan.'
        }
      },
      securitySchemes: {
        deviceProof: {
          type: 'apiKey',
          in: 'header',
          name: 'DPoP',
          description:
            'JWS of typ dpop+jwt, ES256, with the public key as jwk and the claims htm, htu, iat, jti (RFC 9449 ' +
            '§4.2), and bdh: base64url SHA-256 of the body.'
        }
      }
    }
  }
}

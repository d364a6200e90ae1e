/** The OpenAPI 3.1 document of the sandbox API, made from the table of routes and their schemas. */
import type { TSchema } from 'typebox'
import type { ApiRoute } from './api-route.ts'
import { problem } from './schemas.ts'

export function openApiDocument (routes: readonly ApiRoute[], issuer: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Kora sandbox',
      version: '1',
      description:
        'Drives the simulated phones, face checks, registers and messages of a Kora in development. It never exists ' +
        'in production. No authentication: do not enter real personal data.'
    },
    servers: [{ url: issuer }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: { schemas: { Problem: problem } }
  }
}

const json = (schema: object): object => ({ 'application/json': { schema } })

function operation (route: ApiRoute): object {
  const problems = { 400: 'The request does not follow its schema.', ...route.problems }
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    parameters: [...parameters('path', route.params), ...parameters('query', route.query)],
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: json(route.body) } }),
    responses: {
      200: { description: 'Done', content: json(route.answer) },
      ...Object.fromEntries(
        Object.entries(problems).map(([status, description]) => [
          status,
          {
            description,
            content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
          }
        ])
      )
    }
  }
}

/** POST /sandbox/api/phone/scan → postPhoneScan */
const operationId = ({ method, path }: ApiRoute): string =>
  method.toLowerCase() +
  path
    .replace('/sandbox/api', '')
    .replace(/[{}]/g, '')
    .replace(/[/_-](\w)/g, (_, letter: string) => letter.toUpperCase())

function parameters (place: 'path' | 'query', schema: TSchema | undefined): object[] {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    properties?: Record<string, TSchema>
    required?: string[]
  }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: property
  }))
}

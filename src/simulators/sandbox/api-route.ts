/** One route of the sandbox API as data: it is served from this, and described from this. */
import type { FastifyRequest } from 'fastify'
import type { Static, TSchema } from 'typebox'

interface Checked<P extends TSchema, Q extends TSchema, B extends TSchema> {
  params: Static<P>
  query: Static<Q>
  body: Static<B>
  request: FastifyRequest
}

export interface ApiRoute {
  method: 'GET' | 'POST' | 'PUT'
  /** OpenAPI form: /sandbox/api/population/{id} */
  path: string
  tag: string
  summary: string
  description?: string
  params?: TSchema
  query?: TSchema
  body?: TSchema
  answer: TSchema
  /** What problems besides 400 it may answer, by status. */
  problems?: Record<number, string>
  handle(checked: Checked<TSchema, TSchema, TSchema>): Promise<unknown>
}

/** Types the handler by the schemas. */
export function route<
  A extends TSchema,
  P extends TSchema = TSchema,
  Q extends TSchema = TSchema,
  B extends TSchema = TSchema
> (
  definition: Omit<ApiRoute, 'handle' | 'params' | 'query' | 'body' | 'answer'> & {
    params?: P
    query?: Q
    body?: B
    answer: A
    handle: (checked: Checked<P, Q, B>) => Promise<Static<A>>
  }
): ApiRoute {
  return definition as unknown as ApiRoute
}

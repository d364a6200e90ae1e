/** One line for each route, for the router, the function matrix and the description. */
import type { FastifyRequest } from 'fastify'
import type { Transaction } from 'kysely'
import type { Static } from 'typebox'
import type { Database } from '../../database/schema.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { AdminScope } from '../../domain/administration/admin-scopes.ts'
import type { ApprovalKind } from '../../domain/administration/approval-kinds.ts'
import type { AdminApiDeps } from './deps.ts'
import { Problem, type ProblemCode } from './problems.ts'
import type { namedSchemas, SchemaName } from './schemas.ts'

export const prefix = '/admin/api/v1'

/** What a handler gets; the token was checked. */
export interface Call<B = unknown> {
  request: FastifyRequest
  /** `db` is the transaction of the act, where there is one. */
  deps: AdminApiDeps
  /** The transaction of the act: committed when it is done, undone when it is refused. */
  trx(): Transaction<Database>
  /**
   * Requests approval by another administrator. @throws Problem `change_waiting`, `second_administrator_needed` (nobody
   * decides such changes)
   */
  askApproval(kind: ApprovalKind, subject: string, payload: object): Promise<Answer>
  clientId: string
  body: B
  /** One part of the path. */
  param(name: string): string
  query: Readonly<Record<string, string>>
  /** The actor, for reads that are in the audit trail. */
  asker: Omit<Act, 'reason'>
  /** The actor and the reason. @throws Problem `reason_required` */
  act(): Act
  /** The version named by If-Match. @throws Problem `version_required` */
  version(): number
}

export interface Answer {
  status: number
  body?: unknown
  headers?: Record<string, string>
}

export interface QueryParameter {
  name: string
  description: string
  pattern?: string
  values?: readonly string[]
}

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the prefix. */
  path: string
  operationId: string
  tag: string
  summary: string
  /** Null = any token of an admin client. */
  scope: AdminScope | null
  query: readonly QueryParameter[]
  body: SchemaName | null
  /** The body is checked by the one validation of clients, which knows more than a schema. */
  checkedByRegistry: boolean
  /** Statuses of success and their answers; null = no body. */
  answers: Record<number, SchemaName | null>
  refusals: readonly ProblemCode[]
  /** Changes something: asks for a reason. */
  writes: boolean
  /** Asks for If-Match. */
  versioned: boolean
  /** The body is a picture (PNG, JPEG) and not JSON. */
  picture: boolean
  /**
   * Asks another service, so it is never inside a transaction and takes no Idempotency-Key: to do it twice does no
   * harm.
   */
  asksOutside: boolean
  handle(call: Call): Promise<Answer>
}

type BodyOf<N extends SchemaName | null> = N extends SchemaName ? Static<(typeof namedSchemas)[N]> : undefined
type Optional = 'query' | 'checkedByRegistry' | 'refusals' | 'writes' | 'versioned' | 'picture' | 'asksOutside'

/** One line of the table, its handler typed by its schema. */
export function route<N extends SchemaName | null> (
  line: Omit<Route, 'body' | 'handle' | Optional> &
    Partial<Pick<Route, Optional>> & { body: N; handle: (call: Call<BodyOf<N>>) => Promise<Answer> }
): Route {
  return {
    query: [],
    checkedByRegistry: false,
    refusals: [],
    writes: false,
    versioned: false,
    picture: false,
    asksOutside: false,
    ...line,
    handle: line.handle as Route['handle']
  }
}

/** Whether it is one transaction: acts that ask another service are several. */
export const isTransaction = ({ writes, asksOutside }: Pick<Route, 'writes' | 'asksOutside'>): boolean =>
  writes && !asksOutside

/** Whether an Idempotency-Key counts. */
export const isRepeatable = ({ method, ...line }: Pick<Route, 'method' | 'writes' | 'asksOutside'>): boolean =>
  isTransaction(line) && method === 'POST'

export const formatEtag = (version: number): string => `"${version}"`

export const pageParameters: readonly QueryParameter[] = [
  { name: 'limit', description: '1 to 100; 50 when absent.', pattern: '^([1-9][0-9]?|100)$' },
  { name: 'after', description: '`next` of the page before.', pattern: '^[A-Za-z0-9_-]{1,300}$' }
]

/** Position of a list: how many, and after which row. The cursor holds `parts` texts. */
export function readPage (query: Readonly<Record<string, string>>): { limit: number; after: string | null } {
  const limit = Number(query['limit'] ?? 50)
  if (query['after'] === undefined) return { limit, after: null }
  const after = Buffer.from(query['after'], 'base64url').toString()
  if (after === '' || after.includes('\0') || after.includes('\ufffd')) {
    throw new Problem('malformed_query', {
      faults: [{ field: '/after', code: 'not_a_cursor', received: query['after'].slice(0, 50), expected: 'next' }]
    })
  }
  return { limit, after }
}

/** One page of rows, `limit + 1` of which were asked for. */
export function buildList<R> ({
  rows,
  limit,
  keyOf,
  wire
}: {
  rows: readonly R[]
  limit: number
  keyOf: (row: R) => string
  wire: (row: R) => unknown
}): { items: unknown[]; next: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(wire),
    next: rows.length > limit && last !== undefined ? Buffer.from(keyOf(last)).toString('base64url') : null
  }
}

/** A cursor that is the number of a row. @throws Problem `malformed_query` */
export function rowId (after: string | null): number | null {
  if (after === null) return null
  if (!/^\d{1,15}$/.test(after)) {
    throw new Problem('malformed_query', {
      faults: [{ field: '/after', code: 'not_a_cursor', received: '', expected: 'next' }]
    })
  }
  return Number(after)
}

interface Change {
  id: number
  traceId: string | null
}

/** A page of a history, newest first. @throws Problem `malformed_query` */
export async function answerHistory (
  query: Readonly<Record<string, string>>,
  read: (after: number | null, limit: number) => Promise<Change[]>
): Promise<Answer> {
  const { limit, after } = readPage(query)
  const rows = await read(rowId(after), limit + 1)
  return {
    status: 200,
    body: buildList({
      rows,
      limit,
      keyOf: ({ id }) => String(id),
      wire: ({ traceId, ...row }) => ({ ...row, trace_id: traceId })
    })
  }
}

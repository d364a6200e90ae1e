/** The table of the app API: each endpoint once, for the router and for the OpenAPI description. */
import type { FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import type { KnownDevice } from '../../records/devices/index.ts'
import type { PhoneActor } from '../../records/scan-tickets/index.ts'
import type { Proof } from './proofs.ts'
import type { ProblemCode } from './problems.ts'
import { namedSchemas, type SchemaName } from './schemas.ts'

export const prefix = '/app/v1'

/** What a handler gets; the device is the one whose key made the proof, and nothing else identifies the caller. */
export interface Call<B> {
  request: FastifyRequest
  body: B
  proof: Proof
  /** Null only where `newDevice` is set. */
  device: KnownDevice | null
  actor: PhoneActor
  scanToken: string
}

export interface Answer {
  status: number
  body?: unknown
}

export interface Route {
  method: 'GET' | 'POST' | 'DELETE'
  /** Below the prefix. */
  path: string
  operationId: string
  summary: string
  body: SchemaName | null
  /** Statuses of success and their answers; null = no body. */
  answers: Record<number, SchemaName | null>
  refusals: ProblemCode[]
  /** Needs the header Scan-Token. */
  scanToken: boolean
  /** A key that is not known yet may call. */
  newDevice: boolean
  handle(call: Call<unknown>): Promise<Answer>
}

type BodyOf<N extends SchemaName | null> = N extends SchemaName ? Static<(typeof namedSchemas)[N]> : undefined

/** One line of the table, its handler typed by its schema. */
export function route<N extends SchemaName | null> (
  line: Omit<Route, 'body' | 'handle' | 'scanToken' | 'newDevice' | 'refusals'> &
    Partial<Pick<Route, 'scanToken' | 'newDevice' | 'refusals'>> & {
      body: N
      handle: (call: Call<BodyOf<N>>) => Promise<Answer>
    }
): Route {
  return { scanToken: false, newDevice: false, refusals: [], ...line, handle: line.handle as Route['handle'] }
}

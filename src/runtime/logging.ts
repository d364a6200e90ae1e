/**
 * The server log: JSON lines through pino, for operators and not for evidence (that is the audit).
 *
 * Owns what may stand in a line. Fields are allowed by name; any other field is left out and only its
 * name is listed in `withheld`. Texts are scrubbed of long numbers and token-like strings, because a
 * message of somebody else's error may quote its input. So no document number, phone, name, token or
 * code reaches a log by mistake (GB/T 35273; OWASP ASVS 16.2.5).
 */
import { pino, type Bindings, type DestinationStream, type Logger } from 'pino'
import type { FastifyInstance } from 'fastify'
import { queryCounter } from '../database/query-counter.ts'
import { scrub } from '../domain/scrub-text.ts'
import type { Metrics } from '../ports/metrics.ts'

/** Fields that may be logged. Never add one that can hold something about a person. */
const logFields: ReadonlySet<string> = new Set([
  'err',
  'method',
  'route',
  'status',
  'ms',
  'traceId',
  'trace',
  'reqId',
  'queries',
  'component',
  'code',
  'reason',
  'outcome',
  'event',
  'state',
  'step',
  'count',
  'depth',
  'attempts',
  'topic',
  'outboxId',
  'retryInMs',
  'limit',
  'skewMs',
  'sequence',
  'hash',
  'mac',
  'at',
  'clientId',
  'kid',
  'alg',
  'migration',
  'provider',
  'environment',
  'version',
  'pid',
  'port',
  'host',
  'address',
  'database',
  'signal',
  'name',
  'advice'
])

// ids and MACs of ours, to be compared with the database
const verbatim = new Set(['hash', 'mac', 'traceId', 'trace', 'reqId', 'at', 'kid', 'clientId'])

interface SerializedError {
  type: string
  code?: string
  message: string
  stack?: string
  cause?: SerializedError
}

const readErrorCode = (error: Error): string | undefined => {
  const code: unknown = (error as { code?: unknown }).code
  return typeof code === 'string' ? scrub(code) : undefined
}

function serializeError (error: unknown, depth = 0): SerializedError {
  if (!(error instanceof Error)) return { type: typeof error, message: scrub(String(error)) }
  const code = readErrorCode(error)
  return {
    type: error.name,
    ...(code !== undefined && { code }),
    message: scrub(error.message),
    // frames only: the first lines repeat the message
    ...(error.stack !== undefined && {
      stack: error.stack
        .split('\n')
        .filter((line) => /^\s+at /.test(line))
        .slice(0, 12)
        .join('\n')
    }),
    ...(error.cause !== undefined && depth < 3 && { cause: serializeError(error.cause, depth + 1) })
  }
}

function allowed (fields: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  const withheld: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    if (!logFields.has(name)) withheld.push(name)
    else if (name === 'err') out['err'] = serializeError(value)
    else if (typeof value === 'string') out[name] = verbatim.has(name) ? value.slice(0, 200) : scrub(value)
    else if (typeof value === 'number' || typeof value === 'boolean' || value === null) out[name] = value
    else if (Array.isArray(value)) out[name] = value.slice(0, 20).map((item) => scrub(String(item)))
    else if (value !== undefined) withheld.push(name)
  }
  if (withheld.length > 0) out['withheld'] = withheld
  return out
}

/**
 * @param options level as in LOG_LEVEL; destination for tests (default: standard output)
 */
export function createLogger (options: { level: string }, destination?: DestinationStream): Logger {
  const settings = {
    level: options.level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: allowed
    },
    // pino would turn a bare error into { err } by itself; its own serializer must not see it first
    serializers: { err: (value: unknown) => value },
    hooks: {
      logMethod (this: Logger, args: unknown[], method: (...args: unknown[]) => void) {
        const [first, ...rest] = args
        const text = (item: unknown): unknown =>
          typeof item === 'string' ? scrub(item) : item instanceof Error ? scrub(item.message) : item
        if (first instanceof Error) {
          method.apply(this, [{ err: first }, ...(rest.length > 0 ? rest.map(text) : [scrub(first.message)])])
        } else method.apply(this, [text(first), ...rest.map(text)])
      }
    }
  }
  const log: Logger = destination === undefined ? pino(settings) : pino(settings, destination)
  // pino formats the bindings of the first logger only, not those of its children
  const child = log.child
  log.child = function (this: Logger, bindings: Bindings, options?: object) {
    return child.call(this, allowed(bindings), options)
  } as typeof child
  return log
}

/**
 * One line for each finished request: method, route pattern, status, duration, trace id, queries.
 * The pattern and not the address: paths and queries hold codes, states and ids.
 */
export function registerRequestLog (app: FastifyInstance, deps: { log: Logger; metrics: Metrics }): void {
  const counters = new WeakMap<object, { queries: number }>()
  // everything this request does from here on is counted
  app.addHook('onRequest', (request, _reply, done) => {
    const counter = { queries: 0 }
    counters.set(request, counter)
    queryCounter.run(counter, done)
  })
  app.addHook('onResponse', async (request, reply) => {
    // what answers before routing names its own pattern
    const route = request.routeOptions.url ?? (request.raw as { koraRoute?: string }).koraRoute ?? 'unmatched'
    const queries = counters.get(request)?.queries ?? 0
    const line = {
      method: request.method,
      route,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      traceId: request.id,
      queries
    }
    deps.metrics.httpRequestDuration.observe(
      { route, method: request.method, status: reply.statusCode },
      reply.elapsedTime / 1000
    )
    deps.metrics.dbQueriesPerRequest.observe({ route }, queries)
    // not ready is an answer, not a fault: while draining, probes get it every second
    if (reply.statusCode >= 500 && route !== '/readyz') deps.log.error(line, 'request')
    else deps.log.info(line, 'request')
  })
}

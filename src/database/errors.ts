/**
 * Failures between Kora and its database, as classes and predicates for callers. Error texts and properties never
 * contain values of a row (SQL parameters, the server's `detail`).
 */

/** The database cannot be reached, refuses work or took too long. Answer 503; nothing was retried. */
export class DatabaseUnavailable extends Error {
  /** SQLSTATE or Node's error code, when there is one. */
  readonly code: string | undefined
  /** For the code that turns it into an answer. */
  readonly statusCode = 503
  constructor (cause: unknown) {
    super('The database is not available.', { cause })
    this.name = 'DatabaseUnavailable'
    this.code = readErrorCode(cause)
  }
}

/** Another live process holds the data folder of the embedded database. */
export class DataDirInUse extends Error {
  constructor (dataDir: string, holder: string) {
    super(`The data folder ${dataDir} is in use by ${holder}. Stop that process, or set DATA_DIR to another folder.`)
    this.name = 'DataDirInUse'
  }
}

/** The data folder cannot be created or written. */
export class DataDirUnwritable extends Error {
  constructor (dataDir: string, cause: unknown) {
    super(
      `The data folder ${dataDir} cannot be written (${readErrorCode(cause) ?? 'unknown reason'}). Correct its permissions, or set DATA_DIR to another folder.`,
      { cause }
    )
    this.name = 'DataDirUnwritable'
  }
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENOENT',
  'EMFILE',
  'ENFILE',
  'ERR_STREAM_DESTROYED'
])
// shutdown and crash (57P0x), statement timeout (57014), idle in transaction (25P03), a standby
// after failover (25006), lock timeout (55P03); classes 08 connection and 53 resources below
const sqlStates = new Set(['57P01', '57P02', '57P03', '57P05', '57014', '25P03', '25006', '55P03'])
// pg and PGlite say these things in words only
const phrases =
  /connection terminated|timeout exceeded when trying to connect|query read timeout|is not queryable|client was closed|after calling end on the pool|driver has already been destroyed|pglite(?: instance)? is (?:already )?clos/i

/** True when the failure is the database's absence or overload, not the statement's fault. */
export function isDatabaseUnavailable (error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true
  if (!(error instanceof Error)) return false
  const code = readErrorCode(error)
  if (code !== undefined && (networkCodes.has(code) || sqlStates.has(code) || /^(08|53)...$/.test(code))) return true
  if (error instanceof AggregateError) return error.errors.some(isDatabaseUnavailable)
  return phrases.test(error.message)
}

/** True for SQLSTATE 23505, on `constraint` (an index or constraint name) when one is given. */
export function isUniqueViolation (error: unknown, constraint?: string): boolean {
  if (readErrorCode(error) !== '23505') return false
  return constraint === undefined || (error as { constraint?: unknown }).constraint === constraint
}

/** True for SQLSTATE 40P01 (deadlock) and 40001 (serialization): nothing was written, and the same may succeed now. */
export const isEndedByOthers = (error: unknown): boolean => ['40P01', '40001'].includes(readErrorCode(error) ?? '')

/** True for SQLSTATE 42501: the role has not been given the right. */
export const isPermissionDenied = (error: unknown): boolean => readErrorCode(error) === '42501'

/**
 * What a driver's error becomes before anyone sees it: DatabaseUnavailable, or the same error
 * without the values it quotes (parameters, `Key (…)=(…)`, `invalid input syntax …: "…"`).
 */
export function databaseError (error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const bare = error as Error & Record<string, unknown>
  for (const property of ['detail', 'where', 'internalQuery', 'query', 'params', 'queryOptions']) {
    if (property in bare) delete bare[property]
  }
  if (isDatabaseUnavailable(error)) {
    return error instanceof DatabaseUnavailable ? error : new DatabaseUnavailable(error)
  }
  if (readErrorCode(error)?.startsWith('22') === true) error.message = error.message.replace(/"[\s\S]*"/, '"…"')
  return error
}

function readErrorCode (error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}

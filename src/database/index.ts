/**
 * The database: what its tables look like (schema), how it is reached (PostgreSQL, or the engine embedded for
 * development), how it gets its tables (migrator), how sensitive fields are stored (field encryption), and which
 * failures callers must distinguish (errors). The tables themselves are in migrations/; the queries are in the
 * repositories of records and tokens.
 */
export { openDatabase, type OpenDatabase, type OpenDatabaseOptions } from './connection.ts'
export type { DatabaseProgress } from './pglite.ts'
export { statement } from './statement.ts'
export { type RollbackWith } from './transaction.ts'
export { queryCounter } from './query-counter.ts'
export {
  DatabaseUnavailable,
  DataDirInUse,
  isDatabaseUnavailable,
  isPermissionDenied,
  isUniqueViolation
} from './errors.ts'
export {
  createFieldCrypto,
  FieldCryptoError,
  type FieldCipher,
  type FieldCrypto,
  type FieldCryptoOptions
} from './field-crypto.ts'
export {
  acceptFormerMacs,
  assertMasterKeyFits,
  keepFormerMacs,
  createConfiguredCrypto,
  loadPairwiseKey,
  MasterKeyMismatch,
  renewCanary
} from './master-key.ts'
export { assertMigrated, checkOldRows, migrate, pendingMigrations } from './migrator.ts'
export { findUnvalidated, type Unvalidated } from './constraints.ts'
export {
  assertBoundRole,
  findUnboundRole,
  grantStatements,
  grantTo,
  RoleNotBound,
  type Granted
} from './grants.ts'
export type { Database } from './schema.ts'

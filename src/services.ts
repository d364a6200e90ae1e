/**
 * Composition root: chooses the database, the production adapters or the simulators, and gives every folder the same
 * set of services. This is the only file that knows them all.
 */
import { existsSync } from 'node:fs'
import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Config, Vendor } from './config.ts'
import {
  acceptFormerMacs,
  assertBoundRole,
  assertMasterKeyFits,
  assertMigrated,
  createConfiguredCrypto,
  migrate,
  openDatabase,
  pendingMigrations,
  type Database,
  type DatabaseProgress,
  type FieldCrypto,
  type OpenDatabase,
  type OpenDatabaseOptions
} from './database/index.ts'
import { createFaceHttpProvider } from './adapters/face-http/index.ts'
import { createPasswordHasher } from './adapters/password-hasher.ts'
import type { PasswordHasher } from './ports/password-hasher.ts'
import { createCompanyRegister, createPopulationRegister } from './adapters/registry-http/index.ts'
import { cacheBalance } from './adapters/sms-balance.ts'
import { createSmsHttpSender } from './adapters/sms-http/index.ts'
import { createAudit, type Audit } from './records/audit/index.ts'
import { createMetrics } from './adapters/metrics.ts'
import type { Metrics } from './ports/metrics.ts'
import { systemClock, type Clock } from './ports/clock.ts'
import type { FaceProvider } from './ports/face-provider.ts'
import type { CompanyRegister, PopulationRegister } from './ports/registry.ts'
import type { SmsSender } from './ports/sms.ts'
import { startSandbox, type Sandbox } from './simulators/index.ts'

export interface Services {
  config: Readonly<Config>
  db: Kysely<Database>
  crypto: FieldCrypto
  clock: Clock
  log: Logger
  metrics: Metrics
  audit: Audit
  hasher: PasswordHasher
  face: FaceProvider
  population: PopulationRegister
  companies: CompanyRegister
  sms: SmsSender
}

export interface RunningServices extends Services {
  database: OpenDatabase
  /** The simulators, when this process runs them. */
  sandbox: Sandbox | null
  /** Names of migrations that were applied at this start. */
  migrated: string[]
  pending(): Promise<string[]>
  close(): Promise<void>
}

export interface StartOptions {
  clock?: Clock
  /** Told what takes time at the first start. */
  onProgress?: (step: DatabaseProgress | 'migrating') => void
  /** Data folder of the embedded database as an archive (tests). */
  snapshot?: Blob
  /** Limits on waits for PostgreSQL (tests). */
  timeouts?: OpenDatabaseOptions['timeouts']
}

/**
 * Opens everything. In production migrations are a separate job (`kora migrate`), because N processes may start while
 * one of them is still the old version; elsewhere they run here.
 * @throws DataDirInUse, DataDirUnwritable, NotMigrated, NotGranted, RoleNotBound, MasterKeyMismatch,
 * DatabaseUnavailable
 */
export async function startServices (
  config: Readonly<Config>,
  log: Logger,
  options: StartOptions = {}
): Promise<RunningServices> {
  const { onProgress = () => {}, clock = systemClock } = options
  // before anything is made on the disk
  const vendors = [config.face, config.populationRegister, config.companyRegister]
  if (!config.sandbox) vendors.forEach((vendor) => vendorOr(vendor))
  const database = await openDatabase({
    databaseUrl: config.databaseUrl,
    dataDir: config.dataDir,
    poolSize: config.databasePoolSize,
    log,
    onProgress,
    ...(options.snapshot === undefined ? {} : { snapshot: options.snapshot }),
    ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts })
  })
  let sandbox: Sandbox | null = null
  try {
    let migrated: string[] = []
    if (config.environment !== 'production') {
      onProgress('migrating')
      migrated = await migrate(database.db)
    }
    await assertMigrated(database.db)
    if (config.environment === 'production' && database.kind === 'postgres') await assertBoundRole(database.db)
    const crypto = await fittingCrypto(config, database.db)
    if (config.sandbox) sandbox = await startSandbox(config, log)
    const face = vendorOr(config.face, sandbox?.face)
    const population = vendorOr(config.populationRegister, sandbox?.register)
    const companies = vendorOr(config.companyRegister, sandbox?.companyRegister)
    return {
      config,
      clock,
      log,
      db: database.db,
      crypto,
      metrics: createMetrics({ defaults: config.environment !== 'test' }),
      audit: createAudit({ crypto }),
      hasher: createPasswordHasher({
        concurrency: config.hashConcurrency,
        ...(config.environment === 'test' && config.simulated ? { memoryCost: 1024, timeCost: 2 } : {})
      }),
      face: createFaceHttpProvider({
        baseUrl: face.url,
        keyId: face.keyId,
        algorithm: 'hmac-sha256',
        secret: face.secret
      }),
      population: createPopulationRegister({
        baseUrl: population.url,
        keyId: population.keyId,
        algorithm: 'hmac-sha256',
        secret: population.secret
      }),
      companies: createCompanyRegister({
        baseUrl: companies.url,
        keyId: companies.keyId,
        algorithm: 'hmac-sha256',
        secret: companies.secret
      }),
      sms: cacheBalance(
        config.sms === null && sandbox !== null
          ? sandbox.sms
          : createSmsHttpSender({ ...required(config.sms, 'SMS_URL'), algorithm: 'hmac-sha256' })
      ),
      database,
      sandbox,
      migrated,
      pending: async () => await pendingMigrations(database.db),
      close: async () => {
        await sandbox?.close()
        await database.close()
      }
    }
  } catch (error) {
    await sandbox?.close()
    await database.close()
    throw error
  }
}

/** What operator commands work with. */
export interface OperatorServices extends Pick<Services, 'config' | 'db' | 'crypto' | 'clock' | 'log' | 'audit'> {
  close(): Promise<void>
}

/**
 * The database for one command: nothing is migrated, no outside service is called, nothing is simulated. @throws
 * DataDirInUse, NotMigrated, NotGranted, MasterKeyMismatch, DatabaseUnavailable
 */
export async function openOperatorServices (config: Readonly<Config>, log: Logger): Promise<OperatorServices> {
  const { databaseUrl, dataDir, databasePoolSize: poolSize } = config
  // opening would make it
  if (databaseUrl === null && !existsSync(dataDir)) {
    throw new Error(
      `There is no database in ${dataDir}. Start Kora first: npm start. Or set DATA_DIR or DATABASE_URL.`
    )
  }
  const database = await openDatabase({ databaseUrl, dataDir, poolSize, log })
  try {
    const pending = await assertMigrated(database.db)
    if (pending.length > 0) throw new Error(`The tables are not up to date (${pending.join(', ')}). Run: kora migrate`)
    const crypto = await fittingCrypto(config, database.db)
    const audit = createAudit({ crypto })
    return { config, db: database.db, crypto, clock: systemClock, log, audit, close: database.close }
  } catch (error) {
    await database.close()
    throw error
  }
}

async function fittingCrypto (config: Readonly<Config>, db: Kysely<Database>): Promise<FieldCrypto> {
  const crypto = createConfiguredCrypto(config)
  await assertMasterKeyFits(db, crypto)
  await acceptFormerMacs(db, crypto)
  return crypto
}

const vendorOr = (configured: Vendor | null, simulated?: Vendor): Vendor =>
  configured ??
  required(
    simulated ?? null,
    'FACE_URL, POPULATION_REGISTER_URL and COMPANY_REGISTER_URL (or, to try Kora, an ISSUER of this machine)'
  )

function required<T> (value: T | null, setting: string): T {
  if (value === null) throw new Error(`${setting}: not set, and nothing to use instead.`)
  return value
}

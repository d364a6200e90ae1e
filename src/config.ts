/**
 * Configuration: the environment, read by the list of `settings.ts` and parsed once into a frozen `Config`. Every fault
 * is collected and reported together, each in one line that says what to do.
 */
import { readFileSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import type { Config, Vendor } from './ports/config.ts'
import { secretSettings, settings, settingsByName, type SettingName } from './settings.ts'

export type { Config, Vendor }

export class ConfigError extends Error {
  readonly faults: string[]
  constructor (faults: string[]) {
    super(faults.join('\n'))
    this.name = 'ConfigError'
    this.faults = faults
  }
}

type Environment = Record<string, string | undefined>

/** Settings with a closed list of values, and the values of one. */
type Settings = typeof settings
type ChoiceName = {
  [N in SettingName]: Settings[N] extends { values: readonly string[] } ? N : never
}[SettingName]
type ChoiceValue<N extends ChoiceName> = Settings[N]['values'][number]

interface Reader {
  /** The value without spaces around it; undefined when it is not set or empty. */
  text(name: SettingName): string | undefined
  fault(text: string): void
  /** A fault about an absent setting; not for one whose file could not be read, which is reported already. */
  absent(name: SettingName, text: string): void
  faults: string[]
  /** Deprecated settings in use. */
  warnings: string[]
}

function createReader (env: Environment): Reader {
  const faults: string[] = []
  const warnings: string[] = []
  const unread = new Set<string>()
  const plain = (name: string): string | undefined => {
    const value = env[name]?.trim()
    return value === undefined || value === '' ? undefined : value
  }
  const fault = (text: string): void => {
    faults.push(text)
  }
  /** The value under the present name, otherwise under the former one. */
  const current = (name: SettingName): string | undefined => {
    const value = plain(name)
    const { formerly } = settingsByName[name]
    const former = formerly === undefined ? undefined : plain(formerly)
    if (formerly === undefined || former === undefined) return value
    if (value !== undefined) {
      fault(`${name} and ${formerly} are both set. Remove ${formerly}, its former name.`)
      return value
    }
    warnings.push(`${formerly} is now called ${name}. Rename it: the next version does not read the former name.`)
    return former
  }
  const fromFile = (name: SettingName, path: string): string | undefined => {
    let problem = 'is empty'
    try {
      const value = readFileSync(path, 'utf8').trim()
      if (value !== '') return value
    } catch (error) {
      problem = `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`
    }
    unread.add(name)
    fault(`${name}_FILE="${path}" ${problem}: it must be a file that holds ${name} and nothing else.`)
    return undefined
  }
  return {
    faults,
    warnings,
    fault,
    text (name) {
      const value = current(name)
      const path = secretSettings.includes(name) ? plain(`${name}_FILE`) : undefined
      if (path === undefined) return value
      if (value === undefined) return fromFile(name, path)
      fault(`${name} and ${name}_FILE are both set. Remove one of them.`)
      return value
    },
    absent (name, text) {
      if (!unread.has(name)) fault(text)
    }
  }
}

const isPostgres = (address: string): boolean => /^postgres(ql)?:\/\//.test(address)

/** What the migration job needs: the database, as the owner of its tables. */
export interface MigrationConfig {
  databaseUrl: string | null
  dataDir: string
}

/** Reads these settings and no others, because the job needs no master key and no provider. @throws ConfigError */
export function loadMigrationConfig (env: Environment): MigrationConfig {
  const { text, fault, absent, faults } = createReader(env)
  const databaseUrl = text('MIGRATION_DATABASE_URL') ?? text('DATABASE_URL') ?? null
  if (databaseUrl !== null && !isPostgres(databaseUrl)) {
    fault('MIGRATION_DATABASE_URL (or DATABASE_URL) must begin with postgres://')
  }
  if (databaseUrl === null && text('NODE_ENV') === 'production') {
    absent(
      'MIGRATION_DATABASE_URL',
      'MIGRATION_DATABASE_URL is not set, and neither is DATABASE_URL: production needs PostgreSQL.'
    )
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return { databaseUrl, dataDir: resolve(text('DATA_DIR') ?? settings.DATA_DIR.fallback) }
}

/** Whether an address is of this machine by its name alone; nothing is resolved, since others may decide the answer. */
function isThisMachine (address: string): boolean {
  if (!URL.canParse(address)) return false
  const { hostname } = new URL(address)
  return hostname === 'localhost' || hostname.endsWith('.localhost') || /^127(\.\d+){3}$|^\[::1\]$/.test(hostname)
}

/** Parse and check. Throws ConfigError with every fault at once. */
export function loadConfig (env: Environment, cpus = 2): Readonly<Config> {
  const { text, fault, absent, faults, warnings } = createReader(env)
  /** A whole number within the bounds of the list; the fallback of the list, unless it depends on another setting. */
  const integer = (name: SettingName, fallback = Number(settings[name].fallback)): number => {
    const value = text(name)
    if (value === undefined) return fallback
    const [min, max] = settingsByName[name].range ?? [0, Number.MAX_SAFE_INTEGER]
    const number = Number(value)
    if (/^\d+$/.test(value) && number >= min && number <= max) return number
    fault(
      `${name}="${value}" must be a whole number from ${min} to ${max}. Correct it or leave it out for ${fallback}.`
    )
    return fallback
  }
  const choice = <N extends ChoiceName>(
    name: N,
    fallback: ChoiceValue<N> = settings[name].fallback as ChoiceValue<N>
  ): ChoiceValue<N> => {
    const value = text(name)
    const values: readonly string[] = settings[name].values
    if (value === undefined) return fallback
    if (values.includes(value)) return value as ChoiceValue<N>
    fault(`${name}="${value}" must be one of ${values.join(', ')}. Correct it or leave it out for ${fallback}.`)
    return fallback
  }
  const flag = (name: 'SANDBOX' | 'DEMO_DATA' | 'DYNAMIC_REGISTRATION', fallback: boolean): boolean =>
    choice(name, fallback ? 'on' : 'off') === 'on'

  const environment = choice('NODE_ENV')
  const production = environment === 'production'
  const port = integer('PORT')
  const issuer = text('ISSUER') ?? `http://localhost:${port}`
  const forStrangers = choice('SANDBOX_FOR_STRANGERS') === 'anybody-may-be-anybody'
  // a forgotten NODE_ENV opens nothing to others
  const simulated = !production && (isThisMachine(issuer) || forStrangers)
  const sandbox = flag('SANDBOX', simulated)
  const demoData = flag('DEMO_DATA', sandbox)
  for (const name of ['SANDBOX', 'DEMO_DATA'] as const) {
    if (production || simulated || text(name) !== 'on') continue
    fault(
      `${name}=on is refused: ISSUER="${issuer}" is not this machine, and with simulators everybody is whoever they ` +
        'like. For a real service set NODE_ENV=production; for a public demonstration see SANDBOX_FOR_STRANGERS.'
    )
  }
  if (production && forStrangers) {
    fault('SANDBOX_FOR_STRANGERS is refused with NODE_ENV=production: simulators never run in production. Remove it.')
  }
  if (production && text('SANDBOX') === 'on') {
    fault('SANDBOX=on is refused with NODE_ENV=production: simulators never run in production. Remove it.')
  }
  if (production && text('DEMO_DATA') === 'on') fault('DEMO_DATA=on is refused with NODE_ENV=production. Remove it.')
  if (production && text('RP_PORT') !== undefined) {
    fault('RP_PORT is refused with NODE_ENV=production: the demo relying site never runs in production. Remove it.')
  }
  const relyingSitePort = !demoData ? null : integer('RP_PORT')
  if (relyingSitePort !== null && relyingSitePort !== 0 && relyingSitePort === port) {
    fault(`RP_PORT and PORT are both ${port}. Give the demo site a port of its own.`)
  }

  try {
    const url = new URL(issuer)
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && (isThisMachine(issuer) || !production))) {
      fault(`ISSUER="${issuer}" must begin with https:// (http:// is for localhost only).`)
    }
    if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '') {
      fault(`ISSUER="${issuer}" must be an origin: scheme, host and port, nothing behind them.`)
    }
    if (issuer.endsWith('/')) fault(`ISSUER="${issuer}" must not end with a slash.`)
    if (production && text('ISSUER') === undefined) {
      fault('ISSUER is not set: production needs the public https:// address of this service.')
    }
  } catch {
    fault(`ISSUER="${issuer}" is not an address. Example: https://sso.example.gov.cn`)
  }

  const databaseUrl = text('DATABASE_URL') ?? null
  if (databaseUrl !== null && !isPostgres(databaseUrl)) {
    fault('DATABASE_URL must begin with postgres:// (or be left out for the embedded database).')
  }
  if (production && databaseUrl === null) {
    absent(
      'DATABASE_URL',
      'DATABASE_URL is not set: production needs PostgreSQL; the embedded database is not safe against a power cut.'
    )
  }
  const dataDir = resolve(text('DATA_DIR') ?? settings.DATA_DIR.fallback)
  if (!isAbsolute(dataDir)) fault(`DATA_DIR="${dataDir}" is not a path.`)

  let masterKey: Buffer | null = null
  const masterKeyCommand = text('MASTER_KEY_COMMAND') ?? null
  if (masterKeyCommand !== null && text('MASTER_KEY') !== undefined) {
    fault('MASTER_KEY and MASTER_KEY_COMMAND are both set. Remove one of them.')
  }
  const key = text('MASTER_KEY')
  if (key !== undefined) {
    const bytes = Buffer.from(key, 'base64')
    if (bytes.length === 32) masterKey = bytes
    else fault('MASTER_KEY must be 32 bytes in base64. Make one with: openssl rand -base64 32')
  } else if (production && masterKeyCommand === null) {
    absent(
      'MASTER_KEY',
      'MASTER_KEY is not set: production needs 32 bytes in base64. Make one with: openssl rand -base64 32'
    )
  }

  const masterKeyId = text('MASTER_KEY_ID') ?? settings.MASTER_KEY_ID.fallback
  const masterKeyPrevious: Record<string, Buffer> = {}
  for (const [place, entry] of (text('MASTER_KEY_PREVIOUS') ?? '').split(/[\s,]+/).filter(Boolean).entries()) {
    const [, id = '', encoded = ''] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/_-]{43}=?)$/.exec(entry) ?? []
    const bytes = Buffer.from(encoded, 'base64')
    if (id === '' || bytes.length !== 32) {
      fault(`MASTER_KEY_PREVIOUS: entry ${place + 1} must be id:key, the key as in MASTER_KEY.`)
    } else if (id === masterKeyId || Object.hasOwn(masterKeyPrevious, id)) {
      fault(`MASTER_KEY_PREVIOUS: the id ${id} is there twice, or is MASTER_KEY_ID. Each key needs an id of its own.`)
    } else masterKeyPrevious[id] = bytes
  }

  const vendor = (name: 'FACE' | 'POPULATION_REGISTER' | 'COMPANY_REGISTER' | 'SMS'): Vendor | null => {
    const url = text(`${name}_URL`)
    if (url === undefined) {
      if (production) fault(`${name}_URL is not set: production needs its provider.`)
      return null
    }
    const keyId = text(`${name}_KEY_ID`)
    const secret = text(`${name}_SECRET`)
    if (!URL.canParse(url)) fault(`${name}_URL is not an address.`)
    const needed = `${name}_URL is set, so ${name}_KEY_ID and ${name}_SECRET are needed too.`
    if (keyId === undefined) fault(needed)
    else if (secret === undefined) absent(`${name}_SECRET`, needed)
    if (secret !== undefined && secret.length < 32) fault(`${name}_SECRET must have at least 32 characters.`)
    return { url, keyId: keyId ?? '', secret: secret ?? '' }
  }

  const trustedProxies = (text('TRUSTED_PROXIES') ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
  const mtls = (): Config['mtls'] => {
    const header = (name: 'MTLS_CERT_HEADER' | 'MTLS_VERIFY_HEADER'): string | null => {
      const value = text(name)?.toLowerCase()
      if (value !== undefined && !/^[a-z][a-z0-9-]*$/.test(value)) {
        fault(`${name}="${value}" is not the name of a header. Example: X-Client-Cert`)
      }
      return value ?? null
    }
    const certHeader = header('MTLS_CERT_HEADER')
    const verifyHeader = header('MTLS_VERIFY_HEADER')
    const origin = text('MTLS_ORIGIN') ?? null
    if (origin !== null && (!origin.startsWith('https://') || URL.parse(origin)?.origin !== origin)) {
      fault(`MTLS_ORIGIN="${origin}" must be an https:// origin, nothing behind it.`)
    }
    if (certHeader === null) {
      if (verifyHeader !== null || origin !== null) {
        fault(
          'MTLS_VERIFY_HEADER and MTLS_ORIGIN need MTLS_CERT_HEADER: the header in which the proxy passes the ' +
            'certificate on.'
        )
      }
      return null
    }
    if (trustedProxies.length === 0) {
      fault('MTLS_CERT_HEADER needs TRUSTED_PROXIES: certificates are believed from the proxies named there only.')
    }
    if (certHeader === verifyHeader) fault('MTLS_CERT_HEADER and MTLS_VERIFY_HEADER must be different headers.')
    return { certHeader, verifyHeader, origin }
  }

  const companyRegister = vendor('COMPANY_REGISTER')
  const channels = choice('PHONE_CHANNELS')
  const config: Config = {
    environment,
    host: text('HOST') ?? (production ? '0.0.0.0' : 'localhost'),
    port,
    relyingSitePort,
    issuer,
    dataDir,
    databaseUrl,
    databasePoolSize: integer('DATABASE_POOL_SIZE'),
    trustedProxies,
    mtls: mtls(),
    masterKey,
    masterKeyCommand,
    masterKeyId,
    masterKeyPrevious,
    fieldCipher: choice('FIELD_CIPHER'),
    facePolicy: choice('FACE_POLICY'),
    organizationPasswordLogin: choice('ORGANIZATION_PASSWORD_LOGIN'),
    passwordProfile: choice('PASSWORD_PROFILE'),
    phoneChannels: { app: channels !== 'pages', pages: channels !== 'app' },
    sandbox,
    simulated,
    demoData,
    logLevel: choice('LOG_LEVEL'),
    face: vendor('FACE'),
    populationRegister: vendor('POPULATION_REGISTER'),
    companyRegister,
    companyRegisterSeconds: integer('COMPANY_REGISTER_SECONDS', companyRegister === null ? 1 : 10),
    sms: vendor('SMS'),
    sandboxFacePort: integer('SANDBOX_FACE_PORT', 0),
    egressAllowed: (text('EGRESS_ALLOWED') ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
    contact: {
      hotline: text('CONTACT_HOTLINE') ?? settings.CONTACT_HOTLINE.fallback,
      email: text('CONTACT_EMAIL') ?? '',
      hours: text('CONTACT_HOURS') ?? ''
    },
    policyVersion: text('POLICY_VERSION') ?? settings.POLICY_VERSION.fallback,
    hashConcurrency: integer('HASH_CONCURRENCY', cpus),
    metricsToken: text('METRICS_TOKEN') ?? null,
    drainNoticeSeconds: integer('DRAIN_NOTICE_SECONDS', production ? 5 : 0),
    dynamicRegistration: flag('DYNAMIC_REGISTRATION', false),
    keyRotationDays: integer('KEY_ROTATION_DAYS'),
    loginStartsPerAddress: integer('LOGIN_STARTS_PER_ADDRESS'),
    warnings
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return Object.freeze(config)
}

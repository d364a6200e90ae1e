/**
 * The one list of settings: name, default, allowed values, meaning. `config.ts` reads the environment by it and
 * `docs/configuration.md` is generated from it. A setting that is not in this list cannot be read.
 */
export interface Setting {
  group: 'service' | 'database' | 'keys' | 'proxy' | 'sign-in' | 'providers' | 'operation' | 'sandbox'
  /** Used when the variable is not set or empty. A text in words where it depends on another setting. */
  fallback: string
  /** What it does and what its values mean, in one or two plain sentences (Markdown). */
  meaning: string
  /** The closed list of values. */
  values?: readonly string[]
  /** Inclusive bounds of a whole number. */
  range?: readonly [number, number]
  /** A secret may stand in a file of its own, whose path is in `<NAME>_FILE`. */
  secret?: true
  /** `always`: production does not start without it. `refused`: production does not start with it. */
  production?: 'always' | 'refused'
  /** The former name, still read for one version, with a warning. */
  formerly?: string
}

/** The three settings of an outside service. */
function provider<const G extends string> (
  group: G,
  contract: string
): Record<`${G}_${'URL' | 'KEY_ID' | 'SECRET'}`, Setting> {
  const url: Setting = {
    group: 'providers',
    fallback: 'the simulator',
    production: 'always',
    meaning: `Address of the service: [contract](${contract}).`
  }
  const keyId: Setting = {
    group: 'providers',
    fallback: '–',
    production: 'always',
    meaning: 'Name of the shared key with which requests and answers are signed.'
  }
  const secret: Setting = {
    group: 'providers',
    fallback: '–',
    production: 'always',
    secret: true,
    meaning: 'The shared key itself, at least 32 characters.'
  }
  return { [`${group}_URL`]: url, [`${group}_KEY_ID`]: keyId, [`${group}_SECRET`]: secret } as Record<
    `${G}_${'URL' | 'KEY_ID' | 'SECRET'}`,
    Setting
  >
}

export const settings = {
  NODE_ENV: {
    group: 'service',
    fallback: 'development',
    values: ['development', 'production', 'test'],
    meaning: '`production` refuses every simulator and asks for everything that a public service needs.'
  },
  ISSUER: {
    group: 'service',
    fallback: '`http://localhost:$PORT`',
    production: 'always',
    meaning: 'Public origin, exactly as relying sites see it: scheme, host and port; https, except on this machine.'
  },
  HOST: {
    group: 'service',
    fallback: '`localhost`, in production `0.0.0.0`',
    meaning: 'Address to listen on.'
  },
  PORT: { group: 'service', fallback: '3000', range: [0, 65535], meaning: 'Port to listen on; 0 takes any free one.' },
  CONTACT_HOTLINE: { group: 'service', fallback: '12345', meaning: 'Telephone number that error pages show.' },
  CONTACT_EMAIL: { group: 'service', fallback: '–', meaning: 'E-mail address that error pages show.' },
  CONTACT_HOURS: { group: 'service', fallback: '–', meaning: 'Office hours that error pages show.' },
  POLICY_VERSION: {
    group: 'service',
    fallback: '2026-01',
    meaning: 'Version of privacy policy and terms; a new version asks everybody for agreement once more.'
  },

  DATABASE_URL: {
    group: 'database',
    fallback: 'the embedded database',
    secret: true,
    production: 'always',
    meaning: '`postgres://…`, PostgreSQL 14 or newer, for a role that owns no table.'
  },
  MIGRATION_DATABASE_URL: {
    group: 'database',
    fallback: '`DATABASE_URL`',
    secret: true,
    meaning: 'The role that owns the tables. Only `kora migrate` reads it.'
  },
  DATABASE_POOL_SIZE: { group: 'database', fallback: '10', range: [1, 200], meaning: 'Connections of one process.' },
  DATA_DIR: {
    group: 'database',
    fallback: './data',
    meaning: 'Folder of the embedded database and of the keys that development makes for itself.'
  },

  MASTER_KEY: {
    group: 'keys',
    fallback: 'made in `DATA_DIR`',
    secret: true,
    production: 'always',
    meaning: '32 bytes in base64. Encrypts sensitive columns: without it the data is lost.'
  },
  MASTER_KEY_COMMAND: {
    group: 'keys',
    fallback: 'none',
    meaning: 'Command that prints the master key, instead of MASTER_KEY: it is run once, at the start, by `/bin/sh`.'
  },
  MASTER_KEY_ID: {
    group: 'keys',
    fallback: 'k1',
    meaning: 'Name of the master key, stored beside what it encrypted.'
  },
  MASTER_KEY_PREVIOUS: {
    group: 'keys',
    fallback: 'none',
    secret: true,
    meaning:
      'Other master keys that still decrypt, as `id:base64`, with blanks between them: the former one during a ' +
      'change ([how](runbooks/master-key.md)).'
  },
  FIELD_CIPHER: {
    group: 'keys',
    fallback: 'aes-256-gcm',
    values: ['aes-256-gcm', 'sm4-gcm'],
    meaning: 'Cipher of sensitive columns.'
  },
  KEY_ROTATION_DAYS: {
    group: 'keys',
    fallback: '90',
    range: [1, 3650],
    meaning: 'Days after which a signing key is followed by its successor, which is published before.'
  },

  TRUSTED_PROXIES: {
    group: 'proxy',
    fallback: '–',
    meaning: 'Networks of the proxies in front, with commas between them, whose forwarding headers are believed.'
  },
  MTLS_CERT_HEADER: {
    group: 'proxy',
    fallback: '–',
    meaning:
      'Header in which a trusted proxy passes on the [client certificate](protocol.md#client-certificates) ' +
      '(RFC 8705). Not set: certificates are not accepted.'
  },
  MTLS_VERIFY_HEADER: {
    group: 'proxy',
    fallback: '–',
    meaning: 'Header in which it says `SUCCESS` when it verified the certificate; `tls_client_auth` needs it.'
  },
  MTLS_ORIGIN: {
    group: 'proxy',
    fallback: '`ISSUER`',
    meaning: 'https origin where the proxy asks for certificates, when that is another one.'
  },
  EGRESS_ALLOWED: {
    group: 'proxy',
    fallback: '–',
    meaning:
      'Hosts of relying sites on private networks that may be called (logout tokens, keys), with commas between ' +
      'them: `host`, or `host:port` for another port than that of the scheme.'
  },

  FACE_POLICY: {
    group: 'sign-in',
    fallback: 'first-login',
    values: ['first-login', 'always', 'on-request'],
    meaning: 'When a face check is asked for.'
  },
  ORGANIZATION_PASSWORD_LOGIN: {
    group: 'sign-in',
    fallback: 'confined',
    values: ['confined', 'scan'],
    meaning:
      "What an organization's password opens in a browser where its person was verified: a confined login " +
      '(level 1), or nothing without a scan.'
  },
  PASSWORD_PROFILE: {
    group: 'sign-in',
    fallback: 'standard',
    values: ['standard', 'manual', 'mlps3'],
    meaning:
      'Rules for new passwords: length and blocklist; the rules of the manual; those of MLPS level 3 ' +
      '(GB/T 22239).'
  },
  PHONE_CHANNELS: {
    group: 'sign-in',
    fallback: 'both',
    values: ['app', 'pages', 'both'],
    formerly: 'PHONE_DOORS',
    meaning: 'What a scanned code opens: the app, pages in the browser, or a choice.'
  },
  HASH_CONCURRENCY: {
    group: 'sign-in',
    fallback: 'number of processors',
    range: [1, 64],
    meaning: 'Password hashes computed at once.'
  },
  LOGIN_STARTS_PER_ADDRESS: {
    group: 'sign-in',
    fallback: '1000',
    range: [1, 1_000_000_000],
    meaning: 'Logins that one IPv4 address or IPv6 /56 may start in five minutes at one process.'
  },
  DYNAMIC_REGISTRATION: {
    group: 'sign-in',
    fallback: 'off',
    values: ['on', 'off'],
    meaning: 'Sites [register themselves](dynamic-registration.md) with a token that an operator made (RFC 7591).'
  },

  ...provider('FACE', 'face-provider-contract.md'),
  ...provider('POPULATION_REGISTER', 'register-contract.md'),
  ...provider('COMPANY_REGISTER', 'register-contract.md'),
  COMPANY_REGISTER_SECONDS: {
    group: 'providers',
    fallback: '10, with the simulator 1',
    range: [1, 3600],
    meaning: 'Seconds between two readings of the journal of the company register.'
  },
  ...provider('SMS', 'sms-provider-contract.md'),

  LOG_LEVEL: {
    group: 'operation',
    fallback: 'info',
    values: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    meaning: 'Lines below this level are not written.'
  },
  METRICS_TOKEN: {
    group: 'operation',
    fallback: '–',
    secret: true,
    meaning: 'Bearer token for `/metrics`. Not set: it answers this machine only.'
  },
  DRAIN_NOTICE_SECONDS: {
    group: 'operation',
    fallback: '5 in production, otherwise 0',
    range: [0, 10],
    meaning: 'Seconds for which a process still serves after `SIGTERM` while `/readyz` says that it is not ready.'
  },

  SANDBOX: {
    group: 'sandbox',
    fallback: 'on where `ISSUER` is this machine; otherwise and in production off',
    values: ['on', 'off'],
    production: 'refused',
    meaning: 'Simulated phone, providers and registers.'
  },
  SANDBOX_FOR_STRANGERS: {
    group: 'sandbox',
    fallback: 'no',
    values: ['no', 'anybody-may-be-anybody'],
    production: 'refused',
    meaning:
      'Simulators where `ISSUER` is not this machine (`localhost`, `*.localhost`, `127.0.0.0/8`, `[::1]`): everybody ' +
      'who reaches the address can sign in as anybody. Only for a demonstration without real data.'
  },
  DEMO_DATA: {
    group: 'sandbox',
    fallback: 'as `SANDBOX`',
    values: ['on', 'off'],
    production: 'refused',
    meaning: 'People, organizations and sites to try things with.'
  },
  RP_PORT: {
    group: 'sandbox',
    fallback: '3001',
    range: [0, 65535],
    production: 'refused',
    meaning: 'Port of the demo relying site.'
  },
  SANDBOX_FACE_PORT: {
    group: 'sandbox',
    fallback: 'any free one',
    range: [0, 65535],
    meaning: 'Port of the simulated face provider.'
  }
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof settings

/** The same list with every optional member readable. */
export const settingsByName: Readonly<Record<SettingName, Setting>> = settings

/** Settings that are secret: each may also be in a file of its own, whose path is in <NAME>_FILE. */
export const secretSettings: readonly SettingName[] = (Object.keys(settings) as SettingName[]).filter(
  (name) => settingsByName[name].secret === true
)
